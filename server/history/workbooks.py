"""Reading a workbook that somebody uploads: row by row, in bounded memory, whatever it claims about itself."""

from __future__ import annotations

import re
import struct
import tempfile
import zipfile
import zlib
from array import array
from contextlib import contextmanager
from dataclasses import dataclass
from posixpath import join, normpath
from typing import IO, TYPE_CHECKING, Any
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_PARTS = 200
# Nothing but rows and texts is large; both are read in pieces.
LARGEST_FRAME_PART = 10_000_000
LARGEST_UNPACKED = 4_000_000_000
# Rows of ours shrink to about a tenth; even rows that are all alike stay below this.
MOST_PACKED = 100
# What stands between two row ends, or two ends of texts, at most: a row of ours holds a few texts.
LONGEST_PIECE = 4_000_000
_READ_AT_ONCE = 1 << 16

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGED = "http://schemas.openxmlformats.org/package/2006/relationships"
_ROW, _CELL, _VALUE, _FORMULA, _STRING, _TEXT, _READING_AID = (
    f"{_MAIN} {name}" for name in ("row", "c", "v", "f", "si", "t", "rPh")
)
_HEARD = frozenset({_VALUE, _TEXT})
_SHARED = "xl/sharedStrings.xml"
_LETTERS = re.compile("[A-Z]{1,3}")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


class NotReadable(Exception):
    """It is no workbook, or one that nobody should open."""


@dataclass(frozen=True, slots=True)
class Value:
    """What a cell holds: `kind` is "text", "number" (as written), "formula" or "other"."""

    kind: str
    text: str


type Row = list[Value | None]


class Workbook:
    """The sheets of an .xlsx file, in their order; a context manager. Raises NotReadable, also while rows are read."""

    def __init__(self, file: IO[bytes], *, width: int) -> None:
        self._width = width
        with _told_apart():
            self._zip = ZipFile(file)
            _refuse_bombs(self._zip)
            self._sheets = _sheets_of(self._zip)
            self._texts = _Texts(self._zip)

    def __enter__(self) -> Workbook:
        return self

    def __exit__(self, *_: object) -> None:
        self._texts.close()
        self._zip.close()

    def __len__(self) -> int:
        return len(self._sheets)

    def rows(self, sheet: int) -> Iterator[Row]:
        """The rows of a sheet that hold anything, each as its first `width` cells."""
        with _told_apart(), self._zip.open(self._sheets[sheet]) as part:
            found = _Rows(self._texts, self._width)
            for _ in _parsed(part, found.start, found.end, found.hear, lambda: found.count):
                yield from found.taken()


# What zipfile and the parsers raise at bytes that are not what they should be.
_NONSENSE = (
    *(BadZipFile, zlib.error, struct.error, EOFError, OSError, NotImplementedError, RuntimeError),
    *(expat.ExpatError, ParseError, DefusedXmlException, KeyError, IndexError, ValueError, TypeError),
)


@contextmanager
def _told_apart() -> Iterator[None]:
    try:
        yield
    except _NONSENSE as problem:
        raise NotReadable(type(problem).__name__) from problem


def _refuse_bombs(archive: ZipFile) -> None:
    parts = archive.infolist()
    unpacked, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    if len(parts) > MOST_PARTS or unpacked > LARGEST_UNPACKED:
        raise NotReadable("too large")
    if unpacked > LARGEST_FRAME_PART and unpacked > MOST_PACKED * packed:
        raise NotReadable("packed too tightly")
    if any(part.flag_bits & 1 or part.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} for part in parts):
        raise NotReadable("encrypted, or packed in an unusual way")


def _sheets_of(archive: ZipFile) -> list[str]:
    """Where the sheets are in the zip file, in the order of the workbook."""
    relations = _small(archive, "xl/_rels/workbook.xml.rels").iter(f"{{{_PACKAGED}}}Relationship")
    targets = {each.get("Id"): normpath(join("/xl", each.get("Target"))).lstrip("/") for each in relations}
    sheets = _small(archive, "xl/workbook.xml").iter(f"{{{_MAIN}}}sheet")
    return [targets[each.get(f"{{{_RELATIONS}}}id")] for each in sheets]


def _small(archive: ZipFile, name: str) -> Any:
    if archive.getinfo(name).file_size > LARGEST_FRAME_PART:
        raise NotReadable("too large")
    return fromstring(archive.read(name), forbid_dtd=True)


