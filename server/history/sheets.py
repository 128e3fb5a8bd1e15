"""A workbook of any number of rows, written as they come.

openpyxl makes the workbook, its styles and its passport; only the rows, which are nearly all of it, are
written here, straight into the sheets' parts of the zip file: openpyxl needs ten times as long for them.
"""

from __future__ import annotations

import re
import zipfile
from functools import cache
from io import BytesIO
from typing import IO, TYPE_CHECKING
from zipfile import ZipFile

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from server.history.cells import SECONDS_OF_DAY, Memo, storable
from server.history.columns import COLUMNS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from openpyxl.worksheet.worksheet import Worksheet

    from server.history.columns import Column
    from server.history.tabulation import Cells

ROWS_OF_SHEET = 1_048_576
# Below 2 GB a part needs none of zip64, which not every reader knows.
BYTES_OF_SHEET = 1_900_000_000
# A column as wide as this shows its texts in several lines.
_WRAPPED = 60
# Days from the beginning of Excel's count to 1970.
DAY_0 = 25_569
_TEXT, _TIME = "@", "yyyy\\-mm\\-dd hh:mm:ss"
_ESCAPED = re.compile("[&<>]|_(?=x[0-9A-Fa-f]{4}_)")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "_": "_x005F_"}


class Sheets:
    """An .xlsx file in the making, in the language that is active; leave it by close()."""

    def __init__(self, file: IO[bytes], *, headings: Sequence[str]) -> None:
        self._headings = headings
        self._zip = ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        head, self._tail, styles = _around_rows(headings)
        self._head = head.encode()
        self._write_cells = [_writer(column, style) for column, style in zip(COLUMNS, styles, strict=True)]
        self._rows_of_sheets: list[int] = []
        self._open_sheet()

    def write(self, columns: Sequence[Cells]) -> None:
        """Some more rows."""
        written = [write(cells) for write, cells in zip(self._write_cells, columns, strict=True)]
        rows = list(map("".join, zip(*written, strict=True)))
        while rows:
            free = ROWS_OF_SHEET - 1 - self._rows_of_sheets[-1]
            if not free or self._bytes >= BYTES_OF_SHEET:
                self._close_sheet()
                self._open_sheet()
                continue
            self._write(rows[:free])
            rows = rows[free:]

    def close(self, *, passport: Sequence[tuple[str, str]], author: str, at: datetime) -> None:
        self._close_sheet()
        made = BytesIO()
        workbook = _workbook(self._headings, self._rows_of_sheets, passport)
        workbook.properties.creator, workbook.properties.created, workbook.properties.modified = author, at, at
        workbook.save(made)
        ours = {_part(number) for number in range(len(self._rows_of_sheets))}
        with ZipFile(made) as frame:
            for name in frame.namelist():
                if name not in ours:
                    self._zip.writestr(name, frame.read(name))
        self._zip.close()

    def _open_sheet(self) -> None:
        self._sheet = self._zip.open(_part(len(self._rows_of_sheets)), "w")
        self._rows_of_sheets.append(0)
        self._bytes = self._sheet.write(self._head)

    def _write(self, rows: list[str]) -> None:
        self._bytes += self._sheet.write(f"<row>{'</row><row>'.join(rows)}</row>".encode())
        self._rows_of_sheets[-1] += len(rows)

    def _close_sheet(self) -> None:
        self._sheet.write(self._tail.replace(_range(0), _range(self._rows_of_sheets[-1])).encode())
        self._sheet.close()


def escaped(text: str) -> str:
    """The text as it stands in a sheet's XML: Excel would read `_x0041_` as A."""
    return _ESCAPED.sub(lambda match: _ESCAPES[match[0]], text)


def _writer(column: Column, style: int) -> Callable[[Cells], list[str]]:
    if column.kind is not Kind.TEXT:
        return _times(style)
    begin, end = f'<c s="{style}" t="inlineStr"><is><t xml:space="preserve">', "</t></is></c>"

    def write(text: str) -> str:
        return f"{begin}{escaped(text)}{end}" if text else f'<c s="{style}"/>'

    if not column.repeats:
        return lambda cells: [write(text) for text in cells.texts]
    known = Memo(write)
    return lambda cells: [known[text] for text in cells.texts]


def _times(style: int) -> Callable[[Cells], list[str]]:
    days = Memo[int, str](lambda day: f'<c s="{style}"><v>{day + DAY_0}')
    parts = _parts_of_day()
    return lambda cells: [days[each // SECONDS_OF_DAY] + parts[each % SECONDS_OF_DAY] for each in cells.seconds or ()]


@cache
def _parts_of_day() -> tuple[str, ...]:
    return tuple(f"{second / SECONDS_OF_DAY:.10f}"[1:] + "</v></c>" for second in range(SECONDS_OF_DAY))


# --- The workbook around the rows


def _part(number: int) -> str:
    """Where in the zip file a sheet of rows is; the second sheet of the workbook is the passport."""
    return f"xl/worksheets/sheet{number + 1 if number == 0 else number + 2}.xml"


def _range(rows: int) -> str:
    return f"A1:{get_column_letter(len(COLUMNS))}{rows + 1}"


def _around_rows(headings: Sequence[str]) -> tuple[str, str, list[int]]:
    """A sheet's XML before and after its rows, and the styles of its columns' cells."""
    made = BytesIO()
    workbook = _workbook(headings, [0], [])
    columns = workbook.worksheets[0].column_dimensions
    styles = [columns[get_column_letter(at)].style_id for at in range(1, len(COLUMNS) + 1)]
    workbook.save(made)
    with ZipFile(made) as frame:
        head, end, tail = frame.read(_part(0)).decode().partition("</sheetData>")
    # How many rows there will be is not known yet; it may be left out.
    return re.sub("<dimension[^>]*>", "", head), end + tail, styles


def _workbook(headings: Sequence[str], rows_of_sheets: Sequence[int], passport: Sequence[tuple[str, str]]) -> Workbook:
    """All but the rows."""
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    workbook.calculation.fullCalcOnLoad = False
    for number, rows in enumerate(rows_of_sheets):
        _fill(workbook.create_sheet(_("Messages") if number == 0 else f"{_('Messages')} {number + 1}"), headings, rows)
        if number == 0:
            _fill_passport(workbook.create_sheet(_("Passport")), passport)
    return workbook


def _fill(sheet: Worksheet, headings: Sequence[str], rows: int) -> None:
    for at, (column, heading) in enumerate(zip(COLUMNS, headings, strict=True), start=1):
        cell = sheet.cell(1, at, heading)
        cell.font, cell.alignment = Font(bold=True), Alignment(vertical="top")
        of_column = sheet.column_dimensions[get_column_letter(at)]
        of_column.width = column.width
        of_column.number_format = _TEXT if column.kind is Kind.TEXT else _TIME
        of_column.alignment = Alignment(vertical="top", wrap_text=column.width >= _WRAPPED)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = _range(rows)


def _fill_passport(sheet: Worksheet, passport: Sequence[tuple[str, str]]) -> None:
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 28, 100
    for at, line in enumerate(passport, start=1):
        for column, text in enumerate(line, start=1):
            cell = sheet.cell(at, column, storable(text))
            # Whatever it looks like: a filter may be for "=1+1".
            cell.data_type, cell.number_format = "s", _TEXT
            cell.alignment = Alignment(vertical="top", wrap_text=True)
            cell.font = Font(bold=column == 1)
