"""Which messages: one frozen value that is the page's address, a saved filter and an export's order alike."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode
from uuid import UUID

from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from server import sms
from server.history.months import MONTH, NAMED
from server.messaging.models import Direction, Origin, Status
from server.wording import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from zoneinfo import ZoneInfo

LONGEST_TEXT = 200
# Proxies take 8 KB of an address, and each is up to 39 of its characters. js/selection.js has the same number.
MOST_SELECTED = 200
# Of days that people may mean. Python's calendar ends where a time zone could lead beyond it.
YEARS = range(1970, 2200)
_LARGEST_ID = 2**63 - 1


class FilterNotValid(ValueError):
    """What was typed is no filter; `problems` says why, by the name of the field."""

    def __init__(self, problems: dict[str, Any]) -> None:
        super().__init__(", ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFilter:
    """Every condition that is set must hold.

    `since` and `until` are minutes on the wall clock of the subscriber's zone; both belong to what is
    found, `until` to its last microsecond. `only` are messages that somebody picked out by hand.
    """

    since: datetime | None = None
    until: datetime | None = None
    number: str = ""
    name: str = ""
    direction: str = ""
    status: str = ""
    line: int | None = None
    colleague: int | None = None
    contact: int | None = None
    conversation: int | None = None
    origin: str = ""
    text: str = ""
    is_failed: bool = False
    has_note: bool = False
    oldest_first: bool = False
    only: tuple[UUID, ...] = ()

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """The filter that an address, a form or a saved one means; raises FilterNotValid with every problem there is."""
        read: dict[str, Any] = {}
        problems: dict[str, Any] = {}
        for field in fields(cls):
            try:
                read[field.name] = _READERS[field.name](_given(values, NAMES[field.name]))
            except ValueError as problem:
                problems[NAMES[field.name]] = problem.args[0]
        since, until = read.get("since"), read.get("until")
        if since and until and since > until:
            problems["to"] = _("The end lies before the beginning.")
        if problems:
            raise FilterNotValid(problems)
        return cls(**read)

    @property
    def values(self) -> dict[str, str]:
        """What is set, as text, by the names that addresses use; read() takes it back."""
        written = {NAMES[field.name]: _written(getattr(self, field.name)) for field in fields(self)}
        return {name: value for name, value in written.items() if value}

    @property
    def impersonal_values(self) -> dict[str, str]:
        """What the audit log, which is for ever, may keep: that a name, a number or words were looked for, not which."""
        return {name: "…" if name in ABOUT_PEOPLE else value for name, value in self.values.items()}

    @property
    def query(self) -> str:
        return urlencode(self.values)

    @property
    def is_empty(self) -> bool:
        """Whether it lets everything through; the order does not count."""
        return replace(self, oldest_first=False) == type(self)()

    @property
    def is_sought(self) -> bool:
        """Whether words, a name or a part of a number are looked for."""
        return bool(self.text or self.name or self.number)

    @property
    def names_a_partner(self) -> bool:
        """Whether it asks for certain threads or messages: then those of blocked contacts are shown, too."""
        return self.contact is not None or self.conversation is not None or bool(self.only)

    def without(self, *names: str) -> Self:
        """The same filter with these conditions (by the names of addresses) taken away."""
        return type(self).read({name: value for name, value in self.values.items() if name not in names})


def _given(values: Mapping[str, Any], name: str) -> str:
    # Boxes that are ticked in a form without scripts come one by one.
    several = values.getlist(name) if name == NAMES["only"] and isinstance(values, MultiValueDict) else [values.get(name) or ""]
    return sms.storable(",".join(str(each) for each in several)).strip()


# Names in addresses, in saved filters and in an export's order: never change one.
NAMES = {
    "since": "from",
    "until": "to",
    "number": "number",
    "name": "name",
    "direction": "direction",
    "status": "status",
    "line": "line",
    "colleague": "colleague",
    "contact": "contact",
    "conversation": "conversation",
    "origin": "origin",
    "text": "q",
    "is_failed": "failed",
    "has_note": "note",
    "oldest_first": "oldest",
    "only": "only",
}

# What people type may tell who somebody is.
ABOUT_PEOPLE = ("number", "name", "q")

_MOMENT = re.compile(
    rf"(\d{{4}})(?:[-./]\s?(\d{{1,2}})[-./]|\.?\s?({NAMED})\.?)\s?(\d{{1,2}})\.?"
    r"(?:[T ]\s?(\d{1,2})(?:[:.](\d{2})(?::\d{2})?)?)?",
    re.IGNORECASE,
)


def read_minute(text: str, *, if_only_a_day: tuple[int, int]) -> datetime | None:
    """A minute on a wall clock as people write it: `2026-11-01 08:30`, `2026. nov. 1. 8`, `2026-11-01`; raises ValueError."""
    if not text:
        return None
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError(_("Write it like 2026-11-01 08:30."))
    year, month, day = int(match[1]), MONTH[fold(match[3])] if match[3] else int(match[2]), int(match[4])
    hour, minute = (int(match[5]), int(match[6] or 0)) if match[5] else if_only_a_day
    try:
        read = datetime(year, month, day, hour, minute)  # noqa: DTZ001 (a wall clock's)
    except ValueError:
        read = None
    if read is None or year not in YEARS:
        raise ValueError(_("There is no such day or time."))
    return read


def beginning_of(minute: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which a minute of the wall clock begins: the first time, where the clock shows it twice."""
    return _instant(minute, zone, fold=0)


