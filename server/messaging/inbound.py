"""Receiving: a customer's SMS becomes a message in a conversation, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, connection, transaction

from server import phone, rows, sms
from server.contacts.models import Contact
from server.contacts.optout import Wish, opt_in, opt_out, wish_of
from server.contacts.phonebook import contact_for
from server.events.log import record
from server.events.models import Kind
from server.messaging.models import Activity, ActivityKind, Conversation, Direction, Message, Origin, Status
from server.messaging.standing import lock_conversation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

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
    # No savepoint: whoever calls us within a transaction wants all of it or nothing.
    with transaction.atomic(savepoint=False):
        return _receive(line, provider_account, provider_message_id, sender, body, list(media), origin, at, now)


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
    text = sms.storable(body)
    number = phone.sender_of(sms.storable(sender), country=line.subscriber.country)
    conversation_id, is_hidden = _lock_conversation_with(line, number)
    if conversation_id is None:
        known = _known(account, message_id)
        if known is not None:
            return Received(known, is_new=False)
        contact = contact_for(subscriber=line.subscriber, number=number, now=now)
        locked = lock_conversation(conversation_between(line=line, contact=contact, now=at).pk)
        conversation_id, is_hidden = locked.pk, locked.hidden_at is not None
    count = sms.count_segments(text)
    message = Message(
        subscriber_id=line.subscriber_id,
        conversation_id=conversation_id,
        line_id=line.pk,
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
    if not rows.insert_unless_there(message):
        return Received(_known_for_sure(account, message_id), is_new=False)
    wish = wish_of(text, line.subscriber.stop_words)
    if is_hidden:
        _put_away(message)
    else:
        _count_in(message, is_waiting=wish is not Wish.STOP)
    _heed(wish, line, number, conversation_id, text, at)
    record(
        subscriber_id=line.subscriber_id,
        # A blocked sender's is news to nobody; whoever looks into the thread sees it there.
        kind=Kind.MESSAGE_CHANGED if is_hidden else Kind.MESSAGE_CREATED,
        at=now,
        line_id=line.pk,
        conversation_id=conversation_id,
        message_id=message.pk,
    )
    return Received(message, is_new=True)


# Statements by hand, for the same reason as in server/rows.py.
_CONVERSATION = """
    SELECT conversation.id, conversation.hidden_at IS NOT NULL OR contact.blocked_at IS NOT NULL
    FROM messaging_conversation conversation JOIN contacts_contact contact ON contact.id = conversation.contact_id
    WHERE conversation.line_id = %s AND contact.subscriber_id = %s AND contact.number = %s
"""
# The newest of a conversation, when a message has come: that one, unless something later is there already.
_LATEST = """latest_message_id = CASE
            WHEN latest_message_id IS NULL OR latest_at <= %(at)s THEN %(message)s
            -- A call is the newest: the message need only be later than the one before.
            WHEN latest_at = call_at AND %(at)s >= (SELECT created_at FROM messaging_message WHERE id = latest_message_id)
            THEN %(message)s ELSE latest_message_id END,
        latest_at = CASE
            WHEN latest_at <= %(at)s OR (latest_message_id IS NULL AND call_at IS NULL) THEN %(at)s ELSE latest_at END"""
_COUNT_IN = f"""
    UPDATE messaging_conversation SET
        inbound_count = inbound_count + 1,
        done_at = NULL,
        waiting_since = CASE WHEN waiting_since < %(waiting_since)s THEN waiting_since ELSE %(waiting_since)s END,
        {_LATEST}
    WHERE id = %(conversation)s
"""  # noqa: S608 - our own words
# Not unread, not waiting, not reopened: when the sender is unblocked, the thread stands where it belongs, and that is all.
_PUT_AWAY = f"""
    UPDATE messaging_conversation SET
        hidden_at = COALESCE(hidden_at, %(at)s),
        {_LATEST}
    WHERE id = %(conversation)s
