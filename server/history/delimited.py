"""A CSV file of any number of rows, written as they come."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Self

from server.csv_files import BYTE_ORDER_MARK, harmless, lines
from server.history.cells import as_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from server.history.tabulation import Page


class Delimited:
    """A .csv file in the making."""

    def __init__(self, file: IO[bytes], *, headings: Sequence[str], language: str) -> None:
        self._file = file
        self._language = language
        self._file.write(BYTE_ORDER_MARK)
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
        self._file.write(lines(rows, language=self._language).encode())
