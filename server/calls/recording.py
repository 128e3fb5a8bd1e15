"""What an exchange tells of a call becomes a call, once: told twice, late, or in the wrong order.

Rows are locked in the order of server/messaging/standing.py, the call after its conversation.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from server import phone, rows, sms
from server.calls.announcing import announce_call
from server.calls.callers import is_number, partner_of
from server.calls.definition import Trigger
from server.calls.free_parameters import note_parameters
from server.calls.models import STATE_RANK, UNANSWERED, Call, CallDirection, CallEvent, CallEventKind, CallRule, CallState
from server.calls.promises import follow_call
from server.calls.threads import Before, bring_up
from server.contacts.phonebook import contact_for
from server.messaging.inbound import conversation_between
from server.messaging.standing import lock_conversation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from server.calls.models import MessageNode
    from server.lines.models import Line
    from server.messaging.models import Conversation

# Nobody is told of a call that they have long forgotten.
TOO_LATE = timedelta(minutes=15)
# An "answered" that was overtaken by a "missed" is heard first.
GRACE = timedelta(seconds=2)

# Over all that is told of one call.
MOST_PARAMETERS = 100

_TRIGGERS = {
    CallEventKind.RINGING: (),
    CallEventKind.ANSWERED: (Trigger.ANSWERED,),
    CallEventKind.MISSED: (Trigger.MISSED, Trigger.NOT_REACHED),
    CallEventKind.BUSY: (Trigger.BUSY, Trigger.NOT_REACHED),
    CallEventKind.FAILED: (Trigger.FAILED, Trigger.NOT_REACHED),
    CallEventKind.KEY: (Trigger.KEY,),
    CallEventKind.NODE: (Trigger.NODE,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Something that happened in a call, as an exchange told it.

    `exchange_id` is the exchange's own name of the call, `kind` a CallEventKind; numbers in any manner of writing.
    `duration`: seconds talked. `key`: what was pressed (KEY), `node`: what was reached (NODE). `ends`: with it the call is over,
    as it was meant to be, and nobody was called in vain.
    """

    exchange_id: str
    kind: str
    at: datetime
    direction: str = "in"
    caller: str = ""
    called: str = ""
    queue: str = ""
    agent: str = ""
    duration: int | None = None
    key: str = ""
    node: MessageNode | None = None
    ends: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def detail(self) -> str:
        return str(self.node.key) if self.node else self.key


@dataclass(frozen=True, slots=True)
class Recorded:
    """The call and the event, and whether this was news or had been told before."""

    call: Call
    event: CallEvent
    is_new: bool


def record_call_event(*, line: Line, told: Told, now: datetime) -> Recorded:
    """Store what happened in a call: contact, conversation, call and event in one transaction; again, it changes nothing."""
    # An exchange's clock may be ahead of ours.
    told = replace(told, at=min(told.at, now))
    # No savepoint: whoever calls us within a transaction wants all of it or nothing.
    with transaction.atomic(savepoint=False):
        return _record(line, told, now)


def _record(line: Line, told: Told, now: datetime) -> Recorded:
    call, conversation, is_new_call = _lock_call(line, told, now)
    before = None if is_new_call else Before(state=call.state, began_at=call.began_at, ended_at=call.ended_at)
    has_changed = _tell_call(call, told, conversation)
    event, is_new_event = _note_event(call, told, conversation, now)
    if has_changed and not is_new_call:
        call.save()
    if not (is_new_event or has_changed):
        return Recorded(call, event, is_new=False)
    if call.redacted_at is None:
        note_parameters(subscriber_id=line.subscriber_id, parameters=call.parameters, now=now)
    if conversation is not None:
        call.conversation = conversation
        bring_up(conversation=conversation, call=call, before=before)
        follow_call(call=call, event=event, now=now)
    announce_call(call, now=now)
    return Recorded(call, event, is_new=is_new_event)


