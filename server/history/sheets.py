"""A workbook of any number of rows, written as they come.

openpyxl makes the workbook, its styles and its passport; only the rows, which are nearly all of it, are
written here, straight into the sheets' parts of the zip file: openpyxl needs ten times as long for them.
"""

from __future__ import annotations

import zipfile
from contextlib import suppress
from functools import cache
from io import BytesIO
from typing import IO, TYPE_CHECKING, Self
from zipfile import ZipFile

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties

from server.history.cells import CELL_END, ROW_END, SECONDS_OF_DAY, Memo, storable
from server.history.columns import COLUMNS, Kind
from server.one_sheet import around_rows, escaped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from openpyxl.worksheet.worksheet import Worksheet

    from server.history.tabulation import Page

ROWS_OF_SHEET = 1_048_576
# Below 2 GB a part needs none of zip64, which not every reader knows.
BYTES_OF_SHEET = 1_900_000_000
# Days from the beginning of Excel's count to 1970.
DAY_0 = 25_569
_TEXT, _TIME = "@", "yyyy\\-mm\\-dd hh:mm:ss"


class Sheets:
    """An .xlsx file in the making, in the language that is active; close() finishes it. A context manager."""

    def __init__(self, file: IO[bytes], *, headings: Sequence[str]) -> None:
        self._headings = headings
        self._zip = ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._head, self._tail, styles = _around_rows(headings)
        self._rows = _Cells(*styles).rows
        self._rows_of_sheets: list[int] = []
        self._open_sheet()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, problem: type[BaseException] | None, *_: object) -> None:
        if problem:
            # Nobody will read it; the disk may be full.
            with suppress(Exception):
                self._sheet.close()
                self._zip.close()

    def write(self, page: Page) -> None:
        """Some more rows."""
        written = list(self._rows(page))
        while written:
            free = ROWS_OF_SHEET - 1 - self._rows_of_sheets[-1]
            if not free or self._bytes >= BYTES_OF_SHEET:
                self._close_sheet()
                self._open_sheet()
                continue
            self._write(written[:free])
            written = written[free:]

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

    def _write(self, rows: list[bytes]) -> None:
        self._bytes += self._sheet.write(b"<row>" + b"</row><row>".join(rows) + b"</row>")
        self._rows_of_sheets[-1] += len(rows)

    def _close_sheet(self) -> None:
        self._sheet.write(self._tail.replace(_range(0).encode(), _range(self._rows_of_sheets[-1]).encode()))
        self._sheet.close()


class _Cells:
    """Writes cells as XML: all texts of a page at once, since each step costs as much for one of them as for a thousand."""

    def __init__(self, time_style: int, text_style: int) -> None:
        self._begin = b'<c s="%d" t="inlineStr"><is><t xml:space="preserve">' % text_style
        self._end = b"</t></is></c>"
        self._empty = b'<c s="%d"/>' % text_style
        self._days = Memo[int, bytes](lambda day: b'<c s="%d"><v>%d' % (time_style, day + DAY_0))

    def rows(self, page: Page) -> Iterator[bytes]:
        """What stands between `<row>` and `</row>`."""
        times = [self._times(seconds) for seconds in page.times]
        return map(b"".join, zip(*times, self._texts(page.lines), strict=True))

    def _times(self, seconds: Sequence[int]) -> list[bytes]:
        days, parts = self._days, _parts_of_day()
        return [days[each // SECONDS_OF_DAY] + parts[each % SECONDS_OF_DAY] for each in seconds]

    def _texts(self, lines: Sequence[bytes]) -> list[bytes]:
        next_row, next_cell = ROW_END.encode(), CELL_END.encode()
        cells = escaped(next_row.join(lines)).replace(next_cell, self._end + self._begin)
        rows = self._begin + cells.replace(next_row, self._end + next_row + self._begin) + self._end
        return rows.replace(self._begin + self._end, self._empty).split(next_row)


@cache
def _parts_of_day() -> tuple[bytes, ...]:
    return tuple(f"{second / SECONDS_OF_DAY:.10f}</v></c>"[1:].encode() for second in range(SECONDS_OF_DAY))


# --- The workbook around the rows


def _part(number: int) -> str:
    """Where in the zip file a sheet of rows is; the second sheet of the workbook is the passport."""
    return f"xl/worksheets/sheet{number + 1 if number == 0 else number + 2}.xml"


def _range(rows: int) -> str:
    return f"A1:{get_column_letter(len(COLUMNS))}{rows + 1}"


def _around_rows(headings: Sequence[str]) -> tuple[bytes, bytes, tuple[int, int]]:
    """A sheet's XML before and after its rows, and the styles of times and of texts."""
    made = BytesIO()
    workbook = _workbook(headings, [0], [])
    columns = workbook.worksheets[0].column_dimensions
    styles = columns["A"].style_id, columns[get_column_letter(len(COLUMNS))].style_id
    workbook.save(made)
    with ZipFile(made) as frame:
        return *around_rows(frame.read(_part(0))), styles


def _workbook(headings: Sequence[str], rows_of_sheets: Sequence[int], passport: Sequence[tuple[str, str]]) -> Workbook:
    """All but the rows."""
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    workbook.calculation.fullCalcOnLoad = False
    for number, rows in enumerate(rows_of_sheets):
        title = _("Messages")
        _fill(workbook.create_sheet(title if number == 0 else f"{title} {number + 1}"), headings, rows)
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
        of_column.alignment = Alignment(vertical="top", wrap_text=True)
    sheet.freeze_panes = "A2"
    _fit_on_paper(sheet)
    sheet.print_title_rows = "1:1"
    sheet.auto_filter.ref = _range(rows)


def _fit_on_paper(sheet: Worksheet) -> None:
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A4
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_setup.fitToHeight = 0


def _fill_passport(sheet: Worksheet, passport: Sequence[tuple[str, str]]) -> None:
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 28, 100
    _fit_on_paper(sheet)
    for at, line in enumerate(passport, start=1):
        for column, text in enumerate(line, start=1):
            cell = sheet.cell(at, column, storable(text))
            # Whatever it looks like: a filter may be for "=1+1".
            cell.data_type, cell.number_format = "s", _TEXT
            cell.alignment = Alignment(vertical="top", wrap_text=True)
            cell.font = Font(bold=column == 1)
