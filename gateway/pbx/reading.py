"""Reading an exchange's events: each is right or has a list of problems, by field, in plain words.

docs/openapi-calls.yaml says the same for machines.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from server.calls.models import CallDirection, CallEventKind, MessageNode
from server.calls.recording import Told
from server.sms import storable

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_EVENTS = 100
MOST_PARAMETERS = 30
LONGEST_VALUE = 200
LONGEST = {"id": 128, "caller": 64, "called": 64, "queue": 80, "agent": 80}
OLDEST = timedelta(days=366)
DAY = 24 * 60 * 60
FIELDS = (*LONGEST, "event", "at", "direction", "duration", "key", "node", "parameters")
NAME = re.compile(r"[a-z0-9_]{1,40}")
KEYS = re.compile(r"[0-9A-D*#]{1,32}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)", re.ASCII)


class NotReadable(ValueError):
    """The body is no JSON, or no events."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with which field of which event; the event is not stored."""

    index: int
    field: str
    problem: str

    def as_json(self) -> dict[str, Any]:
        return {"index": self.index, "field": self.field, "problem": self.problem}


def events_in(body: bytes) -> list[Any]:
    """The events of a body: one, or {"events": […]}; raises NotReadable."""
    said = from_json(body)
    if not isinstance(said, dict):
        raise NotReadable('Send one event, {"id": …}, or several, {"events": [{"id": …}, …]}.')
    if "events" not in said:
        return [said]
    events = said["events"]
    if len(said) > 1 or not isinstance(events, list) or not 1 <= len(events) <= MOST_EVENTS:
        raise NotReadable(f'"events" stands alone and is a list of 1 to {MOST_EVENTS} events.')
    return events


