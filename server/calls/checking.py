"""Whether a rule can be kept: what it names is the company's own and there, its numbers make sense, its texts can be filled in."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from server import phone
from server.accounts.models import Team, User
from server.calls.definition import Channel, Definition, DefinitionNotValid, Hours, Only, Trigger, Who
from server.calls.languages import TEXT_LANGUAGES
from server.calls.models import MessageNode
from server.calls.parameters import TextNotValid, check_text
from server.contacts.models import Tag
from server.lines.models import Line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from typing import Any

    from django.db.models import QuerySet

    from server.accounts.models import Subscriber
    from server.calls.definition import Conditions, Step

LONGEST_NAME = 80
LONGEST_SUBJECT = 200
LONGEST_QUEUE = 80
MOST_STEPS = 10
MOST_NAMED = 50
# In minutes.
AFTER = (0, 1440)
COOL_DOWN = (5, 10080)
PROMISES_WITHIN = (15, 2880)
REPEATED_WITHIN = (1, 10080)

_KEY = re.compile(r"[0-9*#]{1,8}", re.ASCII)

type Errors = Iterator[tuple[str, str]]


def check_definition(definition: Definition, *, subscriber: Subscriber, name: str) -> None:
    """Raises DefinitionNotValid with what is wrong by field, in the reader's language."""
    errors: dict[str, str] = {}
    found = chain(
        _name(name),
        _trigger(definition, subscriber),
        _conditions(definition.conditions, subscriber),
        _steps(definition, subscriber),
        _limits(definition),
    )
    for field, error in found:
        errors.setdefault(field, error)
    if errors:
        raise DefinitionNotValid(errors)


def tidied(definition: Definition) -> Definition:
    """Without what the rest of it makes meaningless: a key that no trigger asks for, teams that no step tells, texts of spaces."""
    return replace(
        definition,
        key=definition.key.strip() if definition.trigger == Trigger.KEY else "",
        node=definition.node if definition.trigger == Trigger.NODE else None,
        steps=tuple(_tidied_step(step) for step in definition.steps),
    )


def _tidied_step(step: Step) -> Step:
    return replace(
        step,
        channel=Channel.SMS if step.who == Who.CALLER else step.channel,
        teams=step.teams if step.who == Who.TEAMS else (),
        people=step.people if step.who == Who.PEOPLE else (),
        texts=_said(step.texts),
        subjects=_said(step.subjects),
    )


def _said(texts: Mapping[str, str]) -> dict[str, str]:
    return {language: text.strip() for language, text in texts.items() if text.strip()}


def _name(name: str) -> Errors:
    if not name:
        yield "name", _("Please give the rule a name.")
    elif len(name) > LONGEST_NAME:
        yield "name", _("At most %(count)s characters fit.") % {"count": LONGEST_NAME}


def _trigger(definition: Definition, subscriber: Subscriber) -> Errors:
    if definition.trigger == Trigger.KEY and not _KEY.fullmatch(definition.key):
        yield "key", _("Write the key as it is pressed: digits, * or #, eight at most.")
    if definition.trigger == Trigger.NODE and not _are_there(
        MessageNode.objects.filter(subscriber=subscriber, deleted_at=None), [definition.node or 0]
    ):
        yield "node", _("Choose a message node.")


def _conditions(conditions: Conditions, subscriber: Subscriber) -> Errors:
    gone = _("Something that was chosen here is gone. Please choose again.")
    if not _are_there(Line.objects.filter(subscriber=subscriber), conditions.lines):
        yield "conditions.lines", gone
    if not _are_there(Tag.objects.filter(subscriber=subscriber), conditions.tags):
        yield "conditions.tags", gone
    if not all(_is_word(queue, LONGEST_QUEUE) for queue in conditions.queues) or len(conditions.queues) > MOST_NAMED:
        yield "conditions.queues", _("Write the queues as the exchange calls them, separated by commas.")
    if not all(isinstance(country, str) and phone.is_country(country) for country in conditions.countries):
        yield "conditions.countries", _("There is no such country.")
    if not all(_is_between(day, (1, 7)) for day in conditions.weekdays):
        yield "conditions.weekdays", _("Choose the days again.")
    if conditions.hours not in ("", *Hours.values):
        yield "conditions.hours", _("Choose inside or outside business hours.")
    if conditions.repeated_within is not None and not _is_between(conditions.repeated_within, REPEATED_WITHIN):
        yield "conditions.repeated_within", _between(REPEATED_WITHIN)


