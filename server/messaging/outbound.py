"""Queueing: a colleague's text becomes a message that the dispatcher will send, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from server import phone, sms
from server.contacts.optout import opt_out_in_force
from server.contacts.phonebook import contact_for
from server.events.log import record
from server.events.models import Kind
from server.lines import limits
from server.lines.models import Line
from server.messaging import followers, outbox_bell
from server.messaging.inbound import conversation_between
from server.messaging.models import Conversation, Direction, Draft, Message, Origin, Status
from server.messaging.standing import as_latest, lock_conversation, refresh_standing

if TYPE_CHECKING:
    import uuid as uuids
    from datetime import datetime

    from server.accounts.models import User
    from server.contacts.models import OptOut


class UnableToSend(Exception):
    """The message was not queued; nothing was changed."""


class OptedOut(UnableToSend):
    """The contact has asked this line to stop."""

    def __init__(self, opt_out: OptOut) -> None:
        super().__init__("opted out")
        self.opt_out = opt_out


class ServiceOff(UnableToSend):
    """The subscriber has no SMS service, or the line is switched off."""


class BodyEmpty(UnableToSend):
    """There is no text."""


class BodyTooLong(UnableToSend):
    """The text would be more than ten segments."""

    def __init__(self, segments: int) -> None:
        super().__init__(f"{segments} segments")
        self.segments = segments


class CanNotBeAnswered(UnableToSend):
    """The partner is a name or a short code: there is no number to send to."""


class NotAllowedToSend(UnableToSend):
    """The person may read this line but not send from it."""


class SomebodyWrote(UnableToSend):
    """Customer or colleague wrote while this text was being typed: look, then send again."""

    def __init__(self, newer: list[Message]) -> None:
        super().__init__(f"{len(newer)} newer")
        self.newer = newer


class DestinationNotAllowed(UnableToSend):
    """The number is no mobile of a country that the line may text."""

    def __init__(self, countries: list[str]) -> None:
        super().__init__(", ".join(countries))
        self.countries = countries


class DailyLimitReached(UnableToSend):
    """The line has sent all that it may send today."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} a day")
        self.limit = limit


class AlreadyUsed(UnableToSend):
    """The uuid belongs to another message: another conversation's, somebody else's, or one with another text."""


def queue_sms(
    *,
    uuid: uuids.UUID,
    conversation: Conversation,
    body: str,
    author: User | None,
    now: datetime,
    origin: Origin = Origin.PERSON,
    seen: int | None = None,
) -> Message:
    """Queue a text for sending and return its message; the same uuid again returns the same message.

    `seen` is the id of the newest message that the writer had on screen: if a newer one of somebody
    else stands in the thread, SomebodyWrote is raised (None: don't look). Raises UnableToSend.
    """
    text = sms.storable(body).replace("\r\n", "\n").strip()
    repeated = _already_queued(uuid, conversation, author, text)
    if repeated is not None:
        return repeated
    count = _check(conversation=conversation, text=text, author=author, now=now)
    try:
        with transaction.atomic():
            # The lock makes "nobody wrote meanwhile" and our insert one step.
            locked = lock_conversation(conversation.pk)
            if seen is not None:
                _look_for_newer(conversation, author, seen)
            message = Message.objects.create(
                uuid=uuid,
                subscriber_id=conversation.subscriber_id,
                conversation=conversation,
                line_id=conversation.line_id,
                direction=Direction.OUT,
                status=Status.QUEUED,
                body=text,
                author=author,
                origin=origin,
                encoding=count.encoding,
                segments=count.segments,
                plain_segments=sms.count_segments(sms.unaccent(text)).segments,
                created_at=now,
            )
            # What goes out by itself is nobody's answer, and brings nothing back on the list.
            answered = {} if origin == Origin.RULE else {"waiting_since": None, "done_at": None}
            Conversation.objects.filter(pk=conversation.pk).update(has_failed=False, **answered, **as_latest(locked, message))
            if author is not None:
                Draft.objects.filter(conversation=conversation, user=author).delete()
                followers.person_wrote(message, now)
            announce(message, kind=Kind.MESSAGE_CREATED, now=now)
            outbox_bell.ring_on_commit()
            return message
    except IntegrityError:
        # The same POST, at the same moment, on another thread: its message is the message.
        repeated = _already_queued(uuid, conversation, author, text)
        if repeated is None:
            raise
        return repeated