def _parsed(part: IO[bytes], start: Any, end: Any, hear: Any, count: Callable[[], int]) -> Iterator[None]:
    """Feed a part to the handlers piece by piece, and come back after each."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, hear
    parser.StartDoctypeDeclHandler = _refuse_doctype
    counted, since = 0, 0
    while piece := part.read(_READ_AT_ONCE):
        parser.Parse(piece, False)
        if count() == counted:
            since += len(piece)
        counted, since = count(), since if count() == counted else 0
        if since > LONGEST_PIECE:
            raise NotReadable("one piece is too long")
        yield
    parser.Parse(b"", True)
    yield


def _refuse_doctype(*_: object) -> None:
    raise NotReadable("has a document type")


class _Texts:
    """The texts that cells point to, kept in a file: there may be millions."""

    def __init__(self, archive: ZipFile) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the workbook
        self._ends = array("Q", [0])
        self._heard: list[str] = []
        self._is_text = False
        self._aside = 0
        if _SHARED in archive.namelist():
            with archive.open(_SHARED) as part:
                for _ in _parsed(part, self._start, self._end, self._hear, lambda: len(self._ends)):
                    pass

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < len(self._ends) - 1:
            raise IndexError(number)
        begin, end = self._ends[number], self._ends[number + 1]
        self._file.seek(begin)
        return self._file.read(end - begin).decode("utf-8", "surrogatepass")

    def close(self) -> None:
        self._file.close()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._is_text = name == _TEXT and not self._aside
        if name == _STRING:
            self._heard = []
        elif name == _READING_AID:
            self._aside += 1

    def _end(self, name: str) -> None:
        self._is_text = False
        if name == _STRING:
            text = decoded("".join(self._heard)).encode("utf-8", "surrogatepass")
            self._file.write(text)
            self._ends.append(self._ends[-1] + len(text))
        elif name == _READING_AID:
            self._aside -= 1

    def _hear(self, text: str) -> None:
        if self._is_text:
            self._heard.append(text)


class _Rows:
    """Hears a sheet's XML, and keeps the rows that have ended."""

    def __init__(self, texts: _Texts, width: int) -> None:
        self._texts, self._width = texts, width
        self._rows: list[Row] = []
        self.count = 0
        self._row: Row = []
        self._column = -1
        self._kind = "n"
        self._heard: list[str] = []
        self._is_heard = self._is_formula = False
        self._aside = 0

    def taken(self) -> list[Row]:
        rows, self._rows = self._rows, []
        return rows

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == _CELL:
            place = attributes.get("r")
            self._column = _column_of(place) if place else self._column + 1
            self._kind = attributes.get("t", "n")
            self._heard.clear()
            self._is_formula = False
        elif name in _HEARD:
            self._is_heard = not self._aside
        elif name == _ROW:
            self._row = [None] * self._width
            self._column = -1
        elif name == _FORMULA:
            self._is_formula = True
        elif name == _READING_AID:
            self._aside += 1

    def end(self, name: str) -> None:
        self._is_heard = False
        if name == _CELL:
            if (self._heard or self._is_formula) and self._column < self._width and self._row:
                self._row[self._column] = self._value("".join(self._heard))
        elif name == _ROW:
            self.count += 1
            if any(self._row):
                self._rows.append(self._row)
        elif name == _READING_AID:
            self._aside -= 1

    def hear(self, text: str) -> None:
        if self._is_heard:
            self._heard.append(text)

    def _value(self, written: str) -> Value | None:
        if self._is_formula:
            return Value("formula", written)
        if self._kind == "s":
            text = self._texts[int(written)]
            return Value("text", text) if text else None
        if self._kind in {"inlineStr", "str"}:
            return Value("text", decoded(written))
        return Value("number" if self._kind == "n" else "other", written)


def _column_of(place: str) -> int:
    letters = _LETTERS.match(place)
    if letters is None:
        raise NotReadable("a cell without a place")
    column = 0
    for letter in letters[0]:
        column = column * 26 + ord(letter) - 64
    return column - 1


def decoded(text: str) -> str:
    """The text that a sheet's XML means: `_x0041_` is an A, and CR and CRLF are line ends."""
    if "_x" in text:
        text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
