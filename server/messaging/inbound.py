"""Receiving: a customer's SMS becomes a message in a conversation, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import F

from server import phone, sms
from server.contacts.optout import Wish, opt_in, opt_out, wish_of
from server.contacts.phonebook import contact_for
from server.events.log import record
from server.events.models import Kind
from server.messaging.models import Activity, ActivityKind, Conversation, Direction, Message, Origin, Status
from server.messaging.standing import as_latest, lock_conversation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from server.contacts.models import Contact
    from server.lines.models import Line


@dataclass(frozen=True, slots=True)
class Received:
    """The stored message, and whether this call stored it or an earlier one had."""

    message: Message
    is_new: bool


def receive_sms(
    *,
    line: Line,
    provider_account: str,
    provider_message_id: str,
    sender: str,
    body: str,
    now: datetime,
    media: Sequence[dict[str, Any]] = (),
    origin: Origin = Origin.PERSON,
    at: datetime | None = None,
) -> Received:
    """Store an inbound SMS: contact, conversation, message and event in one transaction.

    Telling the same `provider_message_id` of a `provider_account` again changes nothing: the
    database holds it. Any sender and any text are accepted. `at` is the provider's own time, which may
    lie hours back; the message then takes its place in the thread by it.
    """
    # A provider's clock may be ahead of ours: its messages must not stay on top of later ones.
    at = min(at or now, now)
    try:
        with transaction.atomic():
            return _receive(line, provider_account, provider_message_id, sender, body, list(media), origin, at, now)
    except IntegrityError:
        # Another request stored it between our look and our insert: theirs is the message.
        known = _known(provider_account, provider_message_id)
        if known is None:
            raise
        return Received(known, is_new=False)


def _receive(
    line: Line,
    account: str,
    message_id: str,
    sender: str,
    body: str,
    media: list[dict[str, Any]],
    origin: Origin,
    at: datetime,
    now: datetime,
) -> Received:
    known = _known(account, message_id)
    if known is not None:
        return Received(known, is_new=False)
    text = sms.storable(body)
    subscriber = line.subscriber
    contact = contact_for(subscriber=subscriber, number=phone.sender_of(sms.storable(sender), country=subscriber.country), now=now)
    # Locked before the insert: in a conversation, ids are handed out in the order of commits.
    conversation = lock_conversation(conversation_between(line=line, contact=contact, now=at).pk)
    count = sms.count_segments(text)
    message = Message.objects.create(
        subscriber=subscriber,
        conversation=conversation,
        direction=Direction.IN,
        status=Status.RECEIVED,
        body=text,
        media=media,
        origin=origin,
        encoding=count.encoding,
        segments=count.segments,
        provider_account=account,
        provider_message_id=message_id,
        created_at=at,
    )
    wish = wish_of(text)
    Conversation.objects.filter(pk=conversation.pk).update(
        inbound_count=F("inbound_count") + 1,
        # After STOP there is nobody left to answer.
        waiting_since=None if wish is Wish.STOP else min(conversation.waiting_since or at, at),
        done_at=None,
        **as_latest(conversation, message),
    )
    _heed(wish, line, contact, conversation, text, at)
    record(
        subscriber_id=subscriber.pk,
        kind=Kind.MESSAGE_CREATED,
        at=now,
        line_id=line.pk,
        conversation_id=conversation.pk,
        message_id=message.pk,
    )
    return Received(message, is_new=True)


def conversation_between(*, line: Line, contact: Contact, now: datetime) -> Conversation:
    """The one conversation of a line and a contact, made if there is none; safe when two ask at once."""
    if line.subscriber_id != contact.subscriber_id:
        raise ValueError("A line and a contact of two subscribers have nothing to say to each other.")
    conversation = Conversation.objects.filter(line=line, contact=contact).first()
    if conversation is None:
        Conversation.objects.bulk_create(
            [Conversation(subscriber_id=line.subscriber_id, line=line, contact=contact, latest_at=now, created_at=now)],
            ignore_conflicts=True,
        )
        conversation = Conversation.objects.get(line=line, contact=contact)
    return conversation


def _heed(wish: Wish | None, line: Line, contact: Contact, conversation: Conversation, text: str, at: datetime) -> None:
    if wish is Wish.STOP and opt_out(line=line, number=contact.number, source="sms", words=text, at=at):
        Activity.objects.create(conversation=conversation, kind=ActivityKind.OPTED_OUT, at=at)
    elif wish is Wish.START and opt_in(line=line, number=contact.number, at=at):
        Activity.objects.create(conversation=conversation, kind=ActivityKind.OPTED_IN, at=at)


def _known(account: str, message_id: str) -> Message | None:
    if not message_id:
        # Without an id nothing can be told apart: better twice than not at all.
        return None
    return Message.objects.filter(provider_account=account, provider_message_id=message_id).first()
