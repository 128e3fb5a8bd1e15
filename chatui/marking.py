"""Marking what was found, escaped: words in texts and names, digits in numbers."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from django.utils.html import escape, format_html
from django.utils.safestring import mark_safe

from server.contacts import numbering
from server.history.searching import terms_in
from server.wording import found_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from server.history.filter import HistoryFilter

_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")


def marked(text: str, beginnings: Collection[str]) -> str:
    """The text, escaped, with the words marked that begin with one of the folded `beginnings`."""
    return _marked(text, found_in(text, beginnings) if beginnings else ())


def linked_and_marked(text: str, beginnings: Collection[str] = ()) -> str:
    """The same, with http(s) addresses made into links that tell nothing about us."""
    parts, end = [], 0
    for match in _LINK.finditer(text):
        link = format_html(
            '<a href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>', match[0], marked(match[0], beginnings)
        )
        parts += [marked(text[end : match.start()], beginnings), link]
        end = match.end()
    return mark_safe("".join([*parts, marked(text[end:], beginnings)]))  # noqa: S308 (each part is escaped)


def marked_number(shown: str, wanted: HistoryFilter, *, country: str) -> str:
    """A number as it is shown, escaped, with the digits marked that a filter looks for."""
    return _marked(shown, _places_of(_digits_meant(wanted.text, wanted.number, country), shown))


@lru_cache(maxsize=256)
def _digits_meant(text: str, number: str, country: str) -> tuple[str, ...]:
    # Which day is today makes no difference to what is a number.
    parts = [part for term in terms_in(text, country=country, today=datetime.now(UTC).date()) for part in term.number_parts]
    parts += numbering.parts_meant(number, country=country, at_least=1) if number else []
    return tuple({re.sub(r"\D", "", part) for part in parts} - {""})


def _places_of(parts: Iterable[str], shown: str) -> list[tuple[int, int]]:
    """Where the digits stand, whatever is between them."""
    found = sorted(match.span() for part in parts for match in re.finditer(r"\D?".join(part), shown))
    apart: list[tuple[int, int]] = []
    for start, end in found:
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def _marked(text: str, places: Iterable[tuple[int, int]]) -> str:
    parts, end = [], 0
    for start, stop in places:
        parts += [escape(text[end:start]), format_html("<mark>{}</mark>", text[start:stop])]
        end = stop
    return mark_safe("".join([*parts, escape(text[end:])]))  # noqa: S308 (each part is escaped)
