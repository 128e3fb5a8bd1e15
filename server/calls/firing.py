"""The rules look at what happened in a call: once, however many dispatchers there are.

    call event, due → rule runs, each with its steps → (server/calls/steps.py) tellings → (server/calls/telling.py) told

Each arrow is one transaction that begins with a claim, so a process that dies in the middle leaves what it had in hand to another.
Locks are taken in the order of server/messaging/standing.py: the conversation, then what belongs to its calls, the subscriber last.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import InterfaceError, OperationalError, transaction

from server.calls.announcing import announce_call
from server.calls.deciding import decide, facts_of, rules_in_order
from server.calls.locking import lock_thread
from server.calls.models import CallEvent, RuleRun, RuleStep
from server.calls.recording import TOO_LATE
from server.calls.steps import take_due_steps
from server.calls.turns import ids_in_turn

if TYPE_CHECKING:
    from datetime import datetime

    from server.calls.deciding import Decision

__all__ = ["fire_due", "take_due_steps"]

logger = logging.getLogger(__name__)

AT_ONCE = 200


def fire_due(*, now: datetime) -> int:
    """Have the rules look at all call events that are due; returns how many these were."""
    due = CallEvent.objects.filter(due_at__lte=now)
    return sum(_fire_or_put_away(pk, now) for pk in ids_in_turn(due, "due_at", "id", company="call__subscriber", most=AT_ONCE))


def _fire_or_put_away(pk: int, now: datetime) -> bool:
    try:
        return _fire(pk, now)
    except (OperationalError, InterfaceError):
        # The database is away, or two wanted the same rows: it stays due.
        raise
    except Exception:
        # It would fail again, twice a second, and hold up those after it.
        logger.exception("call event %s: the rules could not look at it", pk)
        return bool(CallEvent.objects.filter(pk=pk, due_at__isnull=False).update(due_at=None, decided_at=now))


@transaction.atomic
def _fire(pk: int, now: datetime) -> bool:
    """False when another one was quicker."""
    lock_thread(CallEvent.objects.filter(pk=pk).values_list("call__conversation", flat=True))
    if not CallEvent.objects.filter(pk=pk, due_at__lte=now).update(due_at=None, decided_at=now):
        return False
    event = CallEvent.objects.select_related("call").get(pk=pk)
    if now - event.at > TOO_LATE:
        # Nobody was there to look at it: no dispatcher was running.
        CallEvent.objects.filter(pk=pk).update(is_late=True)
        announce_call(event.call, now=now)
        return True
    decisions = decide(rules_in_order(event.call.subscriber_id), facts_of(event), now=now)
    if decisions:
        _note(decisions, event, now)
        announce_call(event.call, now=now)
    return True


def _note(decisions: list[Decision], event: CallEvent, now: datetime) -> None:
    runs = RuleRun.objects.bulk_create([_run(decision, event, now) for decision in decisions])
    RuleStep.objects.bulk_create(
        RuleStep(run=run, number=number, due_at=now + timedelta(minutes=step.after))
        for run, decision in zip(runs, decisions, strict=True)
        if decision.applies and decision.definition is not None
        for number, step in enumerate(decision.definition.steps)
    )


def _run(decision: Decision, event: CallEvent, now: datetime) -> RuleRun:
    return RuleRun(
        subscriber_id=event.call.subscriber_id,
        rule=decision.rule,
        version=decision.rule.version,
        event=event,
        outcome=decision.outcome,
        checks=[check.to_json() for check in decision.checks],
        is_dry=decision.rule.is_rehearsing(now),
        at=now,
    )
