"""The cards of a vCard file (2.1, 3.0, 4.0), each as a row of texts; a broken card is an error of that card alone."""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING, Any

import vobject

from server.contacts.importing.columns import Field
from server.contacts.importing.problems import Reason
from server.contacts.importing.tables import decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    type Contents = dict[str, list[Any]]

# In this order stand the texts of a card's row; several of a kind each on a line of their own.
FIELDS = (Field.NAME, Field.COMPANY, Field.NUMBER, Field.EMAIL, Field.NOTE, Field.TAGS, Field.LANGUAGE)
LARGEST_CARD = 64_000
_BEGINS, _ENDS = re.compile(r"\s*BEGIN:VCARD\s*", re.IGNORECASE), re.compile(r"\s*END:VCARD\s*", re.IGNORECASE)
# Pictures and keys are most of a card, and nothing to us.
_HEAVY = re.compile(r"(?:[\w-]+\.)?(?:PHOTO|LOGO|SOUND|KEY)[;:]", re.IGNORECASE)
_read_one: Any = vobject.readOne
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")


def card_rows(file: IO[bytes]) -> Iterator[tuple[int, list[str] | Reason]]:
    """Each card by its number, with its texts or why it has none."""
    for number, lines in enumerate(_cards_in(decoded(file.read())), start=1):
        yield number, _texts_of(lines)


def _cards_in(text: str) -> Iterator[list[str] | None]:
    """The lines of each card; None for one that is too large."""
    lines: list[str] | None = None
    size, is_heavy, is_inside = 0, False, False
    for match in _LINE.finditer(text):
        line = match[0]
        if _BEGINS.fullmatch(line):
            if is_inside:
                # The one before never ended.
                yield lines
            lines, size, is_heavy, is_inside = [], 0, False, True
        if not is_inside:
            continue
        is_heavy = _HEAVY.match(line) is not None or (is_heavy and line[:1] in {" ", "\t"})
        if not is_heavy and lines is not None:
            size += len(line)
            lines.append(line)
            if size > LARGEST_CARD:
                lines = None
        if _ENDS.fullmatch(line):
            yield lines
            is_inside = False
    if is_inside:
        yield lines


def _texts_of(lines: list[str] | None) -> list[str] | Reason:
    if lines is None:
        return Reason.LARGE_CARD
    try:
        card: Any = _read_one("".join(lines), allowQP=True)
        return [_TEXTS[field](card.contents) for field in FIELDS]
    except Exception:
        # Whatever its parser makes of bytes that are not what they should be.
        return Reason.BROKEN_CARD


def _name(contents: Contents) -> str:
    if written := _first(contents, "fn"):
        return written
    given = contents.get("n")
    if given and hasattr(given[0].value, "family"):
        name = given[0].value
        # As names are written in Hungarian.
        return " ".join(
            part for part in (_plain(name.prefix), _plain(name.family), _plain(name.given), _plain(name.additional)) if part
        )
    return ""


def _company(contents: Contents) -> str:
    return ", ".join(part for part in _plain_list(contents, "org")[:2] if part)


def _numbers(contents: Contents) -> str:
    return "\n".join(re.sub(r"^tel:|;.*$", "", text, flags=re.IGNORECASE) for text in _all(contents, "tel"))


def _emails(contents: Contents) -> str:
    return "\n".join(re.sub("^mailto:", "", text, flags=re.IGNORECASE) for text in _all(contents, "email"))


def _tags(contents: Contents) -> str:
    return "\n".join(_plain_list(contents, "categories"))


def _first(contents: Contents, key: str) -> str:
    return next(iter(_all(contents, key)), "")


def _all(contents: Contents, key: str) -> list[str]:
    return [text for line in contents.get(key, []) if (text := _plain(line.value))]


def _plain_list(contents: Contents, key: str) -> list[str]:
    values = [value for line in contents.get(key, []) for value in (line.value if isinstance(line.value, list) else [line.value])]
    return [text for value in values if (text := _plain(value))]


def _plain(value: object) -> str:
    return " ".join(map(_plain, value)) if isinstance(value, list) else str(value).strip()


_TEXTS: dict[Field, Callable[[Contents], str]] = {
    Field.NAME: _name,
    Field.COMPANY: _company,
    Field.NUMBER: _numbers,
    Field.EMAIL: _emails,
    Field.NOTE: lambda contents: _first(contents, "note"),
    Field.TAGS: _tags,
    Field.LANGUAGE: lambda contents: _first(contents, "lang"),
}
