"""A rule as a sentence: "When a call from abroad on Support is missed, tell English team by SMS".

Each language joins the same short clauses in its own way; where words would have to be inflected, a clause lists them
after a colon. What a rule names and is gone by now is marked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.dates import WEEKDAYS
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from chatui.rule_names import Names
from server.calls.definition import USUAL_COOL_DOWN, Channel, Hours, Only, Trigger, Who
from server.calls.parameters import shown
from server.countries import country_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from server.accounts.models import Subscriber
    from server.calls.definition import Conditions, Definition, Step

LONGEST_QUOTE = 70
WORKDAYS, WEEKEND = (1, 2, 3, 4, 5), (6, 7)


@dataclass(frozen=True, slots=True)
class Sentence:
    """Its clauses, each of which can stand in a line of its own."""

    when: SafeString
    steps: tuple[SafeString, ...]
    limits: tuple[SafeString, ...]

    @property
    def whole(self) -> SafeString:
        then = format_html_join("; ", "{}", ((step,) for step in self.steps))
        told = format_html("{}, {}.", self.when, then) if self.steps else format_html("{}…", self.when)
        return format_html_join(" ", "{}", ((part,) for part in (told, *self.limits)))


def sentence_of(definition: Definition, subscriber: Subscriber, names: Names | None = None) -> SafeString:
    """The rule in one sentence, in the reader's language; what is as usual is left out."""
    return clauses_of(definition, subscriber, names, says_the_usual=False).whole


def clauses_of(
    definition: Definition, subscriber: Subscriber, names: Names | None = None, *, says_the_usual: bool = True
) -> Sentence:
    names = names or Names(subscriber)
    return Sentence(
        when=_when(definition, names),
        steps=tuple(_step(step, names) for step in definition.steps),
        limits=tuple(_limits(definition, says_the_usual=says_the_usual)),
    )


def duration(minutes: int) -> str:
    """`45 minutes`, `6 hours`, `2 days`; the largest unit in which it is a whole number."""
    if minutes and minutes % 1440 == 0:
        days = minutes // 1440
        return _("1 day") if days == 1 else _("%(n)s days") % {"n": days}
    if minutes and minutes % 60 == 0:
        hours = minutes // 60
        return _("1 hour") if hours == 1 else _("%(n)s hours") % {"n": hours}
    return _("1 minute") if minutes == 1 else _("%(n)s minutes") % {"n": minutes}


# --- When ------------------------------------------------------------------------------------------
def _when(definition: Definition, names: Names) -> SafeString:
    conditions = format_html_join(
        _conditions_are_joined_by(), "{}", ((clause,) for clause in _conditions(definition.conditions, names))
    )
    return _woven(
        _trigger_words(definition.trigger, has_conditions=bool(conditions)), conditions=conditions, what=_what(definition, names)
    )


def _conditions_are_joined_by() -> str:
    # English lets them follow one another, Hungarian lists them.
    return ", " if get_language() == "hu" else " "


def _trigger_words(trigger: Trigger, *, has_conditions: bool) -> str:
    if trigger == Trigger.KEY:
        return _("When %(what)s is pressed in a call %(conditions)s") if has_conditions else _("When %(what)s is pressed in a call")
    if trigger == Trigger.NODE:
        return (
            _("When a call %(conditions)s reaches the message node %(what)s")
            if has_conditions
            else _("When a call reaches the message node %(what)s")
        )
    return _("When a call %(conditions)s is %(what)s") if has_conditions else _("When a call is %(what)s")


def _what(definition: Definition, names: Names) -> SafeString:
    if definition.trigger == Trigger.KEY:
        return _strong(definition.key or "…")
    if definition.trigger == Trigger.NODE:
        if definition.node is None:
            return _strong("…")
        return _named([definition.node], names.nodes, _("a message node that is gone"))
    return _strong(Trigger(definition.trigger).label)


def _conditions(asked: Conditions, names: Names) -> Iterator[SafeString]:
    if asked.countries:
        yield _from(asked, names.subscriber)
    if asked.is_known is not None:
        yield _woven(_("from %(whom)s"), whom=_strong(_("a known contact") if asked.is_known else _("an unknown number")))
    if asked.tags:
        yield _woven(_("tagged %(tags)s"), tags=_named(asked.tags, names.tags, _("a tag that is gone")))
    if asked.lines:
        yield _woven(_("on %(lines)s"), lines=_named(asked.lines, names.lines, _("a line that is gone")))
    if asked.queues:
        yield _woven(_("in the queue %(queues)s"), queues=_strong(", ".join(asked.queues)))
    if asked.is_first_call is not None:
        yield _strong(_("for the first time")) if asked.is_first_call else _strong(_("not for the first time"))
    if asked.repeated_within is not None:
        yield _woven(_("again within %(time)s"), time=_strong(duration(asked.repeated_within)))
    if asked.hours:
        yield _strong(Hours(asked.hours).label)
    if asked.weekdays:
        yield _days(asked.weekdays)
    if asked.is_holiday is not None:
        yield _strong(_("on a public holiday")) if asked.is_holiday else _strong(_("on no public holiday"))


