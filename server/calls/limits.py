"""The central limits of what goes out by itself: held where a message is claimed, whatever rule made it.

A missed call must not become a flood. To a number: each rule once per cool-down, all rules together so many a day. From a
company: so many a minute, and so many a day to whomever. To a line of ours, whoever's, to what is no number, and to machines
that answer: never.

The cool-down is for those who call: our own people hear of each call, up to their number a day.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from server import phone
from server.calls.announcing import announce_call
from server.calls.counting import (
    count_for_day,
    count_for_minute,
    count_for_number,
    count_for_rule,
    is_cooling_down,
    is_first_told,
    next_minute,
    sent_on,
    sent_to,
    uncount_for_day,
    uncount_for_number,
    uncount_for_rule,
)
from server.calls.machines import answers_by_itself
from server.calls.models import CallLogic, Skipped, Telling, TellingState
from server.calls.promises import promise_again, withdraw_promise
from server.calls.tasks import tell_of_used_up_day
from server.contacts.models import Contact
from server.contacts.optout import opt_out_in_force
from server.lines import limits as of_lines
from server.lines.models import Line
from server.messaging.automatic import Gate, Never, NotNow
from server.messaging.models import Conversation
from server.messaging.reasons import Reason
from server.messaging.standing import lock_conversation

if TYPE_CHECKING:
    from datetime import date, datetime

    from server.accounts.models import Subscriber
    from server.calls.models import CallRule
    from server.messaging.models import Message

# Who calls wants to hear of it now: what could not go out for so long is no news any more.
WAITS_AT_MOST = timedelta(minutes=15)


class Refused(Never):
    """It must not go out; `skipped` says why in call logic's words."""

    def __init__(self, skipped: Skipped) -> None:
        super().__init__(_REASONS.get(skipped, Reason.AUTOMATIC_LIMIT))
        self.skipped = skipped


_REASONS = {
    Skipped.STOPPED: Reason.AUTOMATIC_STOPPED,
    Skipped.OWN_LINE: Reason.OWN_LINE,
    Skipped.NO_NUMBER: Reason.NOT_ALLOWED,
    Skipped.BLOCKED: Reason.NOT_ALLOWED,
    Skipped.NOT_SENT: Reason.EXPIRED,
}


def call_logic_of(subscriber: Subscriber) -> CallLogic:
    """How the company's call logic stands; as it is for everybody while nobody has changed it (an unsaved row)."""
    return CallLogic.objects.filter(subscriber=subscriber).first() or CallLogic(subscriber=subscriber)


def gate(message: Message, now: datetime) -> None:
    """Let an automatic message pass and count it; raises NotNow and Refused, with which its claim is undone."""
    telling = Telling.objects.select_related("run__rule").filter(uuid=message.uuid).first()
    # Without a rule nobody could say why it was sent.
    if telling is None or (_began_to_wait_at(message, telling) < now - WAITS_AT_MOST):
        raise Refused(Skipped.NOT_SENT)
    if telling.state == TellingState.SKIPPED and telling.retried_at is None:
        # The red switch has put it away, though it may have been set back since.
        raise Refused(Skipped(telling.reason))
    conversation = message.conversation
    logic = call_logic_of(conversation.line.subscriber)
    if logic.is_stopped:
        raise Refused(Skipped.STOPPED)
    skipped = _never_texted(conversation.contact.number) or _not_in_thread(conversation, now)
    if skipped:
        raise Refused(skipped)
    _count(telling, conversation, logic, now)
    counted = {"counted_at": now, "state": TellingState.TOLD, "reason": ""}
    Telling.objects.filter(pk=telling.pk).update(**counted)


def reason_not_to_text(*, line: Line, rule: CallRule | None, number: str, is_colleague: bool, now: datetime) -> Skipped | None:
    """Why a text to the number would not go out now, or None; a look, which counts nothing.

    Whether the minute is full is not asked: then a message waits.
    """
    if not number:
        return Skipped.ANONYMOUS
    logic = call_logic_of(line.subscriber)
    if logic.is_stopped:
        return Skipped.STOPPED
    return _line_can_not(line, number, now) or _never_texted(number) or _too_much(line, rule, number, logic, is_colleague, now)


def take_back(message: Message) -> None:
    """The message was surely not sent: it does not count. Its row is locked: no other takes it back meanwhile."""
    telling = Telling.objects.select_related("run").filter(uuid=message.uuid, counted_at__isnull=False).first()
    if telling is None or telling.counted_at is None:
        return
    subscriber, number = message.conversation.line.subscriber, message.conversation.contact.number
    uncount_for_number(subscriber.pk, number, day_of(subscriber, telling.counted_at))
    uncount_for_rule(telling.run.rule_id, number, telling.counted_at)
    uncount_for_day(subscriber.pk, day_of(subscriber, telling.counted_at))
    # The usage first, as where it is counted: the order of locks.
    Telling.objects.filter(pk=telling.pk).update(counted_at=None)


