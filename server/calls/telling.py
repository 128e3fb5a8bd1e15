"""Telling: what a rule's step has planned goes out, each to one person in one way, in a transaction of its own.

An SMS has the telling's uuid, so it is queued once; a notice in the browser is a row and an event; a letter is a task of
the worker (server/calls/tasks.py), for a mail server may be slow, or away. Killed anywhere, what is planned is still planned.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q

from server import phone
from server.calls.counting import count_for_number
from server.calls.definition import Channel
from server.calls.limits import day_of
from server.calls.locking import lock_thread
from server.calls.models import Call, Skipped, Telling, TellingState
from server.calls.promises import withdraw_promise
from server.calls.settling import is_stopped, settle
from server.calls.tasks import send_letter_of_call
from server.calls.turns import ids_in_turn
from server.events.log import record
from server.events.models import Kind
from server.lost_tasks import without_task
from server.messaging.models import Conversation, Origin
from server.messaging.outbound import (
    BodyEmpty,
    BodyTooLong,
    CanNotBeAnswered,
    DailyLimitReached,
    DestinationNotAllowed,
    OptedOut,
    ServiceOff,
    UnableToSend,
    conversation_with,
    queue_sms,
)

if TYPE_CHECKING:
    from datetime import datetime

logger = logging.getLogger(__name__)

AT_ONCE = 50
# To one person. Whoever rings all day by machine does not fill a mailbox, nor has our mail server taken for a spammer's.
LETTERS_A_DAY = 200
# A task that was not begun by then is looked for, and made again if it is lost.
LETTER_WAITS = timedelta(minutes=2)
# News of a call is no news any more.
GIVES_UP_AFTER = timedelta(days=1)

_REASONS: dict[type[UnableToSend], Skipped] = {
    OptedOut: Skipped.OPTED_OUT,
    BodyEmpty: Skipped.NO_TEXT,
    BodyTooLong: Skipped.TOO_LONG,
    CanNotBeAnswered: Skipped.NO_NUMBER,
    DestinationNotAllowed: Skipped.NOT_ALLOWED,
    DailyLimitReached: Skipped.LINE_LIMIT,
}


class NotTold(Exception):
    """This person is not told, for this reason."""

    def __init__(self, reason: Skipped) -> None:
        super().__init__(reason)
        self.reason = reason


def tell_due(*, now: datetime) -> int:
    """Tell whom it was planned to tell, any number of dispatchers at once; returns how many were settled."""
    planned = Telling.objects.filter(state=TellingState.PLANNED)
    settled = sum(_tell_or_give_up(pk, now) for pk in ids_in_turn(planned, "pk", company="run__subscriber", most=AT_ONCE))
    _find_lost_letters(now)
    return settled


def _tell_or_give_up(pk: int, now: datetime) -> bool:
    try:
        return _tell(pk, now)
    except (OperationalError, InterfaceError):
        # The database is away, or wants it tried again: it is still planned.
        raise
    except Exception:
        # One that can't be told must not keep all others from being told.
        logger.exception("telling %s: unexpected, given up", pk)
        return _give_up(pk, now)


@transaction.atomic
def _give_up(pk: int, now: datetime) -> bool:
    lock_thread(Telling.objects.filter(pk=pk).values_list("run__event__call__conversation", flat=True))
    if not _take(pk):
        return False
    _skip(Telling.objects.select_related("run__event__call").get(pk=pk), Skipped.NOT_SENT, now)
    return True


def _take(pk: int) -> bool:
    """Whoever comes second finds it taken: the row stays locked until we commit."""
    return bool(Telling.objects.filter(pk=pk, state=TellingState.PLANNED).update(state=TellingState.SENDING, lease_until=None))


def _skip(telling: Telling, reason: Skipped, now: datetime) -> None:
    withdraw_promise(telling)
    settle(telling, state=TellingState.SKIPPED, reason=reason, now=now)


@transaction.atomic
def _tell(pk: int, now: datetime) -> bool:
    lock_thread(_threads_of(pk, now))
    if not _take(pk):
        return False
    telling = Telling.objects.select_related("user", "run__event__call__line__subscriber__activation").get(pk=pk)
    try:
        if is_stopped(telling):
            raise NotTold(Skipped.STOPPED)
        _BY[Channel(telling.channel)](telling, now)
    except NotTold as problem:
        _skip(telling, problem.reason, now)
    return True


def _threads_of(pk: int, now: datetime) -> list[int | None]:
    """The call's and, if a colleague is texted, theirs: of two who tell each other's callers none waits for the other."""
    planned = Telling.objects.filter(pk=pk, state=TellingState.PLANNED)
    telling = planned.select_related("user", "run__event__call__line__subscriber__activation").first()
    if telling is None:
        # Somebody else was quicker, or it was too old.
        return []
    call = telling.run.event.call
    if telling.user is None or telling.channel != Channel.SMS:
        return [call.conversation_id]
    with suppress(NotTold):
        return [call.conversation_id, _conversation_with_colleague(call, telling, now).pk]
    return [call.conversation_id]


def _by_sms(telling: Telling, now: datetime) -> None:
    conversation = _conversation_for(telling, now)
    if conversation.hidden_at is not None:
        raise NotTold(Skipped.BLOCKED)
    try:
        message = queue_sms(
            uuid=telling.uuid, conversation=conversation, body=telling.body, author=None, origin=Origin.RULE, now=now
        )
    except ServiceOff as problem:
        raise NotTold(Skipped.LINE_OFF if conversation.line.subscriber.has_sms else Skipped.SERVICE_OFF) from problem
    except UnableToSend as problem:
        raise NotTold(_REASONS.get(type(problem), Skipped.NOT_SENT)) from problem
    settle(telling, state=TellingState.TOLD, now=now, message=message, segments=message.segments)


def _conversation_for(telling: Telling, now: datetime) -> Conversation:
    call = telling.run.event.call
    if telling.user is not None:
        conversation = _conversation_with_colleague(call, telling, now)
        is_new = Q(latest_message=None, call_at=None, inbound_count=0, done_at=None)
        Conversation.objects.filter(is_new, pk=conversation.pk).update(done_at=now)
        return conversation
    if call.conversation is None:
        raise NotTold(Skipped.NO_NUMBER if call.partner else Skipped.ANONYMOUS)
    return call.conversation


def _conversation_with_colleague(call: Call, telling: Telling, now: datetime) -> Conversation:
    """On the call's line, as any other; what we tell them is nobody's work, so it comes on the list only when they answer."""
    number = telling.address or (telling.user.phone if telling.user else "")
    if not number:
        raise NotTold(Skipped.NO_PHONE)
    try:
        return conversation_with(line=call.line, number=number, now=now)
    except phone.NumberNotValid as problem:
        raise NotTold(Skipped.NO_NUMBER) from problem


def _by_email(telling: Telling, now: datetime) -> None:
    if not telling.address:
        raise NotTold(Skipped.NO_EMAIL)
    subscriber = telling.run.event.call.line.subscriber
    if not count_for_number(subscriber, f"letters {telling.user_id}", day_of(subscriber, now), limit=LETTERS_A_DAY):
        raise NotTold(Skipped.LETTERS)
    Telling.objects.filter(pk=telling.pk).update(lease_until=now + LETTER_WAITS)
    send_letter_of_call.enqueue(telling.pk, telling.attempts)


def _by_browser(telling: Telling, now: datetime) -> None:
    settle(telling, state=TellingState.TOLD, now=now)
    call = telling.run.event.call
    record(
        subscriber_id=call.subscriber_id,
        kind=Kind.TOLD,
        at=now,
        line_id=call.line_id,
        message_id=telling.pk,
        user_id=telling.user_id,
    )


_BY = {Channel.SMS: _by_sms, Channel.EMAIL: _by_email, Channel.BROWSER: _by_browser}


def _find_lost_letters(now: datetime) -> None:
    """Letters whose time has come, or whose worker died: a task again, unless one waits; after a day they are given up."""
    due = Telling.objects.filter(state=TellingState.SENDING, lease_until__lte=now).order_by("pk")
    letters = list(due.select_related("run__event__call")[:AT_ONCE])
    lost = {telling.pk for telling in without_task(letters, send_letter_of_call)}
    for telling in letters:
        _send_again(telling, is_lost=telling.pk in lost, now=now)


@transaction.atomic
def _send_again(telling: Telling, *, is_lost: bool, now: datetime) -> None:
    ours = Telling.objects.filter(pk=telling.pk, state=TellingState.SENDING, lease_until=telling.lease_until)
    if not ours.update(lease_until=now + LETTER_WAITS):
        return
    if now - telling.planned_at >= GIVES_UP_AFTER:
        logger.warning("telling %s: the letter could not be sent for a day", telling.uuid)
        settle(telling, state=TellingState.SKIPPED, reason=Skipped.NOT_SENT, now=now)
    elif is_lost:
        send_letter_of_call.enqueue(telling.pk, telling.attempts)