def conversation_with(*, line: Line, number: str, now: datetime) -> Conversation:
    """The conversation for a number that a person typed; raises phone.NumberNotValid."""
    e164 = phone.to_e164(number, country=line.subscriber.country)
    contact = contact_for(subscriber=line.subscriber, number=e164, now=now)
    return conversation_between(line=line, contact=contact, now=now)


@transaction.atomic
def retry_sms(*, message: Message, by: User, now: datetime) -> bool:
    """Send a failed, undelivered or unconfirmed message again, as a new attempt on the same bubble.

    False when it was not in such a state any more. Raises UnableToSend.
    """
    _check(conversation=message.conversation, text=message.body, author=by, now=now)
    claimed = Message.objects.filter(
        pk=message.pk, status__in=[Status.FAILED, Status.UNDELIVERED, Status.UNCONFIRMED], deleted_at=None
    ).update(
        status=Status.QUEUED,
        reason="",
        provider_code="",
        # The old id stays in the delivery reports; the new attempt gets its own.
        provider_message_id="",
        absences=0,
        next_attempt_at=None,
        failed_at=None,
        sent_at=None,
    )
    if claimed:
        refresh_standing(message.conversation_id)
        followers.person_retried(message, now)
        announce(message, kind=Kind.MESSAGE_CHANGED, now=now)
        outbox_bell.ring_on_commit()
    return bool(claimed)


@transaction.atomic
def discard_sms(*, message: Message, now: datetime) -> bool:
    """Take a message that never went out of the thread; False when it is not (any longer) one of those."""
    discarded = Message.objects.filter(pk=message.pk, status__in=[Status.FAILED, Status.UNDELIVERED], deleted_at=None).update(
        deleted_at=now
    )
    if discarded:
        refresh_standing(message.conversation_id)
        announce(message, kind=Kind.MESSAGE_CHANGED, now=now)
    return bool(discarded)


def announce(message: Message, *, kind: Kind, now: datetime) -> None:
    """Record the event that makes every screen draw this message anew."""
    record(
        subscriber_id=message.subscriber_id,
        kind=kind,
        at=now,
        line_id=message.conversation.line_id,
        conversation_id=message.conversation_id,
        message_id=message.pk,
    )


def _check(*, conversation: Conversation, text: str, author: User | None, now: datetime) -> sms.Count:
    line, contact = conversation.line, conversation.contact
    if not (line.is_active and line.subscriber.has_sms):
        raise ServiceOff
    if author is not None and not Line.objects.sendable_by(author).filter(pk=line.pk).exists():
        raise NotAllowedToSend
    if not contact.can_be_answered:
        raise CanNotBeAnswered
    if not limits.may_text(line, contact.number):
        raise DestinationNotAllowed(limits.countries_of(line))
    if not text:
        raise BodyEmpty
    count = sms.count_segments(text)
    if count.segments > sms.MAX_SEGMENTS:
        raise BodyTooLong(count.segments)
    stopped = opt_out_in_force(line=line, number=contact.number)
    if stopped is not None:
        raise OptedOut(stopped)
    if line.per_day is not None and limits.is_used_up(line, now):
        raise DailyLimitReached(line.per_day)
    return count


def _already_queued(uuid: uuids.UUID, conversation: Conversation, author: User | None, text: str) -> Message | None:
    message = Message.objects.filter(uuid=uuid).first()
    if message is None:
        return None
    its = (message.conversation_id, message.direction, message.author_id)
    # Between the first POST and this one the company may have begun to save accents, or stopped.
    is_its_text = sms.saving_accents(message.body) == sms.saving_accents(text)
    if its != (conversation.pk, Direction.OUT, author.pk if author else None) or not is_its_text:
        # Answering "queued" would lose this text.
        raise AlreadyUsed
    return message


def _look_for_newer(conversation: Conversation, author: User | None, seen: int) -> None:
    newer = list(
        conversation.messages.filter(pk__gt=seen, deleted_at=None)
        .exclude(direction=Direction.OUT, author=author)
        .select_related("author")
        .order_by("id")[:20]
    )
    if newer:
        raise SomebodyWrote(newer)
