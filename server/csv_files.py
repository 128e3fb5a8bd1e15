"""CSV files as spreadsheet programs open them: in UTF-8 with its mark, with CRLF and the separator of the language.

A spreadsheet program takes a cell of a CSV file that begins with one of `= + - @` for a formula, whoever wrote it:
such a cell gets an apostrophe before it, telephone numbers too. So does what follows a separator within a text: a program
of another language may part the cell there. An .xlsx file needs none of this.
"""

from __future__ import annotations

import csv
import itertools
import re
from io import StringIO
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_AT_ONCE = 1000
# Two quotation marks in a row are an empty cell's, and what follows them is taken as it is.
_MAY_BE_A_FORMULA = re.compile(r"""^(?=[=+\-@\t\n\r])|(?<=[;,\t\n\r])(?="*[=+\-@])""")
# Where the decimal sign is a comma, Excel parts cells at semicolons.
_SEPARATORS = {"hu": ";"}


def write_file(file: IO[bytes], rows: Iterable[Sequence[str]], *, language: str) -> None:
    """A whole file, its headings first; no cell is a formula."""
    file.write(BYTE_ORDER_MARK)
    for batch in itertools.batched(rows, _AT_ONCE, strict=False):
        text = lines(([harmless(cell) for cell in row] for row in batch), language=language)
        file.write(text.encode(errors="replace"))


def lines(rows: Iterable[Sequence[str]], *, language: str) -> str:
    """Some rows of a file; what may be a formula must be made harmless first."""
    text = StringIO(newline="")
    csv.writer(text, delimiter=_SEPARATORS.get(language, ","), lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def harmless(text: str) -> str:
    return _MAY_BE_A_FORMULA.sub("'", text)
