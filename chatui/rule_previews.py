"""How a rule's texts would have read for real calls of the company, and what they would have cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils.timezone import now

from server.calls.deciding import FITTING, checks_of, facts_of_many, fits
from server.calls.definition import Channel, Who
from server.calls.longest import longest_words
from server.calls.models import CallEvent, CallParameter
from server.calls.parameters import PARAMETERS, shown_name
from server.calls.promises import call_back_by
from server.calls.texts import words_for

if TYPE_CHECKING:
    from datetime import datetime

    from server.accounts.models import Subscriber, User
    from server.calls.deciding import Facts
    from server.calls.definition import Definition, Step
    from server.calls.texts import Words

LOOKS_BACK = timedelta(days=30)
LOOKED_AT, SHOWN = 60, 2


@dataclass(frozen=True, slots=True)
class Sample:
    """What a real call would have said."""

    event: CallEvent
    words: Words
    is_sms: bool
    has_subject: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """`longest` is None for what never goes out as an SMS."""

    samples: list[Sample]
    longest: Words | None


@dataclass(frozen=True, slots=True)
class Offered:
    """A place that a text may have: as it is written, and what it means."""

    written: str
    meaning: str


def offered_parameters(subscriber: Subscriber) -> list[Offered]:
    """Ours, and whatever the company's exchange has sent so far."""
    own = CallParameter.objects.filter(subscriber=subscriber).order_by("name").values_list("name", flat=True)
    ours = [Offered(f"{{{shown_name(parameter.name)}}}", str(parameter.meaning)) for parameter in PARAMETERS]
    return ours + [Offered(f"{{{shown_name(f'exchange.{name}')}}}", name) for name in own]


def previews_of(definition: Definition, *, subscriber: Subscriber, user: User) -> list[Preview]:
    """For each step what it would have said of the latest calls, and how long it can get."""
    events = _latest(definition, subscriber)
    return [
        Preview([_sample(definition, step, event, user) for event in _heard_of(step, events)], _longest(step, subscriber))
        for step in definition.steps
    ]


def _latest(definition: Definition, subscriber: Subscriber) -> list[CallEvent]:
    """The latest that the rule would have been for."""
    events = CallEvent.objects.filter(
        call__subscriber=subscriber, call__began_at__gte=now() - LOOKS_BACK, kind__in=FITTING[definition.trigger]
    )
    related = events.select_related("call__subscriber", "call__line", "call__conversation__contact__main", "node")
    latest = list(related.order_by("-call__began_at", "-pk")[:LOOKED_AT])
    return [event for event, facts in zip(latest, facts_of_many(latest), strict=True) if _is_for(definition, facts)]


def _heard_of(step: Step, events: list[CallEvent]) -> list[CallEvent]:
    """Who withholds their number gets no text."""
    return [event for event in events if step.who != Who.CALLER or event.call.conversation_id is not None][:SHOWN]


def _is_for(definition: Definition, facts: Facts) -> bool:
    return fits(definition, facts) and all(check.holds for check in checks_of(definition, facts))


def _sample(definition: Definition, step: Step, event: CallEvent, user: User) -> Sample:
    person = None if step.who == Who.CALLER else user
    words = words_for(step=step, event=event, person=person, promise_due=_promised(definition, event))
    return Sample(event, words, step.channel == Channel.SMS, step.channel in {Channel.EMAIL, Channel.BROWSER})


def _longest(step: Step, subscriber: Subscriber) -> Words | None:
    return longest_words(step=step, subscriber=subscriber, now=now()) if step.channel in {Channel.SMS, Channel.OWN_CHOICE} else None


def _promised(definition: Definition, event: CallEvent) -> datetime | None:
    within = definition.promises_within
    return call_back_by(event.call.subscriber, event.at, within) if within and within > 0 else None
