"""What colleagues do with a conversation: read, claim, hand over, finish, note, draft."""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F, Q

from server import sms
from server.accounts.models import Role, User
from server.events.log import record
from server.events.models import Kind
from server.messaging import followers, notices
from server.messaging.models import Activity, ActivityKind, Conversation, Draft, Note, ReadMarker

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

NOTE_MAX_CHARACTERS = 4000
# Not the middle of an e-mail address; the name itself may be one.
_MENTION = re.compile(r"(?<![\w.])@([\w.@+\-]+)")
# A draft saved so soon after sending is the text that was just sent: the two requests overtook each other.
DRAFT_MAY_LAG = timedelta(seconds=5)


class AlreadyClaimed(Exception):
    """Somebody else was quicker."""

    def __init__(self, winner: User) -> None:
        super().__init__(winner.username)
        self.winner = winner


class SomebodyTexted(Exception):
    """The contact has texted what the person has not seen yet."""


class NoteNotValid(ValueError):
    """The note is empty, longer than 4,000 characters, or its uuid is another note's."""


class NotOneOfUs(ValueError):
    """The person can't be given this conversation: another company's, may not see the line, or only reads."""


@transaction.atomic
def claim_conversation(*, conversation: Conversation, by: User, now: datetime) -> None:
    """Take an unassigned conversation; raises AlreadyClaimed with the winner when somebody else has it."""
    while not Conversation.objects.filter(pk=conversation.pk, assignee=None).update(assignee=by):
        winner = Conversation.objects.select_related("assignee").get(pk=conversation.pk).assignee
        if winner is not None and winner.pk != by.pk:
            raise AlreadyClaimed(winner)
        if winner is not None:
            return
        # Put back for anybody between our two looks: try again.
    _note_activity(conversation, ActivityKind.ASSIGNED, actor=by, subject=by, at=now)


@transaction.atomic
def assign_conversation(*, conversation: Conversation, to: User | None, by: User, now: datetime) -> None:
    """Hand a conversation to a colleague who may see its line, or to nobody. Raises NotOneOfUs."""
    if to is not None and (to.only_reads or not Conversation.objects.visible_to(to).filter(pk=conversation.pk).exists()):
        raise NotOneOfUs(to.username)
    others = Q(assignee__isnull=True) | ~Q(assignee=to) if to else Q(assignee__isnull=False)
    changed = Conversation.objects.filter(others, pk=conversation.pk)
    if changed.update(assignee=to):
        kind = ActivityKind.ASSIGNED if to else ActivityKind.RELEASED
        if to is not None:
            notices.tell_whom_it_was_given(conversation, to=to, by=by)
        _note_activity(conversation, kind, actor=by, subject=to, at=now)


@transaction.atomic
def mark_done(*, conversation: Conversation, by: User, now: datetime, seen: int | None = None) -> bool:
    """Take a conversation off the list until its next inbound message; False when it already was.

    `seen` is how many inbound messages the person had on screen: SomebodyTexted is raised when there are
    more, since a message that nobody has seen must not leave the list (None: don't look).
    """
    opened = Conversation.objects.filter(pk=conversation.pk, done_at=None)
    done = (opened if seen is None else opened.filter(inbound_count__lte=seen)).update(done_at=now, waiting_since=None)
    if done:
        followers.person_finished(conversation, by, now)
        _note_activity(conversation, ActivityKind.DONE, actor=by, at=now)
    elif opened.exists():
        raise SomebodyTexted
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
    upto = min(upto, _inbound_count(conversation))
    if upto <= 0:
        return False
    ReadMarker.objects.bulk_create([ReadMarker(conversation=conversation, user=by)], ignore_conflicts=True)
    moved = ReadMarker.objects.filter(conversation=conversation, user=by, inbound_read__lt=upto).update(inbound_read=upto)
    if moved:
        _tell_reader(conversation, by, now)
    return bool(moved)


