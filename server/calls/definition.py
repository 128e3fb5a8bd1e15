"""What a rule says: when, on what conditions, who hears of it, how, and in which words.

A definition is immutable and travels as JSON: into the rule's row, its earlier versions, a rehearsal. Ids in it are
the company's own; that they are is checked when a rule is saved (server/calls/rules.py), and once more when it fires.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from django.db import models
from django.utils.translation import gettext_lazy as _


class Trigger(models.TextChoices):
    """What must happen in a call."""

    NOT_REACHED = "not_reached", _("missed, busy or failed")
    MISSED = "missed", _("missed")
    BUSY = "busy", _("busy")
    FAILED = "failed", _("failed")
    ANSWERED = "answered", _("answered")
    KEY = "key", _("a key is pressed")
    NODE = "node", _("a message node is reached")


class Who(models.TextChoices):
    """Who hears of it."""

    CALLER = "caller", _("the caller")
    TEAMS = "teams", _("teams")
    PEOPLE = "people", _("these people")
    ON_DUTY = "on_duty", _("whoever is on duty")
    LAST_SPOKEN = "last_spoken", _("whoever spoke last with this number")


class Channel(models.TextChoices):
    SMS = "sms", _("SMS")
    EMAIL = "email", _("e-mail")
    BROWSER = "browser", _("notice in the browser")
    OWN_CHOICE = "own_choice", _("as each person likes")


class Only(models.TextChoices):
    """When a later step is taken."""

    ALWAYS = "always", _("in any case")
    NOBODY_THERE = "nobody_there", _("if nobody before was there")
    NOT_FOLLOWED_UP = "not_followed_up", _("if nobody has followed the call up")


class Hours(models.TextChoices):
    OPEN = "open", _("inside business hours")
    CLOSED = "closed", _("outside business hours")


type Texts = Mapping[str, str]

# An empty text means the usual one: caller, called party and time.
USUAL_COOL_DOWN = 360
# Who presses a key again in a later call means it: another order of the same morning is confirmed, too.
COOL_DOWN_OF_KEYS = 5


class DefinitionNotValid(ValueError):
    """What is wrong, by field: {"steps.0.text.hu": "no such parameter: {calller}"}; in the reader's language."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {error}" for name, error in errors.items()))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Conditions:
    """All must hold; an empty one always does."""

    lines: tuple[int, ...] = ()
    queues: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    is_in_countries: bool = True
    is_known: bool | None = None
    tags: tuple[int, ...] = ()
    is_first_call: bool | None = None
    hours: Literal["", "open", "closed"] = ""
    is_holiday: bool | None = None
    weekdays: tuple[int, ...] = ()
    repeated_within: int | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{name: _unlisted(data[name]) for name in cls.__slots__ if name in data})


@dataclass(frozen=True, slots=True)
class Step:
    """Who is told, how, and in which words; `after` minutes later, and then perhaps not at all."""

    who: Who
    channel: Channel = Channel.OWN_CHOICE
    teams: tuple[int, ...] = ()
    people: tuple[int, ...] = ()
    after: int = 0
    only: Only = Only.ALWAYS
    # Language → text; the subject is an e-mail's.
    texts: Texts = field(default_factory=dict)
    subjects: Texts = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        said = {name: _unlisted(data[name]) for name in cls.__slots__ if name in data}
        said["who"], said["channel"], said["only"] = (
            Who(data["who"]),
            Channel(data.get("channel", Channel.OWN_CHOICE)),
            Only(data.get("only", Only.ALWAYS)),
        )
        return cls(**said)


@dataclass(frozen=True, slots=True)
class Definition:
    """A rule's whole meaning.

    `key` is what must be pressed (trigger KEY), `node` the message node (trigger NODE). `cool_down` minutes lie between
    two automatic messages of this rule to the same number. `promises_within`: minutes of business hours within which the
    caller is called back; the text then has {call_back_time}, and a task is opened. `ends` stops the list: later
    rules are not looked at.
    """

    trigger: Trigger
    key: str = ""
    node: int | None = None
    conditions: Conditions = field(default_factory=Conditions)
    steps: tuple[Step, ...] = ()
    cool_down: int = USUAL_COOL_DOWN
    promises_within: int | None = None
    ends: bool = False

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises DefinitionNotValid when it is none at all (rows hold checked ones)."""
        try:
            plain = {name: data[name] for name in ("key", "node", "cool_down", "promises_within", "ends") if name in data}
            return cls(
                trigger=Trigger(data["trigger"]),
                conditions=Conditions.from_json(data.get("conditions", {})),
                steps=tuple(Step.from_json(step) for step in data.get("steps", [])),
                **plain,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise DefinitionNotValid({"": str(problem)}) from problem

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _unlisted(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
