"""The outbox: claim → commit → send → record, so that a crash at any point neither loses nor doubles.

The dispatcher owns the network; these verbs own the rows. A message is claimed by one conditional
UPDATE that commits before the hand-over. A lease that ran out means "we do not know": the message
becomes unconfirmed, never queued.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from server.accounts.models import record_audit
from server.contacts.optout import opt_out, opt_out_in_force
from server.events.models import Kind
from server.lines.models import Line
from server.messaging import outbox_bell
from server.messaging.models import RANK, WENT_WRONG, Activity, ActivityKind, Conversation, Direction, Message, Status
from server.messaging.outbound import announce

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from django.db.models import QuerySet

# Three times the longest send: connecting takes 3.05 s at most, the answer 10 s.
LEASE = timedelta(seconds=60)
# An unconfirmed message holds back the later ones of its conversation for so long at most.
HOLDS_OTHERS_FOR = timedelta(minutes=10)


def claim_next(*, by: str, now: datetime, busy_lines: Collection[int] = ()) -> Message | None:
    """Claim the oldest message that may go out now, or None; lines whose id is among `busy_lines` are passed over.

    Within a conversation a message waits until none before it is queued, held, being sent or
    (for ten minutes at most) unconfirmed. Works alike on SQLite and PostgreSQL, with any number
    of dispatchers: who loses the conditional UPDATE simply looks again.
    """
    while True:
        message = _sendable(now).exclude(conversation__line__in=busy_lines).order_by("id").first()
        if message is None:
            return None
        claimed = Message.objects.filter(pk=message.pk, status=Status.QUEUED).update(
            status=Status.SENDING,
            lease_by=by,
            lease_until=now + LEASE,
            attempted_at=now,
            attempts=message.attempts + 1,
        )
        if not claimed:
            continue
        message.refresh_from_db()
        if _stopped_meanwhile(message, now):
            continue
        return message


def give_back(*, message: Message, until: datetime, now: datetime) -> bool:
    """Surely not taken by the provider (429, refused connection, DNS): queue it again for `until`."""
    return _finish(message, now, [Status.SENDING], status=Status.QUEUED, next_attempt_at=until)


def mark_sent(
    *, message: Message, provider_account: str, provider_message_id: str, now: datetime, segments: int | None = None
) -> bool:
    """The provider accepted it; a report that came first is never overwritten."""
    with transaction.atomic():
        ours = Message.objects.filter(pk=message.pk)
        # The id and the time are facts whatever the status has become meanwhile.
        ours.filter(provider_message_id="").update(provider_account=provider_account, provider_message_id=provider_message_id)
        ours.filter(sent_at=None).update(sent_at=now)
        if segments:
            ours.update(segments=segments)
        return _finish(message, now, [Status.SENDING, Status.UNCONFIRMED], status=Status.SENT)


def mark_failed(*, message: Message, reason: str, provider_code: str = "", now: datetime) -> bool:
    """Refused for good; `reason` is one of our words (gateway/vocabulary.py), shown to people in theirs."""
    with transaction.atomic():
        if reason == "opted_out":
            _record_opt_out(message, now)
        return _finish(
            message,
            now,
            [Status.SENDING, Status.UNCONFIRMED],
            status=Status.FAILED,
            reason=reason,
            provider_code=provider_code,
            failed_at=now,
        )


def mark_unconfirmed(*, message: Message, now: datetime) -> bool:
    """The connection broke after the request may have been read: nobody knows whether it was taken."""
    return _finish(message, now, [Status.SENDING], status=Status.UNCONFIRMED)


def reap_leases(*, now: datetime) -> int:
    """Messages whose dispatcher died in the middle become unconfirmed."""
    return sum(
        _finish(message, now, [Status.SENDING], status=Status.UNCONFIRMED)
        for message in Message.objects.filter(status=Status.SENDING, lease_until__lt=now).select_related("conversation")
    )


def requeue_absent(*, message: Message, now: datetime) -> bool:
    """Proved absent at the provider twice, minutes apart: send it once more."""
    return _finish(message, now, [Status.UNCONFIRMED], status=Status.QUEUED, next_attempt_at=None)


def note_absence(*, message: Message, now: datetime) -> None:
    """The provider's list lacked it; one look is not proof, since lists lag behind."""
    Message.objects.filter(pk=message.pk, status=Status.UNCONFIRMED).update(absences=message.absences + 1, next_attempt_at=now)


