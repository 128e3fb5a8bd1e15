"""A row of a file as a contact: pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from server import phone
from server.contacts.cleaning import one_line, several_lines
from server.contacts.entries import LONGEST_NAME, LONGEST_NOTE, LONGEST_TAG, MOST_EMAILS, MOST_NUMBERS, MOST_TAGS
from server.contacts.importing.columns import Field
from server.contacts.importing.problems import Reason
from server.wording import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST = {Field.NAME: LONGEST_NAME, Field.COMPANY: LONGEST_NAME, Field.NOTE: LONGEST_NOTE, Field.TAGS: LONGEST_TAG}
_SHOWN = 40
_BETWEEN_NUMBERS = re.compile(r"[;,\n|]+")
# Each gap is looked at once, however long: somebody may have made it long on purpose.
_BETWEEN = re.compile(r"[;,\n|]+|(?<!\s)\s++(?=\S+@)")
_BETWEEN_TAGS = re.compile(r"[;,\n|]+")
_SCIENTIFIC = re.compile(r"[+]?([0-9])(?:[.,]([0-9]+))?[eE]\+?([0-9]{1,2})")
_FLOAT = re.compile(r"([0-9]{6,})[.,]0+")
_LANGUAGES = {"magyar": "hu", "hungarian": "hu", "angol": "en", "english": "en", "nemet": "de", "német": "de", "german": "de"}


@dataclass(eq=False)
class Fault(Exception):
    """Why a row is left out: which column, what stands there, and what is wrong with it."""

    row: int
    reason: Reason
    column: str = ""
    value: str = ""
    where: str = ""

    def as_json(self) -> dict[str, object]:
        return {
            "row": self.row,
            "column": self.column,
            "value": shortened(self.value),
            "reason": self.reason.value,
            "where": self.where,
        }


@dataclass(slots=True)
class Entry:
    """What a row says. A number that can't be dialled may yet be a sender that the phone book knows: `doubts` has its fault."""

    row: int
    name: str = ""
    company: str = ""
    note: str = ""
    language: str = ""
    numbers: list[str] = field(default_factory=list)
    emails: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    doubts: dict[str, Fault] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads rows whose columns are matched to fields."""

    fields: Sequence[str]
    headings: Sequence[str]
    country: str
    extra_tag: str = ""

    def entry_of(self, row: int, cells: Sequence[str]) -> Entry:
        """Raises Fault."""
        entry = Entry(row)
        names = {Field.FAMILY.value: "", Field.GIVEN.value: ""}
        for at, text in enumerate(map(several_lines, cells[: len(self.fields)])):
            if not text or not (meant := self.fields[at]):
                continue
            if meant in names:
                names[meant] = _limited(self._fault(row, at, text), one_line(text), MOST[Field.NAME])
            else:
                self._take(entry, Field(meant), at, text)
        # As names are written in Hungarian: the family name first.
        entry.name = entry.name or " ".join(filter(None, names.values()))[: MOST[Field.NAME]] or entry.company
        if self.extra_tag and fold(self.extra_tag) not in map(fold, entry.tags):
            entry.tags.append(self.extra_tag)
        if not entry.numbers:
            raise Fault(row, Reason.NO_NUMBER, value=entry.name)
        return entry

    def _take(self, entry: Entry, meant: Field, at: int, text: str) -> None:
        fault = self._fault(entry.row, at, text)
        match meant:
            case Field.NAME:
                entry.name = _limited(fault, one_line(text), MOST[meant])
            case Field.COMPANY:
                entry.company = _limited(fault, one_line(text), MOST[meant])
            case Field.NOTE:
                entry.note = _limited(fault, text, MOST[meant])
            case Field.LANGUAGE:
                entry.language = _language(fault, text)
            case Field.NUMBER:
                self._take_numbers(entry, fault, text)
            case Field.EMAIL:
                _add(entry.emails, (_email(fault, part) for part in _BETWEEN.split(text) if part.strip()), MOST_EMAILS, fault)
            case Field.TAGS:
                tags = (_limited(fault, one_line(part), MOST[meant]) for part in _BETWEEN_TAGS.split(text) if part.strip())
                _add(entry.tags, tags, MOST_TAGS, fault)

    def _take_numbers(self, entry: Entry, fault: Fault, text: str) -> None:
        for part in filter(str.strip, _parts_of_numbers(text)):
            try:
                number = number_of(part, country=self.country)
            except Fault as problem:
                raise Fault(fault.row, problem.reason, fault.column, part) from None
            except phone.NumberNotValid:
                number = phone.sender_of(part, country=self.country)
                entry.doubts[number] = Fault(fault.row, Reason.BAD_NUMBER, fault.column, part)
            _add(entry.numbers, [number], MOST_NUMBERS, fault)

    def _fault(self, row: int, at: int, text: str) -> Fault:
        return Fault(row, Reason.TOO_LONG, self.headings[at] if at < len(self.headings) else "", text)


def number_of(text: str, *, country: str) -> str:
    """The number, also where a spreadsheet program has bent it, as long as no digit is lost.

    Raises phone.NumberNotValid, and Fault where digits are lost.
    """
    text = text.strip().lstrip("'’").strip()
    if match := _SCIENTIFIC.fullmatch(text):
        whole, rest, power = match[1], match[2] or "", int(match[3])
        if len(rest) < power:
            raise Fault(0, Reason.RUINED)
        text = str(int(Decimal(f"{whole}.{rest or 0}E{power}")))
    elif match := _FLOAT.fullmatch(text):
        text = match[1]
    return phone.to_e164(text, country=country)


def shortened(text: str) -> str:
    text = one_line(text)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _parts_of_numbers(text: str) -> list[str]:
    """A comma may part two numbers, or be a spreadsheet's decimal sign."""
    text = text.strip()
    return [text] if _SCIENTIFIC.fullmatch(text) or _FLOAT.fullmatch(text) else _BETWEEN_NUMBERS.split(text)


def _limited(fault: Fault, text: str, most: int) -> str:
    if len(text) > most:
        raise Fault(fault.row, Reason.TOO_LONG, fault.column, text, str(most))
    return text


def _email(fault: Fault, text: str) -> str:
    try:
        validate_email(one_line(text))
    except ValidationError:
        raise Fault(fault.row, Reason.BAD_EMAIL, fault.column, text) from None
    return one_line(text)


def _language(fault: Fault, text: str) -> str:
    letters = _LANGUAGES.get(text.casefold(), re.split(r"[-_]", text)[0].lower())
    if not re.fullmatch("[a-z]{2}", letters):
        raise Fault(fault.row, Reason.BAD_LANGUAGE, fault.column, text)
    return letters


def _add(known: list[str], more: Iterable[str], most: int, fault: Fault) -> None:
    for text in more:
        if fold(text) not in map(fold, known):
            known.append(text)
    if len(known) > most:
        raise Fault(fault.row, Reason.TOO_MANY, fault.column, fault.value)