def from_json(body: bytes) -> Any:
    """Raises NotReadable, also for numbers that a database can't keep."""
    try:
        return json.loads(body, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as problem:
        raise NotReadable("The body is no JSON in UTF-8.") from problem


def read_event(said: Any, *, index: int, subscriber_id: int, now: datetime) -> Told | list[Problem]:
    """What an event says, or everything that is wrong with it."""
    if not isinstance(said, dict):
        return [Problem(index, "", "An event is an object with fields.")]
    reader = _Reader(said, subscriber_id, now)
    told = reader.told()
    return [Problem(index, field, problem) for field, problem in reader.problems.items()] or told


class _Reader:
    """Takes the fields of one event, and notes what is wrong with them."""

    def __init__(self, said: Mapping[str, Any], subscriber_id: int, now: datetime) -> None:
        self.said, self.subscriber_id, self.now = said, subscriber_id, now
        # JSON's null is as if it were not there.
        self.given = {name: value for name, value in said.items() if value is not None}
        self.problems: dict[str, str] = {}

    def told(self) -> Told:
        for name in self.said:
            if name not in FIELDS:
                self.problems[storable(name)[:40]] = 'There is no such field. What else there is to say goes into "parameters".'
        kind = self._choice("event", CallEventKind.values, "")
        return Told(
            exchange_id=self._id(),
            kind=kind,
            at=self._time(),
            direction=self._choice("direction", CallDirection.values, CallDirection.IN),
            caller=self._text("caller"),
            called=self._text("called"),
            queue=self._text("queue"),
            agent=self._text("agent"),
            duration=self._seconds(),
            key=self._key(is_needed=kind == CallEventKind.KEY),
            node=self._node(is_needed=kind == CallEventKind.NODE),
            parameters=self._parameters(),
        )

    def _text(self, name: str) -> str:
        text = self.given.get(name, "")
        if not isinstance(text, str):
            return self._wrong(name, "It is a text, in quotes.")
        if len(text) > LONGEST[name]:
            return self._wrong(name, f"It has {len(text)} characters; {LONGEST[name]} are the most.")
        return storable(text).strip()

    def _id(self) -> str:
        if "id" not in self.given:
            return self._wrong("id", "It is missing: the exchange's own name of the call, the same in all its events.")
        return self._text("id") or self._wrong("id", self.problems.get("id", "It is empty."))

    def _choice(self, name: str, choices: list[str], otherwise: str) -> str:
        chosen = self.given.get(name, otherwise)
        if chosen == "":
            return self._wrong(name, f"It is missing: one of {', '.join(choices)}.")
        return chosen if chosen in choices else self._wrong(name, f"It is one of {', '.join(choices)}.")

    def _time(self) -> datetime:
        text = self.given.get("at")
        if text is None:
            return self.now
        try:
            at = datetime.fromisoformat(text) if isinstance(text, str) and _TIME.fullmatch(text) else None
            # Near year 1 or 9999 a zone leads out of the calendar.
            age = None if at is None else self.now - at
        except (ValueError, OverflowError):
            at = age = None
        if at is None or age is None:
            self._wrong("at", "It is a time with its zone, such as 2026-11-23T10:05:00+01:00 or 2026-11-23T09:05:00Z.")
        elif age > OLDEST:
            self._wrong("at", "It is more than a year ago: is the exchange's clock right?")
        else:
            return at
        return self.now

    def _seconds(self) -> int | None:
        seconds = self.given.get("duration")
        if seconds is None or (type(seconds) is int and 0 <= seconds <= DAY):
            return seconds
        self._wrong("duration", f"It is a whole number of seconds, 0 to {DAY}.")
        return None

    def _key(self, *, is_needed: bool) -> str:
        key = self.given.get("key")
        if key is None:
            return self._wrong("key", "It is missing: what was pressed.") if is_needed else ""
        if not isinstance(key, str) or not KEYS.fullmatch(key):
            return self._wrong("key", 'It is what was pressed, in quotes: "1", "12#"; 1 to 32 of 0-9, A-D, * and #.')
        return key if is_needed else self._wrong("key", 'Only an event "key" has one.')

    def _node(self, *, is_needed: bool) -> MessageNode | None:
        text = self.given.get("node")
        if text is None:
            if is_needed:
                self._wrong("node", "It is missing: the key of the message node.")
            return None
        if not is_needed:
            self._wrong("node", 'Only an event "node" has one.')
            return None
        key = _uuid(text)
        node = find_node(self.subscriber_id, key) if key else None
        if node is None:
            self._wrong("node", "There is no message node with this key.")
        return node

    def _parameters(self) -> dict[str, str]:
        given = self.given.get("parameters", {})
        if not isinstance(given, dict):
            self._wrong("parameters", "It is an object: names with their values.")
            return {}
        if len(given) > MOST_PARAMETERS:
            self._wrong("parameters", f"There are {len(given)}; {MOST_PARAMETERS} are the most.")
            return {}
        return {name: text for name, value in given.items() if (text := self._value(name, value)) is not None}

    def _value(self, name: str, value: Any) -> str | None:
        field = f"parameters.{storable(name)[:40]}"
        if not NAME.fullmatch(name):
            self._wrong(field, "A name is 1 to 40 small letters a-z, digits and underscores.")
        elif type(value) not in {str, int, float}:
            self._wrong(field, "A value is a text or a number.")
        elif len(str(value)) > LONGEST_VALUE:
            self._wrong(field, f"It has {len(str(value))} characters; {LONGEST_VALUE} are the most.")
        else:
            return storable(str(value))
        return None

    def _wrong(self, field: str, problem: str) -> str:
        self.problems.setdefault(field, problem)
        return ""


def find_node(subscriber_id: int, key: UUID) -> MessageNode | None:
    """A company's message node, if it was not deleted."""
    return MessageNode.objects.filter(subscriber=subscriber_id, key=key, deleted_at=None).first()


def _uuid(text: Any) -> UUID | None:
    try:
        return UUID(text) if isinstance(text, str) and len(text) == 36 else None
    except ValueError:
        return None


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)
