"""Words as people look for them: upper and lower case and accents make no difference. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

# What a database's word index takes of one word (PostgreSQL: 2,046 bytes).
_LONGEST = 60
_WORD = re.compile(r"[^\W_]+")
# A letter's accent may come as a character of its own (macOS, PDFs). None of them stands beyond this plane.
_ACCENTS = [point for point in range(0x300, 0x20000) if unicodedata.combining(chr(point))]
# What is not seen within a word: where it may be broken, and how its letters join.
_UNSEEN = [0xAD, 0x200C, 0x200D, 0x2060]
_NOTHING = dict.fromkeys([*_ACCENTS, *_UNSEEN])
_WRITTEN_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{''.join(map(chr, _NOTHING))}])*")


def fold(text: str) -> str:
    """The text in small letters without accents: `Árvíztűrő` → `arvizturo`, `Straße` → `strasse`."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKD", text).translate(_NOTHING).casefold()


def words_in(text: str) -> list[str]:
    """The folded words of a text, each once, in the order they appear; a word is letters and digits."""
    return [*dict.fromkeys(word[:_LONGEST] for word in _WORD.findall(fold(text)))]


def words_of(text: str) -> str:
    """The same as one text, as a column keeps it."""
    return " ".join(words_in(text))


def found_in(text: str, beginnings: Collection[str]) -> Iterator[tuple[int, int]]:
    """Where the words of a text stand that begin with one of the folded `beginnings`: start and end of each."""
    wanted = tuple(beginnings)
    for match in _WRITTEN_WORD.finditer(text):
        if any(word.startswith(wanted) for word in words_in(match[0])):
            yield match.span()
