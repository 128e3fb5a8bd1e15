"""A CSV file of any number of rows, written as they come.

A spreadsheet program takes a cell of a CSV file that begins with one of `= + - @` for a formula, whoever wrote it:
such a cell gets an apostrophe before it, telephone numbers too. So does what follows a separator within a text: a program
of another language may part the cell there. An .xlsx file needs none of this.
"""

from __future__ import annotations

import csv
import re
from io import StringIO
from typing import IO, TYPE_CHECKING, Self

from server.history.cells import as_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from server.history.tabulation import Page


_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Two quotation marks in a row are an empty cell's, and what follows them is taken as it is.
_MAY_BE_A_FORMULA = re.compile(r"""^(?=[=+\-@\t\n\r])|(?<=[;,\t\n\r])(?="*[=+\-@])""")
# Where the decimal sign is a comma, Excel parts cells at semicolons.
_SEPARATORS = {"hu": ";"}


class Delimited:
    """A .csv file in the making, in UTF-8, with CRLF and the separator of the language."""

    def __init__(self, file: IO[bytes], *, headings: Sequence[str], language: str) -> None:
        self._file = file
        self._separator = _SEPARATORS.get(language, ",")
        self._file.write(_BYTE_ORDER_MARK)
        self._write([headings])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open but the file."""

    def write(self, page: Page) -> None:
        """Some more rows."""
        times = [[text.decode() for text in as_texts(seconds)] for seconds in page.times]
        texts = [[harmless(text) for text in column] for column in page.texts]
        self._write(zip(*times, *texts, strict=True))

    def close(self, *, passport: Sequence[tuple[str, str]], author: str, at: datetime) -> None:
        """It has no place for a passport."""

    def _write(self, rows: Iterable[Sequence[str]]) -> None:
        text = StringIO(newline="")
        csv.writer(text, delimiter=self._separator, lineterminator="\r\n").writerows(rows)
        self._file.write(text.getvalue().encode())


def harmless(text: str) -> str:
    return _MAY_BE_A_FORMULA.sub("'", text)
