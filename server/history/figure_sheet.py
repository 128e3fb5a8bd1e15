"""The figures as a workbook: a sheet for each, and one that says what they are of."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from server.history.cells import storable
from server.history.figure_tables import Share

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from openpyxl.worksheet.worksheet import Worksheet

    from server.history.figure_tables import Table

_WIDEST = 60
# What Excel forbids in the name of a sheet.
_NOT_IN_A_NAME = str.maketrans(dict.fromkeys("[]:*?/\\", " "))


def workbook_of(tables: Sequence[Table], *, about: Sequence[tuple[str, str]], zone: ZoneInfo) -> bytes:
    """An .xlsx file; times stand on the zone's wall clock, and every text stays a text, whatever it begins with."""
    workbook = Workbook()
    first = workbook.worksheets[0]
    first.title = _title(_("Figures"))
    for at, line in enumerate(about, start=1):
        for column, text in enumerate(line, start=1):
            _write(first.cell(at, column), text, zone)
        first.cell(at, 1).font = Font(bold=True)
    _set_widths(first)
    for table in tables:
        _fill(workbook.create_sheet(_title(table.title)), table, zone)
    file = BytesIO()
    workbook.save(file)
    return file.getvalue()


def _title(words: str) -> str:
    return words.translate(_NOT_IN_A_NAME)[:31]


def _fill(sheet: Worksheet, table: Table, zone: ZoneInfo) -> None:
    """The headings in the first row, or why there is nothing below; what is counted, and how, at the end."""
    for at, heading in enumerate([table.instead] if table.instead else table.headings, start=1):
        _write(sheet.cell(1, at), heading, zone)
        sheet.cell(1, at).font = Font(bold=True)
    for at, row in enumerate(table.rows, start=2):
        for column, value in enumerate(row, start=1):
            _write(sheet.cell(at, column), value, zone)
    sheet.freeze_panes = "A2"
    _set_widths(sheet)
    explained = sheet.cell(len(table.rows) + 3, 1)
    _write(explained, table.explained, zone)
    explained.font, explained.alignment = Font(italic=True), Alignment(wrap_text=False)


def _write(cell: Any, value: Any, zone: ZoneInfo) -> None:
    if isinstance(value, str):
        cell.value = storable(value)
        # A name may be "=1+1".
        cell.data_type, cell.number_format = "s", "@"
    elif isinstance(value, datetime):
        cell.value, cell.number_format = value.astimezone(zone).replace(tzinfo=None, microsecond=0), "yyyy-mm-dd hh:mm:ss"
    else:
        cell.value, cell.number_format = _plain(value), _number_format(value)


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return timedelta(seconds=round(value.total_seconds()))
    return float(value) if isinstance(value, Share) else value


def _number_format(value: Any) -> str:
    match value:
        case Share():
            return "0.0%"
        case timedelta():
            return "[h]:mm:ss"
        case date():
            return "yyyy-mm-dd"
        case _:
            return "#,##0"


def _set_widths(sheet: Worksheet) -> None:
    for at, column in enumerate(sheet.iter_cols(values_only=True), start=1):
        longest = max(len(str(value)) for value in column if value is not None)
        sheet.column_dimensions[get_column_letter(at)].width = min(max(longest + 2, 10), _WIDEST)
