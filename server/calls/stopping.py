"""The red switch, which stops whatever a company sends by itself, and the limits over all of its rules."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from server.accounts.models import record_audit
from server.calls.announcing import announce_call
from server.calls.locking import lock_thread
from server.calls.models import CallLogic, RuleStep, Skipped, StepOutcome, Telling, TellingState
from server.calls.promises import withdraw_promise
from server.events.log import record
from server.events.models import Kind
from server.messaging.models import Status

if TYPE_CHECKING:
    from datetime import datetime

    from server.accounts.models import Subscriber, User
    from server.calls.models import Call

# As the database holds them.
BOUNDS = {"per_number_per_day": (1, 10), "per_colleague_per_day": (1, 500), "per_minute": (1, 600), "per_day": (1, 20_000)}


class LimitNotValid(ValueError):
    """A limit out of its bounds; `name` says which."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name
        self.least, self.most = BOUNDS[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Automatic messages over all rules: to a number a day, to a phone of our people a day, from the company a minute and a day."""

    per_number_per_day: int
    per_colleague_per_day: int
    per_minute: int
    per_day: int


@transaction.atomic
def stop_automatic(*, subscriber: Subscriber, by: User, now: datetime) -> bool:
    """Send nothing by itself any more, not even what was planned; False when it was stopped already.

    What has been queued for sending fails when it is claimed (server/calls/limits.py), also after a resumption.
    """
    logic = _locked(subscriber)
    if logic.is_stopped:
        return False
    logic.stopped_at, logic.stopped_by = now, by
    logic.save()
    withdrawn = _skip_planned(subscriber, now)
    for call in withdrawn:
        announce_call(call, now=now)
    _note("call_logic.stopped", logic, by=by, now=now)
    return True


def _skip_planned(subscriber: Subscriber, now: datetime) -> list[Call]:
    """Later steps, what is planned, letters that the mail server did not take yet, and texts that were not claimed yet.

    Returns the calls in which a promise was withdrawn with them.
    """
    is_planned = Q(state__in=[TellingState.PLANNED, TellingState.SENDING])
    is_queued = Q(message__status__in=[Status.QUEUED, Status.HELD])
    planned = Telling.objects.filter(is_planned | is_queued, run__subscriber=subscriber)
    due = RuleStep.objects.filter(run__subscriber=subscriber, due_at__isnull=False)
    # The threads first: the order of locks.
    lock_thread(planned.values_list("run__event__call__conversation", flat=True))
    to_callers = list(planned.filter(user=None).select_related("run__rule", "run__event__call"))
    planned.update(state=TellingState.SKIPPED, reason=Skipped.STOPPED, told_at=None, retried_at=None, lease_until=None)
    due.update(due_at=None, done_at=now, outcome=StepOutcome.STOPPED)
    return [telling.run.event.call for telling in to_callers if withdraw_promise(telling)]


@transaction.atomic
def resume_automatic(*, subscriber: Subscriber, by: User, now: datetime) -> bool:
    """Send by itself again, from the next call on; False when it was not stopped."""
    logic = _locked(subscriber)
    if not logic.is_stopped:
        return False
    logic.stopped_at, logic.stopped_by = None, None
    logic.save()
    _note("call_logic.resumed", logic, by=by, now=now)
    return True


@transaction.atomic
def set_limits(*, subscriber: Subscriber, limits: Limits, by: User, now: datetime) -> bool:
    """Change the limits over all rules; False when they are so already. Raises LimitNotValid."""
    wished = asdict(limits)
    for name, (least, most) in BOUNDS.items():
        if not least <= wished[name] <= most:
            raise LimitNotValid(name)
    logic = _locked(subscriber)
    old = {name: getattr(logic, name) for name in BOUNDS}
    changed = {name: {"old": old[name], "new": new} for name, new in wished.items() if new != old[name]}
    if not changed:
        return False
    CallLogic.objects.filter(pk=logic.pk).update(**wished)
    _note("call_logic.limits", logic, by=by, now=now, about=logic.pk, changed=changed)
    return True


def _locked(subscriber: Subscriber) -> CallLogic:
    CallLogic.objects.bulk_create([CallLogic(subscriber=subscriber)], ignore_conflicts=True)
    return CallLogic.objects.select_for_update(no_key=True).get(subscriber=subscriber)


def _note(action: str, logic: CallLogic, *, by: User, now: datetime, about: int | None = None, **details: object) -> None:
    """An event about nothing else is the switch itself: every page draws its banner anew."""
    record_audit(action=action, at=now, actor=by, subscriber=logic.subscriber, target=logic.subscriber.name, **details)
    record(subscriber_id=logic.subscriber_id, kind=Kind.CALL_LOGIC_CHANGED, at=now, message_id=about)
