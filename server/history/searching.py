"""What people type into the search box: words, part of a number, a name, a day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from server import wording
from server.contacts import numbering

# More would be no search but a copy of the message.
MOST_TERMS = 8


@dataclass(frozen=True, slots=True)
class Term:
    """One thing looked for: in the text or the name by its words, in the number, or the day of it."""

    words: tuple[str, ...] = ()
    number_parts: tuple[str, ...] = ()
    day: date | None = None


def terms_in(text: str, *, country: str, today: date) -> list[Term]:
    """The terms of a search, each of which must be met; `today` is what a day without a year is counted from."""
    terms = []
    for piece, is_day in _pieces(text):
        day = _day_of(piece, today) if is_day else None
        if day is not None:
            terms.append(Term(words=tuple(wording.words_in(piece)), day=day))
        elif len(re.sub(r"[^0-9]", "", piece)) >= _NUMBER_DIGITS and (parts := numbering.parts_meant(piece, country=country)):
            terms.append(Term(words=tuple(wording.words_in(piece)), number_parts=tuple(parts)))
        else:
            for word in wording.words_in(piece):
                parts = numbering.parts_meant(word, country=country) if word.isascii() else []
                terms.append(Term(words=(word,), number_parts=tuple(parts)))
    return [*dict.fromkeys(terms)][:MOST_TERMS]


def words_of_search(text: str) -> list[str]:
    """The beginnings to mark in what was found."""
    return wording.words_in(text)[: 2 * MOST_TERMS]


# Fewer are a part of nearly every number.
_NUMBER_DIGITS = 3
_MONTHS = (
    "jan feb mar|már apr máj|maj jún|jun júl|jul aug szept|szep okt nov dec".split(),
    "jan feb mar apr may jun jul aug sep oct nov dec".split(),
)
_MONTH = {beginning: at + 1 for months in _MONTHS for at, each in enumerate(months) for beginning in each.split("|")}
_NAMED = rf"(?:{'|'.join(sorted(_MONTH, key=len, reverse=True))})[^\W\d_]*\.?"
_DAY = re.compile(
    rf"(?P<y>\d{{4}})[-./]\s?(?P<m>\d{{1,2}})[-./]\s?(?P<d>\d{{1,2}})\.?(?!\d)"
    rf"|(?:(?P<y2>\d{{4}})\.?\s)?(?P<name>{_NAMED})\s(?P<d2>\d{{1,2}})\.?(?!\d)"
    rf"|(?<!\d)(?P<d3>\d{{1,2}})\s(?P<name3>{_NAMED})(?:\s(?P<y3>\d{{4}}))?(?!\w)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<!\w)[+(]?\d[\d ()/.\-]+\d(?!\w)")


def _pieces(text: str) -> list[tuple[str, bool]]:
    """The text cut into days, numbers and what lies between."""
    pieces: list[tuple[str, bool]] = []
    end = 0
    for match in _DAY.finditer(text):
        pieces += [(piece, False) for piece in _around_numbers(text[end : match.start()])]
        pieces.append((match[0], True))
        end = match.end()
    return pieces + [(piece, False) for piece in _around_numbers(text[end:])]


def _around_numbers(text: str) -> list[str]:
    pieces, end = [], 0
    for match in _NUMBER.finditer(text):
        pieces += [text[end : match.start()], match[0]]
        end = match.end()
    return [piece for piece in (*pieces, text[end:]) if piece.strip()]


def _day_of(text: str, today: date) -> date | None:
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    year = match["y"] or match["y2"] or match["y3"]
    name = match["name"] or match["name3"]
    month = int(match["m"]) if match["m"] else _month_of(name)
    day = int(match["d"] or match["d2"] or match["d3"])
    try:
        found = date(int(year) if year else today.year, month, day)
        # The last one there was: in January "December 20" is that of last year.
        return found if year or found <= today else found.replace(year=today.year - 1)
    except ValueError:
        return None


def _month_of(name: str) -> int:
    return next(month for beginning, month in _MONTH.items() if name.lower().startswith(beginning))


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """The first and the last minute of a day, on its wall clock."""
    start = datetime(day.year, day.month, day.day)  # noqa: DTZ001 (a wall clock's)
    return start, start + timedelta(hours=23, minutes=59)