"""  # noqa: S608 - our own words


def _lock_conversation_with(line: Line, number: str) -> tuple[int | None, bool]:
    """The line's conversation with a number, and whether it is hidden: the number is blocked.

    It is locked: in a conversation, ids are handed out in the order of commits.
    """
    # SQLite has one writer anyway.
    lock = "FOR NO KEY UPDATE OF conversation" if connection.features.has_select_for_no_key_update else ""
    with connection.cursor() as cursor:
        cursor.execute(_CONVERSATION + lock, [line.pk, line.subscriber_id, number])
        found = cursor.fetchone()
    if not found:
        return None, False
    conversation_id, is_hidden = int(found[0]), bool(found[1])
    # Whoever had to wait for the lock knows the contact as it was before, and it may have been unblocked meanwhile.
    return conversation_id, is_hidden and _is_blocked(conversation_id)


def _is_blocked(conversation_id: int) -> bool:
    return Conversation.objects.filter(pk=conversation_id, contact__blocked_at__isnull=False).exists()


def _count_in(message: Message, *, is_waiting: bool) -> None:
    """One more inbound message: back on the list, with its text and time unless a later one is there (a recovered one)."""
    at = connection.ops.adapt_datetimefield_value(message.created_at)
    values = {
        "conversation": message.conversation_id,
        "message": message.pk,
        "at": at,
        # After STOP there is nobody left to answer.
        "waiting_since": at if is_waiting else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_IN, values)


def _put_away(message: Message) -> None:
    """One more message of a blocked sender: nobody has to read or to answer it."""
    at = connection.ops.adapt_datetimefield_value(message.created_at)
    with connection.cursor() as cursor:
        cursor.execute(_PUT_AWAY, {"conversation": message.conversation_id, "message": message.pk, "at": at})


def conversation_between(*, line: Line, contact: Contact, now: datetime) -> Conversation:
    """The one conversation of a line and a contact, made if there is none (hidden, if they are blocked); two may ask at once."""
    if line.subscriber_id != contact.subscriber_id:
        raise ValueError("A line and a contact of two subscribers have nothing to say to each other.")
    return Conversation.objects.filter(line=line, contact=contact).first() or _begin_conversation(line, contact, now)


@transaction.atomic(savepoint=False)
def _begin_conversation(line: Line, contact: Contact, now: datetime) -> Conversation:
    # Who blocks or unblocks the contact waits for us, and finds the thread.
    unchanged = Contact.objects.select_for_update(no_key=True).filter(pk=contact.pk, number=contact.number)
    locked = unchanged.first()
    if locked is None:
        # Erased, or deleted as of no use, at this very moment: whoever has the number now is somebody new.
        anew = contact_for(subscriber=line.subscriber, number=contact.number, now=now)
        return conversation_between(line=line, contact=anew, now=now)
    begun = Conversation(subscriber_id=line.subscriber_id, line=line, contact=locked, latest_at=now, created_at=now)
    begun.hidden_at = locked.blocked_at
    Conversation.objects.bulk_create([begun], ignore_conflicts=True)
    return Conversation.objects.get(line=line, contact=locked)


def _heed(wish: Wish | None, line: Line, number: str, conversation_id: int, text: str, at: datetime) -> None:
    if wish is Wish.STOP and opt_out(line=line, number=number, source="sms", words=text, at=at):
        Activity.objects.create(conversation_id=conversation_id, kind=ActivityKind.OPTED_OUT, at=at)
    elif wish is Wish.START and opt_in(line=line, number=number, at=at):
        Activity.objects.create(conversation_id=conversation_id, kind=ActivityKind.OPTED_IN, at=at)


def _known(account: str, message_id: str) -> Message | None:
    if not message_id:
        # Without an id nothing can be told apart: better twice than not at all.
        return None
    return Message.objects.filter(provider_account=account, provider_message_id=message_id).first()


def _known_for_sure(account: str, message_id: str) -> Message:
    known = _known(account, message_id)
    if known is None:
        raise IntegrityError("A message could not be stored, though nothing like it is there.")
    return known
