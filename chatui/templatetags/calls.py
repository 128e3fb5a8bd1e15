"""Calls in templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template
from django.utils import timezone

from chatui import call_words
from chatui.templatetags import fonal
from server import phone

if TYPE_CHECKING:
    from datetime import datetime

    from server.calls.models import Call, Promise

register = template.Library()

register.filter("headline", call_words.headline)
register.filter("newest_call", call_words.newest_call)
register.filter("lasting", call_words.lasting)
register.filter("call_facts", call_words.facts_of)
register.filter("call_steps", call_words.steps_of)
register.filter("lateness", call_words.lateness_of)
register.filter("happened", call_words.happened)
register.filter("told_late", call_words.told_late)
register.filter("runs", call_words.runs_of)
register.filter("recipient", call_words.recipient_of)
register.filter("how", call_words.how_of)
register.filter("fate", call_words.fate_of)


@register.filter
def concerns_rules(call: Call) -> bool:
    """Whether there is something to ask "why" about."""
    return bool(call_words.runs_of(call) or call_words.lateness_of(call))


@register.filter
def promise_state(promise: Promise) -> str:
    """open, overdue, kept, or late: kept after its time."""
    if promise.kept_at is None:
        return "overdue" if promise.due_at < timezone.now() else "open"
    return "late" if promise.kept_at > promise.due_at else "kept"


@register.simple_tag
def moment(at, beside, zone: str | None = None) -> str:
    """A time beside another one: the day is said only when it is another one."""
    one, other = fonal._zoned(at, zone), fonal._zoned(beside, zone)
    return fonal.clock(at, zone) if one.date() == other.date() else fonal.table_time(at, zone)


@register.filter
def due(at: datetime, zone: str | None = None) -> str:
    """Short for a list: 10:42 today, else the day, so that tomorrow's hour is not taken for today's."""
    is_today = fonal._zoned(at, zone).date() == fonal._zoned(timezone.now(), zone).date()
    return fonal.clock(at, zone) if is_today else fonal.day_and_month(at, zone)


@register.filter
def abroad_from(call: Call, country: str) -> str:
    """The two letters of the caller's country when it is not the company's own."""
    letters = phone.likely_country_of(call.partner)
    return letters if letters != country else ""
