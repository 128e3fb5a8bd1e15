"""A CSV file of any number of rows, written as they come.

A spreadsheet program takes a cell of a CSV file that begins with one of `= + - @` for a formula, whoever wrote it:
such a cell gets an apostrophe before it, telephone numbers too. An .xlsx file needs none of this.
"""

from __future__ import annotations

import csv
from io import StringIO
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from server.history.tabulation import Cells

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MAY_BE_A_FORMULA = ("=", "+", "-", "@", "\t", "\n", "\r")
# Where the decimal sign is a comma, Excel parts cells at semicolons.
_SEPARATORS = {"hu": ";"}


class Delimited:
    """A .csv file in the making, in UTF-8, with CRLF and the separator of the language."""

    def __init__(self, file: IO[bytes], *, headings: Sequence[str], language: str) -> None:
        self._file = file
        self._separator = _SEPARATORS.get(language, ",")
        self._file.write(_BYTE_ORDER_MARK)
        self._write([headings])

    def write(self, columns: Sequence[Cells]) -> None:
        """Some more rows."""
        texts = [cells.texts if cells.seconds is not None else [_harmless(text) for text in cells.texts] for cells in columns]
        self._write(zip(*texts, strict=True))

    def close(self, *, passport: Sequence[tuple[str, str]], author: str, at: datetime) -> None:
        """It has no place for a passport."""

    def _write(self, rows: object) -> None:
        text = StringIO(newline="")
        csv.writer(text, delimiter=self._separator, lineterminator="\r\n").writerows(rows)  # type: ignore[arg-type]
        self._file.write(text.getvalue().encode())


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_MAY_BE_A_FORMULA) else text
