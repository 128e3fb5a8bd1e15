"""The audit log as a workbook.

As server/history/sheets.py does, openpyxl makes all but the rows: a hundred thousand of them would take it longer than a
browser is waited for.
"""

from __future__ import annotations

import itertools
import re
import zipfile
from datetime import datetime, timedelta
from io import BytesIO
from typing import IO, TYPE_CHECKING
from zipfile import ZipFile

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from server.accounts.audit_words import details_of, name_of, person_of, target_of
from server.history.cells import storable
from server.history.sheets import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from server.accounts.models import AuditEntry

MOST_ROWS = 100_000
_WIDTHS = (20, 28, 36, 32, 70, 18)
_SHEET = "xl/worksheets/sheet1.xml"
_AT_ONCE = 1000
# Where Excel begins to count days.
_DAY_0, _DAY = datetime(1899, 12, 30), timedelta(days=1)  # noqa: DTZ001 (a wall clock's)


def write_audit(file: IO[bytes], *, entries: Iterable[AuditEntry], zone: ZoneInfo) -> int:
    """Write an .xlsx file, times on the zone's wall clock; returns how many entries it holds."""
    made, written = BytesIO(), 0
    time_style, text_style = _save_frame(made)
    with ZipFile(made) as frame, ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        head, end, tail = frame.read(_SHEET).partition(b"</sheetData>")
        with book.open(_SHEET, "w") as sheet:
            # How many rows there will be is not known yet; it may be left out.
            sheet.write(re.sub(b"<dimension[^>]*>", b"", head))
            for batch in itertools.batched(entries, _AT_ONCE, strict=False):
                sheet.write(b"".join(_row(entry, zone, time_style, text_style) for entry in batch))
                written += len(batch)
            sheet.write(end + tail)
        for name in frame.namelist():
            if name != _SHEET:
                book.writestr(name, frame.read(name))
    return written


def _save_frame(made: IO[bytes]) -> tuple[int, int]:
    """All but the rows; returns the styles of times and of texts."""
    workbook = Workbook()
    sheet = workbook.worksheets[0]
    sheet.title = _("Audit log")
    titles = (_("Time"), _("Who"), _("What"), _("On what"), _("Details"), _("From where"))
    for at, (title, width) in enumerate(zip(titles, _WIDTHS, strict=True), start=1):
        sheet.cell(1, at, title).font = Font(bold=True)
        column = sheet.column_dimensions[get_column_letter(at)]
        column.width, column.number_format = width, "yyyy-mm-dd hh:mm:ss" if at == 1 else "@"
    sheet.freeze_panes = "A2"
    workbook.save(made)
    return int(sheet.column_dimensions["A"].style_id), int(sheet.column_dimensions["B"].style_id)


def _row(entry: AuditEntry, zone: ZoneInfo, time_style: int, text_style: int) -> bytes:
    days = (entry.at.astimezone(zone).replace(tzinfo=None, microsecond=0) - _DAY_0) / _DAY
    texts = (person_of(entry), name_of(entry.action), target_of(entry), details_of(entry), entry.address or "")
    return b'<row><c s="%d"><v>%.10f</v></c>%s</row>' % (time_style, days, b"".join(_text(text, text_style) for text in texts))


def _text(text: str, style: int) -> bytes:
    """As a cell of text: a name may be "=1+1"."""
    if not text:
        return b'<c s="%d"/>' % style
    said = escaped(storable(text).encode())
    return b'<c s="%d" t="inlineStr"><is><t xml:space="preserve">%s</t></is></c>' % (style, said)
