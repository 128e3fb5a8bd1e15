"""The first look at a file, which costs next to nothing: what it is, and whether it may be opened at all."""

from __future__ import annotations

import os
from typing import IO

from server import spreadsheets
from server.contacts.importing.problems import NotImportable, Problem

LARGEST_WORKBOOK, LARGEST_TEXT = 5_000_000, 20_000_000
_ZIP, _OLD_OFFICE = b"PK\x03\x04", bytes.fromhex("d0cf11e0a1b11ae1")


def format_of(upload: IO[bytes]) -> str:
    """`xlsx`, `vcf` or `csv`, by what is in it, whatever it is called; raises NotImportable."""
    size = upload.seek(0, os.SEEK_END)
    upload.seek(0)
    head = upload.read(2048)
    upload.seek(0)
    if not head.strip():
        raise NotImportable(Problem.EMPTY)
    if head.startswith(_OLD_OFFICE):
        raise NotImportable(Problem.OLD_EXCEL)
    is_workbook = head.startswith(_ZIP)
    if size > (LARGEST_WORKBOOK if is_workbook else LARGEST_TEXT):
        raise NotImportable(Problem.TOO_LARGE)
    if is_workbook:
        _look_into_directory(upload)
        return "xlsx"
    return "vcf" if b"begin:vcard" in head.replace(b"\0", b"").lower().lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")[:16] else "csv"


def _look_into_directory(upload: IO[bytes]) -> None:
    try:
        parts = spreadsheets.parts_of(upload)
        upload.seek(0)
    except spreadsheets.TooLarge:
        raise NotImportable(Problem.UNPACKS) from None
    except spreadsheets.TooTight:
        raise NotImportable(Problem.UNPACKS) from None
    except spreadsheets.NotReadable:
        raise NotImportable(Problem.NOT_READABLE) from None
    names = {part.lower() for part in parts}
    if any(name.endswith(("vbaproject.bin", "vbadata.xml")) or "/macrosheets/" in name for name in names):
        raise NotImportable(Problem.MACROS)
    if "[content_types].xml" not in names:
        raise NotImportable(Problem.NOT_READABLE)