@transaction.atomic
def mark_unread(*, conversation: Conversation, by: User, now: datetime) -> bool:
    """Make the newest inbound message unread again for one person; False when it is unread, or there is none."""
    count = _inbound_count(conversation)
    # Only from "all read": from further back it would mark as read what nobody has seen.
    moved = ReadMarker.objects.filter(conversation=conversation, user=by, inbound_read__gte=max(1, count)).update(
        inbound_read=max(0, count - 1)
    )
    if moved:
        _tell_reader(conversation, by, now)
    return bool(moved)


@transaction.atomic
def write_note(*, uuid: UUID, conversation: Conversation, body: str, author: User, now: datetime) -> Note:
    """Write an internal note; `@username` or `@Firstname` mentions a colleague. The same uuid again is the same note."""
    text = sms.storable(body).strip()
    if not 0 < len(text) <= NOTE_MAX_CHARACTERS:
        raise NoteNotValid(len(text))
    note, is_new = Note.objects.get_or_create(
        uuid=uuid, defaults={"conversation": conversation, "author": author, "body": text, "created_at": now}
    )
    if (note.conversation_id, note.author_id) != (conversation.pk, author.pk):
        raise NoteNotValid(uuid)
    if is_new:
        mentioned = mentioned_in(text, conversation)
        note.mentions.set(mentioned)
        notices.tell_who_is_mentioned(note, mentioned)
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
    """The colleagues whose @username or @Firstname, with or without its accents, stands in the text, and who may see the line."""
    words = {_folded(word).rstrip(".-@+") for word in _MENTION.findall(unicodedata.normalize("NFC", text))}
    # "@Béla-nak": Hungarian adds its endings with a hyphen.
    words |= {word.split("-")[0] for word in words}
    if not words:
        return []
    sees_line = Q(role__in=[Role.SUPERVISOR, Role.ADMINISTRATOR]) | Q(line_access__line=conversation.line_id)
    people = User.objects.filter(sees_line, subscriber_id=conversation.subscriber_id, is_active=True).distinct()
    # Who was given a line once may only read now.
    people = people.exclude(role=Role.AUDITOR)
    return [user for user in people if words & {_folded(user.username), *(_folded(part) for part in user.name.split())}]


def save_draft(*, conversation: Conversation, by: User, body: str, now: datetime) -> None:
    """Keep what a person has typed so far; an empty text, or the one that was just sent, forgets it."""
    # Line ends as queue_sms() keeps them: a form posts two signs for each.
    text = sms.storable(body).replace("\r\n", "\n")[:4000]
    as_sent = {text.strip(), sms.saving_accents(text.strip())}
    just_sent = conversation.messages.outbound().filter(
        author=by, body__in=as_sent, created_at__gt=now - DRAFT_MAY_LAG, deleted_at=None
    )
    if text.strip() and not just_sent.exists():
        Draft.objects.update_or_create(conversation=conversation, user=by, defaults={"body": text, "updated_at": now})
    else:
        Draft.objects.filter(conversation=conversation, user=by).delete()


def unread_by(user: User) -> list[int]:
    """The conversations with something unread for this person, newest first, 500 at most."""
    read_all = Q(markers__user=user, markers__inbound_read__gte=F("inbound_count"))
    return list(
        Conversation.objects.visible_to(user)
        .shown()
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


def _note_activity(
    conversation: Conversation, kind: ActivityKind, *, actor: User, at: datetime, subject: User | None = None
) -> None:
    Activity.objects.create(conversation=conversation, kind=kind, actor=actor, subject=subject, at=at)
    announce_conversation(conversation, now=at)


def _inbound_count(conversation: Conversation) -> int:
    return Conversation.objects.values_list("inbound_count", flat=True).get(pk=conversation.pk)


def _folded(name: str) -> str:
    """Without case and accents: `Béla` and `bela` are one."""
    return "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))


def _tell_reader(conversation: Conversation, reader: User, now: datetime) -> None:
    record(
        subscriber_id=conversation.subscriber_id,
        kind=Kind.READ,
        at=now,
        line_id=conversation.line_id,
        conversation_id=conversation.pk,
        user_id=reader.pk,
    )
