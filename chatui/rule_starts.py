"""Good starting points for a new rule: what most companies want first, ready but for the names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from server.calls.definition import COOL_DOWN_OF_KEYS, Channel, Conditions, Definition, Only, Step, Trigger, Who

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.utils.functional import _StrPromise

    from server.accounts.models import Subscriber


@dataclass(frozen=True, slots=True)
class Start:
    """`key` stands in the address of the new rule's page."""

    key: str
    icon: str
    name: _StrPromise
    says: _StrPromise
    begin: Callable[[Subscriber], Definition]


def start_of(key: str) -> Start | None:
    return next((start for start in STARTS if start.key == key), None)


def blank(subscriber: Subscriber) -> Definition:
    return Definition(Trigger.MISSED, steps=(Step(who=Who.ON_DUTY),))


def _promise(subscriber: Subscriber) -> Definition:
    texts = {
        "hu": "Elnézést, most nem tudtuk felvenni. Visszahívjuk eddig: {call_back_time}. {our_company}",
        "en": "Sorry we missed your call. We will call you back by {call_back_time}. {our_company}",
    }
    return Definition(Trigger.NOT_REACHED, steps=(Step(who=Who.CALLER, channel=Channel.SMS, texts=texts),), promises_within=120)


def _abroad(subscriber: Subscriber) -> Definition:
    conditions = Conditions(countries=(subscriber.country,), is_in_countries=False)
    return Definition(Trigger.NOT_REACHED, conditions=conditions, steps=(Step(who=Who.TEAMS, channel=Channel.SMS),), ends=True)


def _others(subscriber: Subscriber) -> Definition:
    later = Step(who=Who.TEAMS, channel=Channel.SMS, after=10, only=Only.NOT_FOLLOWED_UP)
    return Definition(Trigger.NOT_REACHED, steps=(Step(who=Who.TEAMS, channel=Channel.SMS), later))


def _key(subscriber: Subscriber) -> Definition:
    texts = {
        "hu": "Köszönjük, rögzítettük a kérését. Munkatársunk hamarosan jelentkezik. {our_company}",
        "en": "Thank you, we have noted your request. A colleague will be in touch soon. {our_company}",
    }
    step = Step(who=Who.CALLER, channel=Channel.SMS, texts=texts)
    return Definition(Trigger.KEY, key="1", steps=(step,), cool_down=COOL_DOWN_OF_KEYS)


def _node(subscriber: Subscriber) -> Definition:
    return Definition(Trigger.NODE, steps=(Step(who=Who.ON_DUTY),))


STARTS = (
    Start("missed", "phone", _("Missed call"), _("Whoever is on duty is told at once, as each likes it."), blank),
    Start(
        "promise",
        "clock",
        _("Missed call: promise to call back"),
        _("The caller gets an SMS that says by when; a task is opened in the thread."),
        _promise,
    ),
    Start("abroad", "user", _("Missed call from abroad"), _("Only the team that speaks English is told."), _abroad),
    Start(
        "others",
        "list",
        _("Missed call, team after team"),
        _("A team is told; if nobody has seen to it after ten minutes, the next one."),
        _others,
    ),
    Start("key", "hash", _("Key pressed in the menu"), _("The caller gets an SMS that confirms it."), _key),
    Start("node", "bolt", _("Message node of the exchange"), _("Your exchange asks for it at a place of its call flow."), _node),
)