def hold_line(*, line: Line, reason: str, now: datetime) -> bool:
    """Stop sending from a line whose credentials the provider refuses; True for the one who stopped it."""
    with transaction.atomic():
        held = Line.objects.filter(pk=line.pk, held_since=None).update(held_since=now, held_reason=reason)
        if held:
            record_audit(action="line.held", at=now, subscriber=line.subscriber, target=str(line.key), reason=reason)
        return bool(held)


def release_line(*, line: Line, now: datetime) -> int:
    """Send again from a held line; returns how many messages were waiting."""
    with transaction.atomic():
        Line.objects.filter(pk=line.pk).update(held_since=None, held_reason="")
        record_audit(action="line.released", at=now, subscriber=line.subscriber, target=str(line.key))
        waiting = Message.objects.filter(conversation__line=line, status=Status.HELD).select_related("conversation")
        outbox_bell.ring_on_commit()
        return sum(_finish(message, now, [Status.HELD], status=Status.QUEUED) for message in waiting)


def hold_messages(*, message: Message, now: datetime) -> bool:
    """Put a claimed message of a held line back, visibly held."""
    return _finish(message, now, [Status.SENDING], status=Status.HELD)


def _sendable(now: datetime) -> QuerySet[Message]:
    before = Message.objects.filter(conversation=OuterRef("conversation"), pk__lt=OuterRef("pk")).filter(
        Q(status__in=[Status.QUEUED, Status.HELD, Status.SENDING])
        | Q(status=Status.UNCONFIRMED, attempted_at__gt=now - HOLDS_OTHERS_FOR)
    )
    return (
        Message.objects.filter(status=Status.QUEUED, conversation__line__is_active=True, conversation__line__held_since=None)
        .filter(Q(next_attempt_at=None) | Q(next_attempt_at__lte=now))
        .exclude(Exists(before))
        .select_related("conversation__line__subscriber", "conversation__contact")
    )


def _stopped_meanwhile(message: Message, now: datetime) -> bool:
    """The last look before the hand-over: who texted STOP after we queued gets nothing more."""
    conversation = message.conversation
    if opt_out_in_force(line=conversation.line, number=conversation.contact.number):
        return _finish(message, now, [Status.SENDING], status=Status.FAILED, reason="opted_out", failed_at=now)
    return False


def _record_opt_out(message: Message, now: datetime) -> None:
    conversation = message.conversation
    if opt_out(line=conversation.line, number=conversation.contact.number, source="provider", at=now):
        Activity.objects.create(conversation=conversation, kind=ActivityKind.OPTED_OUT, at=now)
        Conversation.objects.filter(pk=conversation.pk).update(waiting_since=None)


def _finish(message: Message, now: datetime, only_from: list[Status], **changes: object) -> bool:
    """Move a message on, if it still is where we think it is and nobody has begun another attempt, and tell the screens."""
    with transaction.atomic():
        ours = Message.objects.filter(pk=message.pk, status__in=only_from, attempts=message.attempts)
        moved = ours.update(lease_until=None, lease_by="", **changes)
        if moved:
            mark_conversation_failed(message, failed=changes["status"] in WENT_WRONG)
            announce(message, kind=Kind.MESSAGE_CHANGED, now=now)
    message.refresh_from_db()
    return bool(moved)


def mark_conversation_failed(message: Message, *, failed: bool) -> None:
    """The list's red mark: the conversation's newest outgoing message went wrong."""
    newest = Message.objects.filter(conversation=message.conversation_id, direction=Direction.OUT, deleted_at=None).order_by("-id")
    if newest.values_list("pk", flat=True).first() == message.pk:
        Conversation.objects.filter(pk=message.conversation_id).exclude(has_failed=failed).update(has_failed=failed)


def outranks(new: Status, old: str) -> bool:
    """Whether a report of `new` may replace `old`; of the same rank the first one stays."""
    return RANK[new] > RANK[Status(old)]
