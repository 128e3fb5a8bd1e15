"""Cards as a workbook, a CSV file or vCards; in the workbook all cells are text, so that a telephone number stays one."""

from __future__ import annotations

import itertools
import re
from typing import IO, TYPE_CHECKING

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from server.csv_files import write_file
from server.one_sheet import text_cell, write_one_sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from server.contacts.exporting.card import Card

# Neither XML nor UTF-8 carries them.
_NOT_STORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Octets of a line of a vCard, without its end.
_LINE = 75


def headings(numbers: int) -> list[str]:
    number = _("Telephone number")
    more = [f"{number} {at}" for at in range(2, numbers + 1)]
    return [_("Name"), _("Company"), number, *more, _("E-mail"), _("Remark"), _("Tags"), _("Language")]


# --- CSV


def write_delimited(file: IO[bytes], cards: Iterable[Card], *, numbers: int, language: str) -> None:
    write_file(file, itertools.chain([headings(numbers)], (card.cells(numbers=numbers) for card in cards)), language=language)


# --- A workbook


def write_sheet(file: IO[bytes], cards: Iterable[Card], *, numbers: int) -> None:
    workbook, style = _frame(headings(numbers))
    write_one_sheet(file, workbook, (_row(card.cells(numbers=numbers), style) for card in cards))


def _frame(titles: list[str]) -> tuple[Workbook, int]:
    """All but the rows, and the style of texts."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = _("Phone book")
    for at, title in enumerate(titles, start=1):
        cell = sheet.cell(1, at, title)
        cell.font = Font(bold=True)
        column = sheet.column_dimensions[get_column_letter(at)]
        column.width, column.number_format, column.alignment = 24, "@", Alignment(vertical="top")
    sheet.freeze_panes = "A2"
    return book, int(sheet.column_dimensions["A"].style_id)


def _row(cells: list[str], style: int) -> bytes:
    return b"<row>%s</row>" % b"".join(text_cell(_NOT_STORABLE.sub("\ufffd", text), style) for text in cells)


# --- vCards (3.0, which every telephone and mail program reads)


def write_cards(file: IO[bytes], cards: Iterable[Card]) -> None:
    for card in cards:
        file.write("".join(f"{_folded(line)}\r\n" for line in _lines(card)).encode(errors="replace"))


def _lines(card: Card) -> Iterator[str]:
    family, _space, given = card.name.partition(" ")
    yield from ("BEGIN:VCARD", "VERSION:3.0", f"FN:{_plain(card.name)}", f"N:{_plain(family)};{_plain(given)};;;")
    if card.company:
        yield f"ORG:{_plain(card.company)}"
    yield from (f"TEL:{_plain(number)}" for number in card.numbers)
    yield from (f"EMAIL:{_plain(address)}" for address in card.emails)
    if card.tags:
        yield f"CATEGORIES:{','.join(map(_plain, card.tags))}"
    if card.note:
        yield f"NOTE:{_plain(card.note)}"
    if card.language:
        yield f"LANG:{card.language}"
    yield "END:VCARD"


def _plain(text: str) -> str:
    text = _NOT_STORABLE.sub("\ufffd", text).replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
    return text.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _folded(line: str) -> str:
    """Lines of at most 75 octets, no letter cut in two."""
    if len(line) * 4 <= _LINE or len(line.encode(errors="replace")) <= _LINE:
        return line
    parts, part, size = [], "", 0
    for letter in line:
        octets = len(letter.encode(errors="replace"))
        if size + octets > _LINE:
            parts.append(part)
            # The space that leads a line counts, too.
            part, size = "", 1
        part, size = part + letter, size + octets
    return "\r\n ".join([*parts, part])
