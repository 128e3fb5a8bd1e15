"""A call with all that is told of it: what happened, which rules applied, who heard of it and who did not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Prefetch

from server.calls.models import CallEvent, Outcome, RuleRun, Telling
from server.lines.models import secrets_of

if TYPE_CHECKING:
    from server.calls.models.calls import CallQuerySet


def with_story(calls: CallQuerySet) -> CallQuerySet:
    """With what an entry of a thread or a row of a list shows, in four queries however many they are."""
    # Of the rules that were looked at, those that did something; in the order of the rules.
    applied = RuleRun.objects.filter(outcome=Outcome.MATCHED).select_related("rule").order_by("rule__position", "rule_id")
    tellings = Telling.objects.select_related("user", "message").defer("message__words").order_by("step", "id")
    return with_line(calls).prefetch_related(
        Prefetch("events", CallEvent.objects.select_related("node").order_by("at", "id")),
        Prefetch("events__runs", applied),
        Prefetch("events__runs__tellings", tellings),
    )


def with_line(calls: CallQuerySet) -> CallQuerySet:
    return calls.select_related("line", "followed_up_by").defer(*secrets_of("line"))
