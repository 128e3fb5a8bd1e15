"""The audit log as a workbook."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from server.accounts.audit_words import details_of, name_of, person_of, target_of
from server.history.cells import storable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any
    from zoneinfo import ZoneInfo

    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

    from server.accounts.models import AuditEntry

MOST_ROWS = 100_000
_WIDTHS = (20, 28, 36, 32, 70, 18)


def write_audit(file: IO[bytes], *, entries: Iterable[AuditEntry], zone: ZoneInfo) -> int:
    """Write an .xlsx file, times on the zone's wall clock; returns how many entries it holds."""
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet(_("Audit log"))
    for letter, width in zip("ABCDEF", _WIDTHS, strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = "A2"
    sheet.append([_heading(sheet, text) for text in (_("Time"), _("Who"), _("What"), _("On what"), _("Details"), _("From where"))])
    written = 0
    for entry in entries:
        at = WriteOnlyCell(sheet, entry.at.astimezone(zone).replace(tzinfo=None, microsecond=0))
        at.number_format = "yyyy-mm-dd hh:mm:ss"
        texts = (person_of(entry), name_of(entry.action), target_of(entry), details_of(entry), entry.address or "")
        sheet.append([at, *(_text(sheet, text) for text in texts)])
        written += 1
    workbook.save(file)
    return written


def _heading(sheet: WriteOnlyWorksheet, text: str) -> Any:
    cell = _text(sheet, text)
    cell.font = Font(bold=True)
    return cell


def _text(sheet: WriteOnlyWorksheet, text: str) -> Any:
    cell = WriteOnlyCell(sheet, storable(text))
    # A name may be "=1+1".
    cell.data_type, cell.number_format = "s", "@"
    return cell
