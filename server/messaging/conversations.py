"""What colleagues do with a conversation: read, claim, hand over, finish, note, draft."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F, Q

from server import sms
from server.accounts.models import User
from server.contacts.phonebook import record_contact
from server.events.log import record
from server.events.models import Kind
from server.messaging.models import Activity, ActivityKind, Conversation, Draft, Note, ReadMarker

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from server.contacts.models import Contact

NOTE_MAX_CHARACTERS = 4000
_MENTION = re.compile(r"@([\w.\-]+)")


class AlreadyClaimed(Exception):
    """Somebody else was quicker."""

    def __init__(self, winner: User) -> None:
        super().__init__(winner.username)
        self.winner = winner


class NoteNotValid(ValueError):
    """The note is empty or longer than 4,000 characters."""


class NotOneOfUs(ValueError):
    """The person can't be given this conversation: another company's, or may not see the line."""


@transaction.atomic
def claim_conversation(*, conversation: Conversation, by: User, now: datetime) -> None:
    """Take an unassigned conversation; raises AlreadyClaimed with the winner when somebody else has it."""
    if Conversation.objects.filter(pk=conversation.pk, assignee=None).update(assignee=by):
        _note_activity(conversation, ActivityKind.ASSIGNED, actor=by, subject=by, at=now)
        return
    winner = Conversation.objects.select_related("assignee").get(pk=conversation.pk).assignee
    if winner is not None and winner.pk != by.pk:
        raise AlreadyClaimed(winner)


@transaction.atomic
def assign_conversation(*, conversation: Conversation, to: User | None, by: User, now: datetime) -> None:
    """Hand a conversation to a colleague who may see its line, or to nobody. Raises NotOneOfUs."""
    if to is not None and not Conversation.objects.visible_to(to).filter(pk=conversation.pk).exists():  # type: ignore[attr-defined]
        raise NotOneOfUs(to.username)
    changed = Conversation.objects.filter(pk=conversation.pk).exclude(assignee=to) if to else _assigned(conversation)
    if changed.update(assignee=to):
        kind = ActivityKind.ASSIGNED if to else ActivityKind.RELEASED
        _note_activity(conversation, kind, actor=by, subject=to, at=now)


@transaction.atomic
def mark_done(*, conversation: Conversation, by: User, now: datetime) -> bool:
    """Take a conversation off the list until its next inbound message; False when it already was."""
    done = Conversation.objects.filter(pk=conversation.pk, done_at=None).update(done_at=now, waiting_since=None)
    if done:
        _note_activity(conversation, ActivityKind.DONE, actor=by, at=now)
    return bool(done)


@transaction.atomic
def reopen(*, conversation: Conversation, by: User, now: datetime) -> bool:
    """Bring a finished conversation back to the list; False when it was not finished."""
    opened = Conversation.objects.filter(pk=conversation.pk, done_at__isnull=False).update(done_at=None)
    if opened:
        _note_activity(conversation, ActivityKind.REOPENED, actor=by, at=now)
    return bool(opened)


@transaction.atomic
def mark_read(*, conversation: Conversation, by: User, upto: int, now: datetime) -> bool:
    """Move a person's read marker forward to `upto` inbound messages; all their tabs hear of it."""
    upto = min(upto, Conversation.objects.values_list("inbound_count", flat=True).get(pk=conversation.pk))
    moved = ReadMarker.objects.filter(conversation=conversation, user=by, inbound_read__lt=upto).update(inbound_read=upto)
    if not moved:
        if upto <= 0 or ReadMarker.objects.filter(conversation=conversation, user=by).exists():
            return False
        ReadMarker.objects.bulk_create([ReadMarker(conversation=conversation, user=by, inbound_read=upto)], ignore_conflicts=True)
    _tell_reader(conversation, by, now)
    return True


