"""The audit log as a workbook; a hundred thousand rows would take openpyxl longer than a browser is waited for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import IO, TYPE_CHECKING

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from server.accounts.audit_words import details_of, name_of, person_of, target_of
from server.history.cells import storable
from server.one_sheet import text_cell, write_one_sheet

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from server.accounts.models import AuditEntry

MOST_ROWS = 100_000
_WIDTHS = (20, 28, 36, 32, 70, 18)
# Where Excel begins to count days.
_DAY_0, _DAY = datetime(1899, 12, 30), timedelta(days=1)  # noqa: DTZ001 (a wall clock's)


def write_audit(file: IO[bytes], *, entries: Iterable[AuditEntry], zone: ZoneInfo) -> int:
    """Write an .xlsx file, times on the zone's wall clock; returns how many entries it holds."""
    workbook, time_style, text_style = _frame()
    return write_one_sheet(file, workbook, (_row(entry, zone, time_style, text_style) for entry in entries))


def _frame() -> tuple[Workbook, int, int]:
    """All but the rows, and the styles of times and of texts."""
    workbook = Workbook()
    sheet = workbook.worksheets[0]
    sheet.title = _("Audit log")
    titles = (_("Time"), _("Who"), _("What"), _("On what"), _("Details"), _("From where"))
    for at, (title, width) in enumerate(zip(titles, _WIDTHS, strict=True), start=1):
        sheet.cell(1, at, title).font = Font(bold=True)
        column = sheet.column_dimensions[get_column_letter(at)]
        column.width, column.number_format = width, "yyyy-mm-dd hh:mm:ss" if at == 1 else "@"
    sheet.freeze_panes = "A2"
    return workbook, int(sheet.column_dimensions["A"].style_id), int(sheet.column_dimensions["B"].style_id)


def _row(entry: AuditEntry, zone: ZoneInfo, time_style: int, text_style: int) -> bytes:
    days = (entry.at.astimezone(zone).replace(tzinfo=None, microsecond=0) - _DAY_0) / _DAY
    texts = (person_of(entry), name_of(entry.action), target_of(entry), details_of(entry), entry.address or "")
    cells = b"".join(text_cell(storable(text), text_style) for text in texts)
    return b'<row><c s="%d"><v>%.10f</v></c>%s</row>' % (time_style, days, cells)
