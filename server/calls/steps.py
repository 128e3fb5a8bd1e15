"""A step of a rule is due: who hears of it is worked out, in which words, and who does not, and why.

What is planned here goes out by server/calls/telling.py. A step says what its rule said when it fired, unless the rule
has been switched off or deleted since: then it is not taken.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef

from server.calls.announcing import announce_call
from server.calls.deciding import NOT_REACHED
from server.calls.definition import Only
from server.calls.limits import call_logic_of
from server.calls.locking import lock_thread
from server.calls.models import CallState, RuleStep, StepOutcome, Telling, TellingState
from server.calls.planning import plan_tellings
from server.calls.turns import ids_in_turn
from server.lines.models import secrets_of

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from server.calls.definition import Step

logger = logging.getLogger(__name__)

AT_ONCE = 200


def take_due_steps(*, now: datetime) -> int:
    """Take the steps that are due, those of a rule one after the other; returns how many these were.

    In a flood not all of them at once: who was planned to be told is not to wait for the last one.
    """
    taken = 0
    while taken < AT_ONCE and (due := ids_in_turn(_due(now), "due_at", "id", company="run__subscriber", most=AT_ONCE)):
        of_these = sum(_take_or_put_away(pk, now) for pk in due)
        taken += of_these
        if not of_these:
            # Others have them in hand.
            break
    return taken


def _due(now: datetime) -> QuerySet[RuleStep]:
    """A later step may ask what came of an earlier one."""
    earlier = RuleStep.objects.filter(run=OuterRef("run"), number__lt=OuterRef("number"), due_at__lte=OuterRef("due_at"))
    return RuleStep.objects.filter(due_at__lte=now).exclude(Exists(earlier))


def _take_or_put_away(pk: int, now: datetime) -> bool:
    try:
        return _take(pk, now)
    except (OperationalError, InterfaceError):
        # The database is away, or two wanted the same rows: it stays due.
        raise
    except Exception:
        # It would fail again, twice a second, and hold up those after it.
        logger.exception("rule step %s could not be taken", pk)
        return _settle(pk, StepOutcome.BROKEN, now)


@transaction.atomic
def _take(pk: int, now: datetime) -> bool:
    """False when another one was quicker."""
    lock_thread(RuleStep.objects.filter(pk=pk).values_list("run__event__call__conversation", flat=True))
    if not _due(now).filter(pk=pk).update(due_at=None, done_at=now):
        return False
    step = RuleStep.objects.select_related(*_WITH).defer(*secrets_of("run__event__call__line")).get(pk=pk)
    definition = step.run.says
    outcome = _outcome(step, definition.steps[step.number])
    RuleStep.objects.filter(pk=pk).update(outcome=outcome)
    if outcome == StepOutcome.DONE:
        plan_tellings(step=step, definition=definition, now=now)
    announce_call(step.run.event.call, now=now)
    return True


_WITH = (
    "run__rule",
    "run__event__node",
    "run__event__call__subscriber__activation",
    "run__event__call__line__subscriber__activation",
    "run__event__call__conversation__contact__main",
)


@transaction.atomic
def _settle(pk: int, outcome: StepOutcome, now: datetime) -> bool:
    settled = RuleStep.objects.filter(pk=pk, due_at__isnull=False).update(due_at=None, done_at=now, outcome=outcome)
    if settled:
        announce_call(RuleStep.objects.select_related("run__event__call").get(pk=pk).run.event.call, now=now)
    return bool(settled)


def _outcome(step: RuleStep, said: Step) -> StepOutcome:
    run, call = step.run, step.run.event.call
    if run.rule.deleted_at is not None or not run.rule.is_active:
        return StepOutcome.RULE_OFF
    if call_logic_of(call.subscriber).is_stopped or not call.subscriber.has_sms:
        return StepOutcome.STOPPED
    if run.event.kind in NOT_REACHED and call.state == CallState.ANSWERED:
        # It was told late that somebody took it: nobody called in vain, in any case.
        return StepOutcome.FOLLOWED_UP
    if said.only == Only.NOT_FOLLOWED_UP and call.followed_up_at is not None:
        return StepOutcome.FOLLOWED_UP
    if said.only == Only.NOBODY_THERE and _was_somebody_there(step):
        return StepOutcome.SOMEBODY_THERE
    return StepOutcome.DONE


def _was_somebody_there(step: RuleStep) -> bool:
    """Whether an earlier step has reached one of our people: who is away, or can't be told, is as good as nobody."""
    told = Telling.objects.filter(run=step.run_id, step__lt=step.number, user__isnull=False)
    return told.exclude(state=TellingState.SKIPPED).exists()