@transaction.atomic
def mark_unread(*, conversation: Conversation, by: User, now: datetime) -> bool:
    """Make the newest inbound message unread again for one person; False when there is none."""
    if not conversation.inbound_count:
        return False
    ReadMarker.objects.update_or_create(
        conversation=conversation, user=by, defaults={"inbound_read": max(0, conversation.inbound_count - 1)}
    )
    _tell_reader(conversation, by, now)
    return True


@transaction.atomic
def write_note(*, uuid: UUID, conversation: Conversation, body: str, author: User, now: datetime) -> Note:
    """Write an internal note; `@username` or `@Firstname` mentions a colleague. The same uuid again is the same note."""
    text = sms.storable(body).strip()
    if not 0 < len(text) <= NOTE_MAX_CHARACTERS:
        raise NoteNotValid(len(text))
    note, is_new = Note.objects.get_or_create(
        uuid=uuid, conversation=conversation, defaults={"author": author, "body": text, "created_at": now}
    )
    if is_new:
        note.mentions.set(mentioned_in(text, conversation))
        record(
            subscriber_id=conversation.subscriber_id,
            kind=Kind.NOTE_CREATED,
            at=now,
            line_id=conversation.line_id,
            conversation_id=conversation.pk,
            message_id=note.pk,
        )
    return note


def mentioned_in(text: str, conversation: Conversation) -> list[User]:
    """The colleagues whose @username or @Firstname stands in the text."""
    words = {word.casefold().rstrip(".-") for word in _MENTION.findall(text)}
    people = User.objects.filter(subscriber_id=conversation.subscriber_id, is_active=True)
    return [user for user in people if words & {user.username.casefold(), *(part.casefold() for part in user.name.split())}]


@transaction.atomic
def rename_contact(*, contact: Contact, name: str, company: str = "", note: str = "", now: datetime) -> Contact:
    """Give a number its name in the phone book; its threads are drawn anew on every open screen."""
    renamed = record_contact(subscriber=contact.subscriber, number=contact.number, name=name, company=company, note=note, now=now)
    for conversation in Conversation.objects.filter(contact=renamed):
        announce_conversation(conversation, now=now)
    return renamed


def save_draft(*, conversation: Conversation, by: User, body: str, now: datetime) -> None:
    """Keep what a person has typed so far; an empty text forgets it."""
    text = sms.storable(body)[:4000]
    if text.strip():
        Draft.objects.update_or_create(conversation=conversation, user=by, defaults={"body": text, "updated_at": now})
    else:
        Draft.objects.filter(conversation=conversation, user=by).delete()


def unread_by(user: User) -> list[int]:
    """The conversations with something unread for this person, newest first, 500 at most."""
    read_all = Q(markers__user=user, markers__inbound_read__gte=F("inbound_count"))
    return list(
        Conversation.objects.visible_to(user)  # type: ignore[attr-defined]
        .open()
        .filter(inbound_count__gt=0)
        .exclude(pk__in=Conversation.objects.filter(read_all).values("pk"))
        .order_by("-latest_at", "-id")
        .values_list("pk", flat=True)[:500]
    )


def announce_conversation(conversation: Conversation, *, now: datetime) -> None:
    """Record the event that makes every screen draw this conversation anew."""
    record(
        subscriber_id=conversation.subscriber_id,
        kind=Kind.CONVERSATION_CHANGED,
        at=now,
        line_id=conversation.line_id,
        conversation_id=conversation.pk,
    )


def _assigned(conversation: Conversation):  # type: ignore[no-untyped-def]
    return Conversation.objects.filter(pk=conversation.pk, assignee__isnull=False)


def _note_activity(
    conversation: Conversation, kind: ActivityKind, *, actor: User, at: datetime, subject: User | None = None
) -> None:
    Activity.objects.create(conversation=conversation, kind=kind, actor=actor, subject=subject, at=at)
    announce_conversation(conversation, now=at)


def _tell_reader(conversation: Conversation, reader: User, now: datetime) -> None:
    record(
        subscriber_id=conversation.subscriber_id,
        kind=Kind.READ,
        at=now,
        line_id=conversation.line_id,
        conversation_id=conversation.pk,
        user_id=reader.pk,
    )