def refused(message: Message, no: Never) -> None:
    """Who asks why somebody was not told finds it where it was planned."""
    if isinstance(no, Refused):
        # The red switch locks threads, then what was planned in them.
        lock_conversation(message.conversation_id)
        Telling.objects.filter(uuid=message.uuid).update(state=TellingState.SKIPPED, reason=no.skipped)


def turned(message: Message, now: datetime) -> None:
    """Whom the text does not reach was promised nothing by it; whom it reaches after all was."""
    telling = Telling.objects.select_related("run__rule", "run__event__call__subscriber").filter(uuid=message.uuid).first()
    if telling is None:
        return
    has_changed = withdraw_promise(telling) if message.went_wrong else promise_again(telling, now)
    if has_changed:
        announce_call(telling.run.event.call, now=now)


GATE = Gate(passes=gate, takes_back=take_back, refused=refused, turned=turned)


def day_of(subscriber: Subscriber, at: datetime) -> date:
    """The day as the company counts it."""
    return at.astimezone(ZoneInfo(subscriber.timezone)).date()


def _began_to_wait_at(message: Message, telling: Telling) -> datetime:
    return max(message.created_at, telling.retried_at or message.created_at)


def _count(telling: Telling, conversation: Conversation, logic: CallLogic, now: datetime) -> None:
    subscriber, number = conversation.line.subscriber, conversation.contact.number
    today = day_of(subscriber, now)
    # Tried before, and perhaps sent: for its day it has been counted, however often it is tried.
    if telling.counted_at is None or day_of(subscriber, telling.counted_at) < today:
        limit = logic.per_number_per_day if telling.user_id is None else logic.per_colleague_per_day
        if not count_for_number(subscriber, number, today, limit=limit):
            raise Refused(Skipped.PER_DAY)
        if telling.user_id is None and not count_for_rule(telling.run.rule, number, now) and telling.retried_at is None:
            raise Refused(Skipped.COOL_DOWN)
        if not count_for_day(subscriber, today, limit=logic.per_day):
            raise Refused(Skipped.COMPANY_DAY)
        if is_first_told(subscriber, today, limit=logic.per_day):
            tell_of_used_up_day.enqueue(subscriber.pk, logic.per_day)
    if not count_for_minute(subscriber, now, limit=logic.per_minute):
        raise NotNow(next_minute(now))


def _never_texted(number: str) -> Skipped | None:
    if not phone.is_mobile(number):
        return Skipped.NO_NUMBER
    # Of any company: two who answer each other by themselves would never end.
    return Skipped.OWN_LINE if Line.objects.filter(number=number).exists() else None


def _not_in_thread(conversation: Conversation, now: datetime) -> Skipped | None:
    if conversation.contact.blocked_at is not None:
        return Skipped.BLOCKED
    return Skipped.ANSWERS_BY_ITSELF if answers_by_itself(conversation, now) else None


def _line_can_not(line: Line, number: str, now: datetime) -> Skipped | None:
    if not line.subscriber.has_sms:
        return Skipped.SERVICE_OFF
    if not line.is_active:
        return Skipped.LINE_OFF
    if phone.is_mobile(number) and not of_lines.may_text(line, number):
        return Skipped.NOT_ALLOWED
    if opt_out_in_force(line=line, number=number):
        return Skipped.OPTED_OUT
    return Skipped.LINE_LIMIT if line.per_day is not None and of_lines.is_used_up(line, now) else None


def _too_much(
    line: Line, rule: CallRule | None, number: str, logic: CallLogic, is_colleague: bool, now: datetime
) -> Skipped | None:
    subscriber = line.subscriber
    if Contact.objects.filter(subscriber=subscriber, number=number, blocked_at__isnull=False).exists():
        return Skipped.BLOCKED
    if rule is not None and rule.pk and not is_colleague and is_cooling_down(rule, number, now):
        return Skipped.COOL_DOWN
    limit, today = logic.per_colleague_per_day if is_colleague else logic.per_number_per_day, day_of(subscriber, now)
    if sent_to(subscriber, number, today) >= limit:
        return Skipped.PER_DAY
    if sent_on(subscriber, today) >= logic.per_day:
        return Skipped.COMPANY_DAY
    thread = Conversation.objects.filter(line=line, contact__number=number, contact__subscriber=subscriber).first()
    return Skipped.ANSWERS_BY_ITSELF if thread and answers_by_itself(thread, now) else None