def _lock_call(line: Line, told: Told, now: datetime) -> tuple[Call, Conversation | None, bool]:
    """The call, its conversation, both locked, and whether we have just made it."""
    known = _call(line, told)
    partner = _partner(line, told)
    conversation = _lock_conversation_of(known, line, partner, told, now)
    if known is None:
        made = Call(
            subscriber_id=line.subscriber_id,
            line=line,
            conversation=conversation,
            exchange_id=told.exchange_id,
            direction=told.direction,
            partner=partner,
            began_at=told.at,
            told_at=now,
        )
        _tell_call(made, told, conversation)
        if rows.insert_unless_there(made):
            return made, conversation, True
        # The same call at the same moment, on another thread: theirs is the call.
        known = _call(line, told)
        if known is None:
            raise IntegrityError("A call could not be stored, though nothing like it is there.")
        conversation = _lock_conversation_of(known, line, partner, told, now)
    locked = Call.objects.select_for_update(no_key=True).get(pk=known.pk)
    locked.line = line
    return locked, conversation, False


def _call(line: Line, told: Told) -> Call | None:
    return Call.objects.filter(line=line, exchange_id=told.exchange_id).first()


def _partner(line: Line, told: Told) -> str:
    other = told.called if told.direction == CallDirection.OUT else told.caller
    return partner_of(other, country=line.subscriber.country)


def _lock_conversation_of(known: Call | None, line: Line, partner: str, told: Told, now: datetime) -> Conversation | None:
    """The call's thread; a call whose caller was not told at first gets one as soon as it is."""
    if known is not None and known.conversation_id is not None:
        return lock_conversation(known.conversation_id)
    if not is_number(partner) or (known is not None and (known.partner or known.redacted_at)):
        return None
    contact = contact_for(subscriber=line.subscriber, number=partner, now=now)
    return lock_conversation(conversation_between(line=line, contact=contact, now=told.at).pk)


def _tell_call(call: Call, told: Told, conversation: Conversation | None) -> bool:
    """What the event adds to its call; whether it did. What is known already stays."""
    before = {name: getattr(call, name) for name in _TOLD}
    if call.redacted_at is None:
        _tell_words(call, told, conversation)
    call.began_at = min(call.began_at, told.at)
    state = CallState(told.kind) if told.kind in CallState else None
    if state is not None and STATE_RANK[state] > STATE_RANK[CallState(call.state)]:
        call.state = state
        call.answered_at = told.at if state == CallState.ANSWERED else None
        call.ended_at = told.at if state in UNANSWERED else None
    elif told.ends and call.state == CallState.RINGING:
        call.ended_at = call.ended_at or told.at
    if call.answered_at is not None:
        call.duration = told.duration if call.duration is None else call.duration
        call.ended_at = None if call.duration is None else call.answered_at + timedelta(seconds=call.duration)
    return any(getattr(call, name) != value for name, value in before.items())


_TOLD = (
    "conversation_id",
    "partner",
    "called",
    "queue",
    "agent",
    "parameters",
    "state",
    "began_at",
    "answered_at",
    "ended_at",
    "duration",
)


def _tell_words(call: Call, told: Told, conversation: Conversation | None) -> None:
    if call.conversation_id is None and conversation is not None:
        call.conversation, call.partner = conversation, _number_of(conversation)
    if call.is_inbound and told.called:
        call.called = call.called or phone.sender_of(sms.storable(told.called), country=call.line.subscriber.country)
    call.queue = call.queue or sms.storable(told.queue)[:80]
    call.agent = call.agent or sms.storable(told.agent)[:80]
    call.parameters = dict([*(call.parameters | dict(told.parameters)).items()][:MOST_PARAMETERS])


def _number_of(conversation: Conversation) -> str:
    return conversation.contact.number


def _note_event(call: Call, told: Told, conversation: Conversation | None, now: datetime) -> tuple[CallEvent, bool]:
    is_late = now - told.at > TOO_LATE
    event = CallEvent(
        call=call, kind=told.kind, detail=told.detail, node=told.node, at=told.at, told_at=now, is_late=is_late, due_at=None
    )
    is_hidden = conversation is not None and conversation.hidden_at is not None
    if not (is_late or is_hidden or call.redacted_at or not call.is_inbound) and _has_rule_for(call.subscriber_id, told.kind):
        event.due_at = now + GRACE if told.kind in UNANSWERED else now
    if rows.insert_unless_there(event):
        return event, True
    return CallEvent.objects.get(call=call, kind=told.kind, detail=told.detail), False


def _has_rule_for(subscriber_id: int, kind: str) -> bool:
    triggers = _TRIGGERS[CallEventKind(kind)]
    active = CallRule.objects.filter(subscriber=subscriber_id, is_active=True, deleted_at=None)
    return bool(triggers) and active.filter(definition__trigger__in=triggers).exists()