def end_of(minute: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which a minute of the wall clock is over: the second time, where the clock shows it twice."""
    if _is_skipped(minute, zone):
        return _instant(minute, zone, fold=1)
    return _instant(minute, zone, fold=1) + timedelta(minutes=1)


def _instant(minute: datetime, zone: ZoneInfo, fold: int) -> datetime:
    if not _is_skipped(minute, zone):
        return minute.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    # 02:30 in the night when the clock jumps from 02:00 to 03:00: that jump is the moment that is meant.
    earlier, later = (minute.replace(tzinfo=zone, fold=each).astimezone(UTC) for each in (1, 0))
    before = earlier.astimezone(zone).utcoffset()
    while later - earlier > timedelta(seconds=1):
        middle = earlier + (later - earlier) / 2
        if middle.astimezone(zone).utcoffset() == before:
            earlier = middle
        else:
            later = middle
    return later.replace(microsecond=0)


def _is_skipped(minute: datetime, zone: ZoneInfo) -> bool:
    there = minute.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
    return there.replace(tzinfo=None) != minute


def _choice(allowed: Any) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text and text not in allowed:
            raise ValueError(_("There is no such choice."))
        return text

    return read


def _id(text: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,19}", text) or int(text) > _LARGEST_ID:
        raise ValueError(_("There is no such choice."))
    return int(text)


def _text(text: str) -> str:
    return " ".join(text.split())[:LONGEST_TEXT]


def _number(text: str) -> str:
    return " ".join(text.split())[:40]


def _uuids(text: str) -> tuple[UUID, ...]:
    parts = text.split(",") if text else []
    if len(parts) > MOST_SELECTED:
        raise ValueError(_("At most 200 messages can be picked out by hand."))
    try:
        return tuple(dict.fromkeys(UUID(part) for part in parts))
    except ValueError:
        raise ValueError(_("There is no such message.")) from None


_READERS: dict[str, Callable[[str], Any]] = {
    "since": lambda text: read_minute(text, if_only_a_day=(0, 0)),
    "until": lambda text: read_minute(text, if_only_a_day=(23, 59)),
    "number": _number,
    "name": _text,
    "direction": _choice(Direction.values),
    "status": _choice(Status.values),
    "line": _id,
    "colleague": _id,
    "contact": _id,
    "conversation": _id,
    "origin": _choice(Origin.values),
    "text": _text,
    "is_failed": lambda text: text not in {"", "0"},
    "has_note": lambda text: text not in {"", "0"},
    "oldest_first": lambda text: text not in {"", "0"},
    "only": _uuids,
}


def _written(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, tuple):
        return ",".join(str(each) for each in value)
    if isinstance(value, bool):
        return "1" if value else ""
    return "" if value is None else str(value)
