"""Opening a workbook that somebody uploads: openpyxl reads it, after a look at what it would have to unpack."""

from __future__ import annotations

import os
import warnings
import zipfile
from contextlib import closing, contextmanager
from typing import IO, TYPE_CHECKING, Any
from zipfile import ZipFile

from defusedxml.ElementTree import iterparse
from openpyxl.cell.text import Text
from openpyxl.reader.excel import ExcelReader
from openpyxl.utils.escape import unescape
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openpyxl.cell.read_only import EmptyCell, ReadOnlyCell
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

    type Cell = ReadOnlyCell | EmptyCell

MOST_PARTS = 200
LARGEST_PACKED, LARGEST_UNPACKED = 16_000_000, 64_000_000
# openpyxl's time and memory go by them, and it keeps whole rows: as many tags are 65,000 rows of messages, read in about
# ten seconds, or, in a file that means ill, a gigabyte.
MOST_TAGS = 4_000_000
# Rows of messages shrink to about a tenth. What is small may be as monotonous as it likes.
MOST_TIMES_LARGER, SMALL = 100, 1_000_000
# A spreadsheet knows no more. openpyxl would make up as many empty rows as a row's number tells it to.
MOST_ROWS = 1_048_576
_READ_AT_ONCE = 1 << 20

# It warns of a cell by its number, and Python would keep every such warning.
warnings.filterwarnings("ignore", module=r"openpyxl\.")


class NotReadable(Exception):
    """It is no workbook, or one that nobody should open."""


class TooTight(NotReadable):
    """It would unpack to far more than it seems to hold."""


class TooLarge(Exception):
    """It may well be a workbook, but its rows would keep the server busy for too long."""


@contextmanager
def guarded(upload: IO[bytes]) -> Iterator[Workbook]:
    """The workbook, to be read by rows_of(); raises NotReadable and TooLarge."""
    if _size(upload) > LARGEST_PACKED:
        raise TooLarge
    with _not_readable_otherwise(), ZipFile(upload) as archive:
        _refuse_bombs(archive.infolist())
        _refuse_too_many_tags(archive)
    with _not_readable_otherwise():
        reader = _Reader(upload, read_only=True, keep_links=False)
        reader.read()
    with closing(reader.wb):
        yield reader.wb


def parts_of(upload: IO[bytes]) -> list[str]:
    """The names of its parts, read from its directory alone; raises NotReadable, TooTight and TooLarge like guarded()."""
    with _not_readable_otherwise(), ZipFile(upload) as archive:
        _refuse_bombs(archive.infolist())
        return archive.namelist()


def rows_of(sheet: ReadOnlyWorksheet, *, width: int, gathers_rest: bool = False) -> Iterator[tuple[Cell, ...]]:
    """Each row's first `width` cells; raises NotReadable. In the last one may stand what is in any beyond."""
    # Whatever the sheet claims to be as large as.
    sheet.reset_dimensions()
    if gathers_rest:
        opened: Any = sheet
        opened._get_row = _gathering(opened._get_row)
    with _not_readable_otherwise():
        # What types-openpyxl says of them holds for sheets that were read whole.
        yield from sheet.iter_rows(max_row=MOST_ROWS, max_col=width)  # type: ignore[misc]


def _gathering(whole: Any) -> Any:
    def row_of(cells: list[dict[str, Any]], first: int, last: int, values_only: bool) -> tuple[Cell, ...]:
        kept = [cell for cell in cells if cell["column"] <= last or cell["value"] is not None]
        row: tuple[Cell, ...] = whole([{**cell, "column": min(cell["column"], last)} for cell in kept], first, last, values_only)
        return row

    return row_of


def text_of(cell: Cell) -> str | None:
    """What is written in a cell that holds a text, and nothing that only looks like one, such as a formula."""
    if cell.data_type != "s" or not isinstance(cell.value, str):
        return None
    return unescape(cell.value).replace("\r\n", "\n").replace("\r", "\n")


def _size(upload: IO[bytes]) -> int:
    size = upload.seek(0, os.SEEK_END)
    upload.seek(0)
    return size


def _refuse_bombs(parts: list[zipfile.ZipInfo]) -> None:
    """By the sizes that the parts declare: zipfile reads no byte beyond them."""
    if len(parts) > MOST_PARTS:
        raise NotReadable("too many parts")
    # flag_bits: encrypted.
    if any(part.flag_bits & 1 or part.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} for part in parts):
        raise NotReadable("encrypted, or packed in an unusual way")
    if any(part.file_size > max(SMALL, MOST_TIMES_LARGER * part.compress_size) for part in parts):
        raise TooTight("packed too tightly")
    if sum(part.file_size for part in parts) > LARGEST_UNPACKED:
        raise TooLarge


def _refuse_too_many_tags(archive: ZipFile) -> None:
    tags = 0
    for part in archive.infolist():
        with archive.open(part) as content:
            while piece := content.read(_READ_AT_ONCE):
                tags += piece.count(b"<")
        if tags > MOST_TAGS:
            raise TooLarge


@contextmanager
def _not_readable_otherwise() -> Iterator[None]:
    """Bytes that are not what they should be make zipfile, defusedxml and openpyxl raise whatever happens to them there."""
    try:
        yield
    except (NotReadable, TooLarge):
        raise
    except Exception as problem:
        raise NotReadable(type(problem).__name__) from problem


class _Reader(ExcelReader):
    def read_strings(self) -> None:
        """As written: openpyxl's own way drops each "x005F_" from the texts, and two texts may become one."""
        part = self.package.find(SHARED_STRINGS)  # type: ignore[no-untyped-call]
        if part is not None:
            with self.archive.open(part.PartName[1:]) as source:
                self.shared_strings = list(_strings_in(source))

    def read_chartsheet(self, sheet: Any, rel: Any) -> None:
        """It has no rows, and openpyxl stumbles over some."""


def _strings_in(source: IO[bytes]) -> Iterator[str]:
    for _, node in iterparse(source):
        if node.tag == f"{{{SHEET_MAIN_NS}}}si":
            text: Any = Text.from_tree(node)
            yield text.content
            node.clear()