def _from(asked: Conditions, subscriber: Subscriber) -> SafeString:
    if asked.countries == (subscriber.country,) and not asked.is_in_countries:
        return _woven(_("from %(abroad)s"), abroad=_strong(_("abroad")))
    countries = _strong(country_names(list(asked.countries)))
    return _woven(_("from %(countries)s") if asked.is_in_countries else _("from anywhere but %(countries)s"), countries=countries)


def _days(weekdays: tuple[int, ...]) -> SafeString:
    days = tuple(sorted(weekdays))
    if days == WORKDAYS:
        return _strong(_("from Monday to Friday"))
    if days == WEEKEND:
        return _strong(_("at the weekend"))
    return _woven(_("on %(days)s"), days=_strong(", ".join(str(WEEKDAYS[day - 1]) for day in days if 1 <= day <= 7)))


# --- Then ------------------------------------------------------------------------------------------
def _step(step: Step, names: Names) -> SafeString:
    if step.channel == Channel.OWN_CHOICE and step.who != Who.CALLER:
        told = _woven(_("tell %(who)s as each person likes"), who=_who(step, names))
    else:
        told = _woven(_("tell %(who)s by %(how)s"), who=_who(step, names), how=_strong(_channel(step)))
    parts = [*_before(step), told]
    return format_html("{}{}", format_html_join(", ", "{}", ((part,) for part in parts)), _quote(step.texts))


def _before(step: Step) -> Iterator[SafeString]:
    if step.after:
        yield _woven(_("after %(time)s"), time=_strong(duration(step.after)))
    if step.only != Only.ALWAYS:
        yield format_html("{}", Only(step.only).label)


def _who(step: Step, names: Names) -> SafeString:
    if step.who == Who.TEAMS:
        return _named(step.teams, names.teams, _("a team that is gone")) if step.teams else _strong("…")
    if step.who == Who.PEOPLE:
        return _named(step.people, names.people, _("somebody who has left")) if step.people else _strong("…")
    return _strong(Who(step.who).label)


def _channel(step: Step) -> str:
    return str(Channel.SMS.label if step.who == Who.CALLER else Channel(step.channel).label)


def _quote(texts: Mapping[str, str]) -> SafeString:
    """How the text begins, in the reader's language if there is one."""
    said = {language: text for language, text in texts.items() if text.strip()}
    text = said.get(get_language() or "", next(iter(said.values()), ""))
    if not text:
        return mark_safe("")
    return format_html(': <q title="{}">{}</q>', shown(text), _beginning(" ".join(shown(text).split())))


def _beginning(text: str) -> str:
    """Cut between words, never inside of a parameter."""
    if len(text) <= LONGEST_QUOTE:
        return text
    words = text[:LONGEST_QUOTE].rpartition(" ")[0] or text[:LONGEST_QUOTE]
    return re.sub(r"\S*\{[^{}]*$", "", words).rstrip(" .,;:–-") + "…"


# --- And -------------------------------------------------------------------------------------------
def _limits(definition: Definition, *, says_the_usual: bool) -> Iterator[SafeString]:
    if definition.promises_within is not None:
        within = _strong(duration(definition.promises_within))
        yield _woven(_("A call back is promised within %(time)s of business hours."), time=within)
    # Colleagues hear of every call.
    texts_callers = any(step.who == Who.CALLER for step in definition.steps)
    if texts_callers and (says_the_usual or definition.cool_down != USUAL_COOL_DOWN):
        yield _woven(_("The same caller gets at most one SMS in %(time)s."), time=_strong(duration(definition.cool_down)))
    if definition.ends:
        yield _woven(_("Then %(stop)s: the rules below are not looked at."), stop=_strong(_("stop here")))


# --- Words -----------------------------------------------------------------------------------------
def _named(ids: Iterable[int], names: Mapping[int, str], gone: str) -> SafeString:
    lost = format_html('<b class="gone">{}</b>', gone)
    return format_html_join(", ", "{}", ((_strong(names[pk]) if pk in names else lost,) for pk in ids))


def _strong(text: object) -> SafeString:
    return format_html("<b>{}</b>", text)


def _woven(words: str, **parts: SafeString) -> SafeString:
    """Translated words with marked-up parts put in."""
    return mark_safe(conditional_escape(words) % parts)  # noqa: S308
