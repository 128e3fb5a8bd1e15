"""The demo company's calls of the last weeks: told, decided and followed up by the product's own verbs, at the time they happened.

Only what would go out to the world is settled here: letters are not sent, texts have arrived long ago.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import F

from gateway.models import SimulatedSms
from gateway.providers.simulator import ACCOUNT
from server.calls.definition import Channel
from server.calls.firing import fire_due, take_due_steps
from server.calls.models import Promise, Telling, TellingState
from server.calls.recording import Told, record_call_event
from server.calls.telling import tell_due
from server.contacts.phonebook import contact_for
from server.messaging.models import Conversation, Direction, Message, Origin, Status
from simulator.company import ANNAS, ORDERS, SUPPORT
from simulator.exchange import order_of
from simulator.rules import ORDER_READY
from simulator.threads import ZONE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from server.accounts.models import Subscriber
    from server.calls.models import MessageNode
    from server.lines.models import Line

COUNT = 20
# Older than what the list of conversations opens with.
FIRST_DAY, LAST_DAY = 5, 21
ABROAD = (("+447400300145", "Oliver Grant"), ("+491512345011", ""), ("+436601234077", "Lena Huber"))
PEOPLE = ("Fekete Tamás", "Balogh Judit", "", "Papp László", "", "Simon Edit", "Rácz Gábor", "", "Lakatos Nóra", "Bíró Zoltán", "")
# The two that wait: one for too long, one within the time it was promised.
FORGOTTEN, FRESH = ("+36704450177", "Takács Réka"), ("+36309917204", "Fodor Márk")


@dataclass(frozen=True, slots=True)
class Happened:
    """A call: when, from whom, on which line, and how it went; `called_back` after so many minutes, 0 for never."""

    at: datetime
    number: str
    name: str
    line: str
    how: str
    called_back: int = 0
    keys: tuple[str, ...] = field(default=())


def load_calls(*, subscriber: Subscriber, lines: dict[str, Line], now: datetime, rng: Random) -> None:
    node = subscriber.message_nodes.get(name=ORDER_READY)
    for number, name in (FORGOTTEN, FRESH, *ABROAD):
        _name(subscriber, number, name, now - timedelta(days=LAST_DAY))
    for happened in sorted(_calls(now, rng), key=lambda one: one.at):
        _happens(happened, lines[happened.line], node, rng)
    _tidy(subscriber, now)


def _calls(now: datetime, rng: Random) -> Iterator[Happened]:
    today = now.astimezone(ZONE).replace(minute=0, second=0, microsecond=0)
    for index in range(COUNT):
        day = today - timedelta(days=rng.randint(FIRST_DAY, LAST_DAY))
        at = day.replace(hour=rng.randint(8, 18), minute=rng.randint(0, 59), second=rng.randint(0, 59))
        number, name = f"+3670{rng.randrange(3_100_000, 3_999_999)}", PEOPLE[index % len(PEOPLE)]
        how = ("missed", "answered", "key", "missed", "answered", "node", "busy", "anonymous", "missed", "abroad")[index % 10]
        if how == "abroad":
            number, name = ABROAD[index // 10 % len(ABROAD)]
        line = rng.choice((SUPPORT, SUPPORT, ORDERS, ANNAS))
        called_back = rng.choice((0, 12, 35, 50, 80)) if how in {"missed", "busy", "abroad"} else 0
        if how == "anonymous":
            # Nobody knows who it was: no entry of the phone book either.
            number, name = "", ""
        yield Happened(at, number, name, line, how, called_back)
    yield Happened(now - timedelta(days=FIRST_DAY), *FORGOTTEN, SUPPORT, "missed")
    yield Happened(now - timedelta(minutes=25), *FRESH, SUPPORT, "missed")


def _happens(one: Happened, line: Line, node: MessageNode, rng: Random) -> None:
    call_id = f"demo-{rng.getrandbits(64):016x}"
    _tell(line, one, call_id, "ringing", one.at)
    answered_at = one.at + timedelta(seconds=rng.randint(5, 20))
    if one.how == "key":
        _tell(line, one, call_id, "key", answered_at, key="1")
    if one.how == "node":
        _tell(line, one, call_id, "node", answered_at, node=node, parameters={"order": order_of(one.number)})
    if one.how in {"answered", "key", "node"}:
        answered = {"agent": rng.choice(("Anna", "Béla")), "duration": rng.randint(25, 420)}
        _tell(line, one, call_id, "answered", answered_at + timedelta(seconds=2), **answered)
    else:
        _tell(line, one, call_id, "busy" if one.how == "busy" else "missed", one.at + timedelta(seconds=rng.randint(18, 32)))
    _work(one.at + timedelta(minutes=1))
    if one.called_back:
        _call_back(one, line, rng)
    elif one.name:
        _name(line.subscriber, one.number, one.name, one.at)


def _tell(line: Line, one: Happened, call_id: str, kind: str, at: datetime, **more) -> None:
    told = Told(exchange_id=call_id, kind=kind, at=at, caller=one.number, called=line.number, queue=line.label, **more)
    record_call_event(line=line, told=told, now=at)


def _call_back(one: Happened, line: Line, rng: Random) -> None:
    at = one.at + timedelta(minutes=one.called_back)
    said = {"direction": "out", "caller": line.number, "called": one.number, "agent": rng.choice(("Anna", "Béla", "Csaba"))}
    call_id = f"demo-{rng.getrandbits(64):016x}"
    for kind, duration in (("ringing", None), ("answered", rng.randint(40, 300))):
        record_call_event(line=line, told=Told(exchange_id=call_id, kind=kind, at=at, duration=duration, **said), now=at)


def _work(at: datetime) -> None:
    """What the dispatcher does, then; nothing leaves the house."""
    fire_due(now=at)
    take_due_steps(now=at)
    quiet = Telling.objects.filter(state=TellingState.PLANNED).exclude(channel=Channel.SMS)
    quiet.update(state=TellingState.TOLD, told_at=at, seen_at=at + timedelta(minutes=3))
    tell_due(now=at)
    for message in Message.objects.filter(origin=Origin.RULE, status=Status.QUEUED).select_related("conversation__contact"):
        _arrives(message, at)


def _arrives(message: Message, at: datetime) -> None:
    delivered = {"status": Status.DELIVERED, "attempts": 1, "attempted_at": at, "sent_at": at, "delivered_at": at}
    known = {"provider_account": ACCOUNT, "provider_message_id": f"SIM{uuid.uuid4().hex}"}
    Message.objects.filter(pk=message.pk).update(**delivered, **known, next_attempt_at=None)
    Telling.objects.filter(uuid=message.uuid).update(state=TellingState.TOLD, message=message, told_at=at, counted_at=at)
    SimulatedSms.objects.create(
        line_id=message.line_id,
        number=message.conversation.contact.number,
        direction=Direction.OUT,
        body=message.body,
        uuid=message.uuid,
        provider_message_id=known["provider_message_id"],
        status=Status.DELIVERED,
        created_at=at,
    )


def _name(subscriber: Subscriber, number: str, name: str, at: datetime) -> None:
    contact = contact_for(subscriber=subscriber, number=number, now=at)
    if not contact.name:
        contact.name = name
        contact.save()


def _tidy(subscriber: Subscriber, now: datetime) -> None:
    """What was seen to is done; the steps of that time do not wait any more, and nobody is told of them today."""
    take_due_steps(now=now - timedelta(minutes=16))
    quiet = Telling.objects.filter(run__subscriber=subscriber, state=TellingState.PLANNED)
    quiet.update(state=TellingState.TOLD, told_at=F("planned_at"), seen_at=F("planned_at"))
    overdue = Promise.objects.filter(subscriber=subscriber, kept_at=None, due_at__lte=now)
    for promise in overdue.exclude(conversation__contact__number=FORGOTTEN[0]).select_related("conversation"):
        Promise.objects.filter(pk=promise.pk).update(kept_at=promise.due_at - timedelta(minutes=9), kept_how="said_done")
        Conversation.objects.filter(pk=promise.conversation_id).update(promised_until=None)
    Promise.objects.filter(subscriber=subscriber, kept_at=None, due_at__lte=now).update(escalated_at=F("due_at"))
    waiting = {FORGOTTEN[0], FRESH[0]}
    over = Conversation.objects.filter(subscriber=subscriber, calls__isnull=False).exclude(contact__number__in=waiting)
    Conversation.objects.filter(pk__in=over.values("pk")).update(done_at=F("latest_at"), waiting_since=None)
