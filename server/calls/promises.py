"""Call-back promises: by when, whether one is open, and what keeps it.

One is open for a thread at most. Whoever of ours texts or calls the number keeps it, on whichever line; so does an answered
call of theirs. With it, the calls that nobody answered are followed up.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from server.accounts.models import User
from server.accounts.opening_hours import Calendar
from server.calls.agents import colleague_named
from server.calls.announcing import announce_call
from server.calls.definition import DefinitionNotValid
from server.calls.escalating import plan_to_tell
from server.calls.models import UNANSWERED, Call, CallDirection, CallState, KeptBy, Promise, Telling, TellingState
from server.messaging.models import WENT_WRONG, Conversation
from server.messaging.standing import lock_conversation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from server.accounts.models import Subscriber
    from server.calls.models import CallEvent, CallRule
    from server.messaging.models import Message

# Screens draw anew so many of the calls that one call-back settles; who rang a hundred times is followed up a hundred times.
SHOWN_AT_ONCE = 20


def call_back_by(subscriber: Subscriber, at: datetime, minutes: int) -> datetime:
    """So many minutes of business hours after a moment; plain minutes for a company that never opens."""
    return within_hours(Calendar.of(subscriber), at, minutes)


def within_hours(calendar: Calendar, at: datetime, minutes: int) -> datetime:
    """The same by a calendar that was read already."""
    left, since = timedelta(minutes=minutes), at.astimezone(UTC)
    if any(calendar.hours.values()):
        for begins, ends in calendar.spans_from(at):
            # The hour that comes twice may belong to two spans, and counts once.
            since = max(since, begins)
            if ends - since >= left:
                return since + left
            left -= max(ends - since, timedelta())
            since = max(since, ends)
    return at.astimezone(UTC) + timedelta(minutes=minutes)


@transaction.atomic
def open_promise(*, call: Call, rule: CallRule | None, due_at: datetime, now: datetime) -> Promise | None:
    """They were told that we call back by then; None for a call without a thread. Of two promises the earlier time holds."""
    if call.conversation_id is None:
        return None
    lock_conversation(call.conversation_id)
    promise = Promise.objects.filter(conversation=call.conversation_id, kept_at=None).first()
    if promise is None:
        promise = Promise(subscriber_id=call.subscriber_id, conversation_id=call.conversation_id, call=call, rule=rule, made_at=now)
        promise.due_at = due_at
    promise.due_at = min(promise.due_at, due_at)
    promise.save()
    Conversation.objects.filter(pk=call.conversation_id).update(promised_until=promise.due_at)
    return promise


@transaction.atomic
def withdraw_promise(telling: Telling) -> bool:
    """The caller's text does not reach them, so nothing was promised, unless another text says it; whether it is withdrawn.

    Locks the thread; whoever calls us announces the call.
    """
    call = telling.run.event.call
    if telling.user_id is not None or call.conversation_id is None or not _promises(telling):
        return False
    lock_conversation(call.conversation_id)
    promise = Promise.objects.filter(conversation=call.conversation_id, rule__isnull=False, kept_at=None).first()
    if promise is None or _is_said_elsewhere(promise, telling):
        return False
    promise.delete()
    Conversation.objects.filter(pk=call.conversation_id).update(promised_until=None)
    return True


def _is_said_elsewhere(promise: Promise, telling: Telling) -> bool:
    """By the same rule or by another one that promises, in this call or a later one: of two promises one row is open."""
    # Its own text may be older: what was withdrawn holds again once that arrives after all.
    since = Q(planned_at__gte=promise.made_at) | Q(run__event__call=promise.call_id, run__rule=promise.rule_id)
    to_caller = Telling.objects.filter(since, user=None).exclude(pk=telling.pk)
    of_thread = to_caller.filter(run__event__call__conversation=promise.conversation_id).select_related("run__rule")
    still = of_thread.exclude(state__in=[TellingState.SKIPPED, TellingState.DRY]).exclude(message__status__in=WENT_WRONG)
    return any(_promises(other) for other in still)


def _promises(telling: Telling) -> bool:
    return _within(telling) is not None


def _within(telling: Telling) -> int | None:
    try:
        return telling.run.says.promises_within
    except DefinitionNotValid:
        return None


@transaction.atomic
def finish_promise(*, promise: Promise, by: User, now: datetime) -> bool:
    """Somebody says that they have been called back, on another telephone perhaps; False when it was kept already."""
    locked = lock_conversation(promise.conversation_id)
    if not Promise.objects.filter(pk=promise.pk, kept_at=None).exists():
        return False
    _said_done(locked, by, now)
    return True


@transaction.atomic
def say_called_back(*, call: Call, by: User, now: datetime) -> bool:
    """The same of a call that nobody answered, promised or not; False when it was followed up already, or never missed."""
    if call.conversation_id is None:
        return False
    locked = lock_conversation(call.conversation_id)
    if not _missed().filter(pk=call.pk).exists():
        return False
    _said_done(locked, by, now)
    return True


def _said_done(conversation: Conversation, by: User, now: datetime) -> None:
    # As after a call of ours that the exchange tells of.
    Conversation.objects.filter(pk=conversation.pk).update(waiting_since=None)
    _follow_up(conversation, how=KeptBy.SAID_DONE, by=by, now=now)


def person_wrote(message: Message, now: datetime) -> None:
    _follow_up(message.conversation, how=KeptBy.MESSAGE, by=message.author, now=now)


def person_finished(conversation: Conversation, by: User, now: datetime) -> None:
    _announce(_keep([conversation.pk], how=KeptBy.SAID_DONE, by=by, now=now), now)


def person_retried(message: Message, now: datetime) -> None:
    """The cool-down is there for what goes out by itself: a person may wish for it all the same."""
    telling = Telling.objects.select_related("run__rule", "run__event__call__subscriber").filter(uuid=message.uuid).first()
    if telling is not None:
        Telling.objects.filter(pk=telling.pk).update(retried_at=now)
        if promise_again(telling, now):
            announce_call(telling.run.event.call, now=now)


def promise_again(telling: Telling, now: datetime) -> bool:
    """What was withdrawn when the text did not go out holds again, by the time that the text says; whoever calls us announces."""
    call, within = telling.run.event.call, _within(telling)
    if within is None or telling.user_id is not None or call.followed_up_at is not None or call.redacted_at is not None:
        return False
    if Promise.objects.filter(call=call, rule=telling.run.rule_id).exists():
        return False
    due = call_back_by(call.subscriber, telling.planned_at, within)
    return open_promise(call=call, rule=telling.run.rule, due_at=due, now=now) is not None


def follow_call(*, call: Call, event: CallEvent, now: datetime) -> None:
    """A call of ours, or one of theirs that was answered, settles what was missed before; its thread is locked."""
    if call.conversation is None or (call.is_inbound and call.state != CallState.ANSWERED):
        return
    how = KeptBy.ANSWERED if call.is_inbound else KeptBy.CALL
    _follow_up(call.conversation, how=how, by=_colleague_of(call), now=now, until=event.at)


def escalate_overdue(*, now: datetime) -> int:
    """Tell supervisors and administrators of each promise that was not kept, once; returns how many there were."""
    overdue = Promise.objects.filter(kept_at=None, escalated_at=None, due_at__lte=now, conversation__hidden_at=None)
    return sum(_escalate(promise, now) for promise in overdue.select_related("call__line").order_by("due_at", "pk")[:50])


@transaction.atomic
def _escalate(promise: Promise, now: datetime) -> bool:
    ours = Promise.objects.filter(pk=promise.pk, kept_at=None, escalated_at=None, due_at__lte=now).update(escalated_at=now)
    if ours:
        plan_to_tell(promise, now)
        _announce([promise.call], now)
    return bool(ours)


def _follow_up(conversation: Conversation, *, how: KeptBy, by: User | None, now: datetime, until: datetime | None = None) -> None:
    before = {} if until is None else {"began_at__lte": until}
    missed = _missed().filter(conversation__contact=conversation.contact_id, **before)
    promised = Promise.objects.filter(conversation__contact=conversation.contact_id, kept_at=None)
    concerned = {*missed.values_list("conversation", flat=True), *promised.values_list("conversation", flat=True)}
    if not concerned:
        return
    threads = [conversation.pk, *_free_of(concerned - {conversation.pk})]
    called = list(missed.filter(conversation__in=threads).order_by("-began_at", "-pk"))
    Call.objects.filter(pk__in=[call.pk for call in called]).update(followed_up_at=now, followed_up_by=by)
    kept = _keep(threads, how=how, by=by, now=now, until=until)
    _announce({call.pk: call for call in [*kept, *called[:SHOWN_AT_ONCE]]}.values(), now)


def _missed() -> QuerySet[Call]:
    """The calls that nobody answered and nobody has followed up."""
    return Call.objects.filter(direction=CallDirection.IN, state__in=UNANSWERED, followed_up_at=None)


def _free_of(threads: Iterable[int]) -> list[int]:
    """The number's threads on other lines, locked. Where somebody is at work at this very moment, they see to it themselves."""
    others = Conversation.objects.filter(pk__in=[*threads]).select_for_update(no_key=True, skip_locked=True)
    return list(others.order_by("pk").values_list("pk", flat=True))


def _keep(threads: Iterable[int], *, how: KeptBy, by: User | None, now: datetime, until: datetime | None = None) -> list[Call]:
    """The promises of these threads are kept; returns the calls that they were made for."""
    before = Q() if until is None else Q(call__began_at__lte=until)
    promises = list(Promise.objects.filter(before, conversation__in=[*threads], kept_at=None).select_related("call"))
    ours = Promise.objects.filter(pk__in=[promise.pk for promise in promises], kept_at=None)
    if not promises or not ours.update(kept_at=now, kept_by=by, kept_how=how):
        return []
    Conversation.objects.filter(pk__in=[promise.conversation_id for promise in promises]).update(promised_until=None)
    return [promise.call for promise in promises]


def _announce(calls: Iterable[Call], now: datetime) -> None:
    """Every screen draws these calls, with their promises and their threads' rows, anew; last in the transaction."""
    for call in calls:
        announce_call(call, now=now)


def _colleague_of(call: Call) -> User | None:
    return colleague_named(call.agent, User.objects.filter(subscriber=call.subscriber_id)) if call.agent else None
