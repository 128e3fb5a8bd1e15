"""What people type into the search box: words, part of a number, a name, a day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from server import wording
from server.contacts import numbering
from server.history.filter import YEARS
from server.history.months import MONTH, NAMED

if TYPE_CHECKING:
    from collections.abc import Iterator

# Each is asked of the messages and of the phone book; the last one stands for all words that are left.
MOST_TERMS = 8


@dataclass(frozen=True, slots=True)
class Term:
    """One thing looked for: in the text or the name by its words, in the number, or the day of it."""

    words: tuple[str, ...] = ()
    number_parts: tuple[str, ...] = ()
    day: date | None = None


def terms_in(text: str, *, country: str, today: date) -> list[Term]:
    """The terms of a search, each of which must be met; `today` is what a day without a year is counted from.

    Of more than eight, those from the eighth on are one: its words must all be there together, in the message or in the name.
    """
    terms: list[Term] = []
    end = 0
    for match in _DAY.finditer(text):
        if (day := _day_of(match, today)) is not None:
            terms += _words_and_numbers(text[end : match.start()], country)
            terms.append(Term(words=tuple(wording.words_in(match[0])), day=day))
            end = match.end()
    terms += _words_and_numbers(text[end:], country)
    return _at_most([*dict.fromkeys(terms)], MOST_TERMS)


def words_of_search(text: str) -> list[str]:
    """The beginnings to mark in what was found."""
    return wording.words_in(text)


def _at_most(terms: list[Term], number: int) -> list[Term]:
    if len(terms) <= number:
        return terms
    # Days and numbers first: as mere words they would be met by less.
    ordered = sorted(terms, key=lambda term: not (term.day or term.number_parts))
    left = [word for term in ordered[number - 1 :] for word in term.words]
    return [*ordered[: number - 1], Term(words=tuple(dict.fromkeys(left)))]


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """The first and the last minute of a day, on its wall clock."""
    start = datetime(day.year, day.month, day.day)  # noqa: DTZ001 (a wall clock's)
    return start, start + timedelta(hours=23, minutes=59)


# --- Words and numbers ------------------------------------------------------------------------
# Digits with what people put between them, also the invisible marks that come along from a phone's address book.
_NUMBER = re.compile(r"(?<!\w)[+(]?\d[\d ()/.\-\u2010-\u2015\u200b-\u200f\u202a-\u202e\u2060-\u2069]+\d(?!\w)")


def _words_and_numbers(text: str, country: str) -> Iterator[Term]:
    end = 0
    for match in _NUMBER.finditer(text):
        if parts := numbering.parts_meant(match[0], country=country):
            yield from _words(text[end : match.start()], country)
            yield Term(words=tuple(wording.words_in(match[0])), number_parts=tuple(parts))
            end = match.end()
    yield from _words(text[end:], country)


def _words(text: str, country: str) -> Iterator[Term]:
    for word in wording.words_in(text):
        yield Term(words=(word,), number_parts=tuple(numbering.parts_meant(word, country=country)))


# --- Days -------------------------------------------------------------------------------------
# 2026-11-12, 2026. 11. 12. – 2026. november 12., nov. 12, November 12, 2026 – 12 Nov 2026
_DAY = re.compile(
    r"(?<!\w)(?:(?P<y1>\d{4})[-./]\s?(?P<m1>\d{1,2})[-./]\s?(?P<d1>\d{1,2})\.?"
    rf"|(?:(?P<y2>\d{{4}})\.?\s)?(?P<m2>{NAMED})(?:\.\s?|\s)(?P<d2>\d{{1,2}})(?:,\s?(?P<y3>\d{{4}})|\.)?"
    rf"|(?P<d3>\d{{1,2}})\s(?P<m3>{NAMED})\.?(?:\s(?P<y4>\d{{4}}))?)(?!\w)",
    re.IGNORECASE,
)


def _day_of(match: re.Match[str], today: date) -> date | None:
    said = {name[0]: value for name, value in match.groupdict().items() if value}
    month = MONTH.get(wording.fold(said["m"])) or int(said["m"])
    year = int(said["y"]) if "y" in said else today.year
    if year not in YEARS:
        return None
    try:
        day = date(year, month, int(said["d"]))
        # The last one there was: in January "December 20" is that of last year.
        return day if "y" in said or day <= today else day.replace(year=year - 1)
    except ValueError:
        return None