def _steps(definition: Definition, subscriber: Subscriber) -> Errors:
    if not definition.steps:
        yield "steps", _("Say who is told: without a step the rule does nothing.")
    if len(definition.steps) > MOST_STEPS:
        yield "steps", _("At most %(count)s steps fit into a rule.") % {"count": MOST_STEPS}
    for number, step in enumerate(definition.steps[:MOST_STEPS]):
        for field, error in _step(step, subscriber, is_first=number == 0, promises=definition.promises_within is not None):
            yield f"steps.{number}.{field}", error


def _step(step: Step, subscriber: Subscriber, *, is_first: bool, promises: bool) -> Errors:
    if step.who == Who.TEAMS:
        yield from _chosen("teams", step.teams, Team.objects.filter(subscriber=subscriber), _("Choose a team."))
    if step.who == Who.PEOPLE:
        people = User.objects.filter(subscriber=subscriber, is_active=True)
        yield from _chosen("people", step.people, people, _("Choose a colleague."))
    if step.who == Who.CALLER and step.channel != Channel.SMS:
        yield "channel", _("The caller can only be told by SMS.")
    if not _is_between(step.after, AFTER):
        yield "after", _between(AFTER)
    if is_first and step.only == Only.NOBODY_THERE:
        yield "only", _("Nobody was told before the first step.")
    for field, texts in (("text", step.texts), ("subject", step.subjects)):
        yield from _texts(field, texts, subscriber, promises=promises, to_caller=step.who == Who.CALLER)


def _chosen(field: str, ids: Collection[int], there: QuerySet[Any], nothing: str) -> Errors:
    if not ids:
        yield field, nothing
    elif not _are_there(there, ids):
        yield field, _("Something that was chosen here is gone. Please choose again.")


def _texts(field: str, texts: Mapping[str, str], subscriber: Subscriber, *, promises: bool, to_caller: bool) -> Errors:
    for language, text in texts.items():
        if language not in TEXT_LANGUAGES:
            yield field, _("There is no such language.")
        elif field == "subject" and len(text) > LONGEST_SUBJECT:
            yield f"{field}.{language}", _("At most %(count)s characters fit.") % {"count": LONGEST_SUBJECT}
        else:
            try:
                check_text(text, subscriber=subscriber, promises=promises, to_caller=to_caller)
            except TextNotValid as problem:
                yield f"{field}.{language}", str(problem)


def _limits(definition: Definition) -> Errors:
    if not _is_between(definition.cool_down, COOL_DOWN):
        yield "cool_down", _between(COOL_DOWN)
    if definition.promises_within is not None and not _is_between(definition.promises_within, PROMISES_WITHIN):
        yield "promises_within", _between(PROMISES_WITHIN)


def _are_there(there: QuerySet[Any], ids: Collection[int]) -> bool:
    if not ids:
        return True
    wanted = {pk for pk in ids if isinstance(pk, int)}
    return len(wanted) == len(set(ids)) <= MOST_NAMED and there.filter(pk__in=wanted).count() == len(wanted)


def _is_word(text: object, longest: int) -> bool:
    return isinstance(text, str) and 0 < len(text.strip()) <= longest


def _is_between(number: object, bounds: tuple[int, int]) -> bool:
    return isinstance(number, int) and bounds[0] <= number <= bounds[1]


def _between(bounds: tuple[int, int]) -> str:
    return _("Between %(least)s and %(most)s minutes, please.") % {"least": bounds[0], "most": bounds[1]}
