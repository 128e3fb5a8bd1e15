"""A workbook whose rows are written as they come.

openpyxl makes the workbook and its styles; only the rows, which are nearly all of it, are written straight into the sheet's
part of the zip file: openpyxl needs ten times as long for them.
"""

from __future__ import annotations

import itertools
import re
import zipfile
from io import BytesIO
from typing import IO, TYPE_CHECKING
from zipfile import ZipFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from openpyxl import Workbook

_SHEET = "xl/worksheets/sheet1.xml"
_AT_ONCE = 1000
# Excel wants four digits, LibreOffice takes any number of them.
_LOOKS_ESCAPED = re.compile(b"_(?=x[0-9A-Fa-f]+_)")


def write_one_sheet(file: IO[bytes], workbook: Workbook, rows: Iterable[bytes]) -> int:
    """Write a workbook of one sheet, with these rows (`<row>…</row>` each) below its own; returns how many they were."""
    made, written = BytesIO(), 0
    workbook.save(made)
    with ZipFile(made) as frame, ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        head, tail = around_rows(frame.read(_SHEET))
        with book.open(_SHEET, "w") as sheet:
            sheet.write(head)
            for batch in itertools.batched(rows, _AT_ONCE, strict=False):
                sheet.write(b"".join(batch))
                written += len(batch)
            sheet.write(tail)
        for name in frame.namelist():
            if name != _SHEET:
                book.writestr(name, frame.read(name))
    return written


def around_rows(sheet: bytes) -> tuple[bytes, bytes]:
    """A sheet's XML before and after the place for more rows."""
    head, end, tail = sheet.partition(b"</sheetData>")
    # How many rows there will be is not known yet; it may be left out.
    return re.sub(b"<dimension[^>]*>", b"", head), end + tail


def text_cell(text: str, style: int) -> bytes:
    """A cell that is text whatever it looks like: a name may be "=1+1". What XML can't carry is for the caller to replace."""
    if not text:
        return b'<c s="%d"/>' % style
    return b'<c s="%d" t="inlineStr"><is><t xml:space="preserve">%s</t></is></c>' % (style, escaped(text.encode()))


def escaped(text: bytes) -> bytes:
    """Text as it stands in a sheet's XML; Excel would read `_x0041_` as A."""
    text = text.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")
    return _LOOKS_ESCAPED.sub(b"_x005F_", text) if b"_x" in text else text
