"""The rows of a workbook or a CSV file, as texts."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import re
from collections import Counter
from io import StringIO
from typing import IO, TYPE_CHECKING

from openpyxl.utils import get_column_letter

from server import spreadsheets
from server.contacts.importing.problems import NotImportable, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from server.spreadsheets import Cell

    type Row = tuple[int, list[str]]

MOST_COLUMNS, LONGEST_CELL = 60, 10_000
_SEPARATORS = ";,\t"
_TRIED_LINES = 40
# Excel's own way to say which it is.
_SAID_SEPARATOR = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
# What an export put there so that no spreadsheet program takes the cell for a formula.
_DISARMED = re.compile(r"""^'(?=[=+\-@\t\r\n])|(?<=[;,\t\n\r])'(?="*[=+\-@])""")


def workbook_rows(file: IO[bytes]) -> Iterator[Row]:
    """The rows of the first sheet in which there are any; raises NotImportable."""
    try:
        with spreadsheets.guarded(file) as workbook:
            for sheet in workbook.worksheets:
                is_empty = True
                for row in _sheet_rows(sheet):
                    is_empty = False
                    yield row
                if not is_empty:
                    return
    except spreadsheets.TooTight:
        raise NotImportable(Problem.UNPACKS) from None
    except spreadsheets.NotReadable:
        raise NotImportable(Problem.NOT_READABLE) from None
    except spreadsheets.TooLarge:
        raise NotImportable(Problem.TOO_LARGE) from None


def _sheet_rows(sheet: object) -> Iterator[Row]:
    for number, cells in enumerate(spreadsheets.rows_of(sheet, width=MOST_COLUMNS + 1), start=1):  # type: ignore[arg-type]
        if all(cell.value is None for cell in cells):
            continue
        texts = [_text_of(cell, number, at) for at, cell in enumerate(cells, start=1)]
        yield number, _checked(number, texts)


def _text_of(cell: Cell, row: int, column: int) -> str:
    value = cell.value
    if value is None or cell.data_type == "e":
        return ""
    if cell.data_type == "f":
        raise NotImportable(Problem.FORMULA, f"{get_column_letter(column)}{row}")
    if isinstance(value, str):
        return (spreadsheets.text_of(cell) or value).strip()
    if isinstance(value, float) and value.is_integer():
        # Seventeen digits are more than a number has, and fewer than a float may pretend to know.
        return str(int(value)) if abs(value) < 1e15 else f"{value:E}"
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return str(value)


def delimited_rows(file: IO[bytes]) -> Iterator[Row]:
    """The rows of a CSV file in one of the usual encodings, separated by commas, semicolons or tabs; raises NotImportable."""
    text = decoded(file.read())
    said = _SAID_SEPARATOR.match(text)
    text = text[said.end() :] if said else text
    separator = said[1] if said else _separator_of(text)
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if any(cells):
                yield number, _checked(number, [_DISARMED.sub("", cell) if "'" in cell else cell for cell in cells])
    except csv.Error:
        raise NotImportable(Problem.CELL_TOO_LONG, str(number + 1)) from None


def decoded(content: bytes) -> str:
    """UTF-8 or UTF-16, else as Windows wrote Hungarian before them; raises NotImportable for what is no text."""
    for mark, encoding in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if content.startswith(mark):
            return _strictly(content, encoding)
    if unmarked := _unmarked_utf16(content[:2000]):
        return _strictly(content, unmarked)
    try:
        return _strictly(content, "utf-8")
    except NotImportable:
        return _strictly(content, "cp1250")


def _unmarked_utf16(head: bytes) -> str:
    """Nearly every second byte of a text in Latin letters is zero there."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) < len(head) * 0.3:
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _strictly(content: bytes, encoding: str) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        raise NotImportable(Problem.NOT_READABLE) from None
    if "\0" in text:
        raise NotImportable(Problem.NOT_READABLE)
    return text


def _separator_of(text: str) -> str:
    """The one that parts most of the first lines into the same number of fields, the more the better."""
    lines = text[:200_000].splitlines(keepends=True)[:_TRIED_LINES]

    def fit(separator: str) -> tuple[int, int]:
        try:
            widths = Counter(len(row) for row in csv.reader(lines, delimiter=separator) if row)
        except csv.Error:
            return 0, 0
        width, often = widths.most_common(1)[0] if widths else (1, 0)
        return (often if width > 1 else 0), width

    return max(_SEPARATORS, key=fit)


def _checked(number: int, texts: list[str]) -> list[str]:
    while texts and not texts[-1].strip():
        texts.pop()
    if len(texts) > MOST_COLUMNS:
        raise NotImportable(Problem.TOO_MANY_COLUMNS, str(number))
    if any(len(text) > LONGEST_CELL for text in texts):
        raise NotImportable(Problem.CELL_TOO_LONG, str(number))
    return texts
