"""The outbox: claim → commit → send → record, so that a crash at any point neither loses nor doubles.

The dispatcher owns the network; these verbs own the rows. A message is claimed by one conditional
UPDATE that commits before the hand-over. A lease that ran out means "we do not know": the message
becomes unconfirmed, never queued.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Coalesce

from server.accounts.models import record_audit
from server.contacts.optout import opt_out_in_force
from server.events.log import record
from server.events.models import Kind
from server.lines import limits
from server.lines.limits import Counted
from server.lines.models import Line
from server.messaging import automatic, outbox_bell
from server.messaging.models import RANK, WENT_WRONG, Message, Origin, Status
from server.messaging.outbound import announce
from server.messaging.reasons import Reason
from server.messaging.standing import record_opt_out, refresh_standing

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from django.db.models import QuerySet

    from server.accounts.models import User

# Three times the longest send: connecting takes 3.05 s at most, the answer 10 s.
LEASE = timedelta(seconds=60)
# An unconfirmed message holds back the later ones of its conversation for so long at most.
HOLDS_OTHERS_FOR = timedelta(minutes=10)
# So many looks that find nothing in the provider's list prove that an attempt was not taken: lists lag behind.
LOOKS_THAT_PROVE = 2
# What a message's way to the provider changes.
MOVING = [
    "status", "reason", "provider_account", "provider_message_id", "provider_code", "segments", "attempts", "absences",
    "next_attempt_at", "lease_by", "lease_until", "attempted_at", "sent_at", "delivered_at", "failed_at", "deleted_at",
]  # fmt: skip


def claim_next(*, by: str, now: datetime, busy_lines: Collection[int] = ()) -> Message | None:
    """Claim the oldest message that may go out now, or None; lines whose id is among `busy_lines` are passed over.

    Within a conversation a message waits until none before it is queued, held, being sent or
    (for ten minutes at most) unconfirmed. Works alike on SQLite and PostgreSQL, with any number
    of dispatchers: who loses the conditional UPDATE simply looks again. A line whose minute is full is
    passed over until the next one begins; beyond its day's limit a message fails, and so does one to a
    number that the line may not (or not any longer) text.
    """
    while True:
        message = _sendable(now).exclude(conversation__line__in=busy_lines).order_by("id").first()
        if message is None:
            return None
        # The attempts, too: since our look another one may have claimed it and given it back for later.
        ours = Message.objects.filter(pk=message.pk, status=Status.QUEUED, attempts=message.attempts)
        claim = {
            "status": Status.SENDING,
            "lease_by": by,
            "lease_until": now + LEASE,
            "attempted_at": now,
            "attempts": message.attempts + 1,
            # A single look at an earlier attempt says nothing of this one.
            "absences": message.absences - message.absences % LOOKS_THAT_PROVE,
            "next_attempt_at": None,
        }
        if not _claimed(message, ours, claim, now):
            continue
        for name, value in claim.items():
            setattr(message, name, value)
        if _stopped_meanwhile(message, now):
            continue
        return message


def _claimed(message: Message, ours: QuerySet[Message], claim: dict[str, object], now: datetime) -> bool:
    if message.origin == Origin.RULE:
        return _claimed_automatically(message, ours, claim, now)
    return _claimed_within_limits(message, ours, claim, now)


def _claimed_automatically(message: Message, ours: QuerySet[Message], claim: dict[str, object], now: datetime) -> bool:
    """Claim what goes out by itself, if the gates let it pass: theirs and ours are one step."""
    try:
        with transaction.atomic():
            claimed = _claimed_within_limits(message, ours, claim, now)
            if claimed:
                automatic.pass_gates(message, now)
            return claimed
    except automatic.NotNow as no:
        _put_off_all(message, no.until)
    except automatic.Never as no:
        with transaction.atomic():
            # Still ours to refuse, and locked.
            if ours.update(reason=no.reason):
                automatic.refused(message, no)
                _finish(message, now, [Status.QUEUED], status=Status.FAILED, reason=no.reason, failed_at=now)
    return False


def _put_off_all(message: Message, until: datetime) -> None:
    """Whatever its company sends by itself: a thousand that wait are not looked at one by one, before everybody else's."""
    waiting = Message.objects.filter(subscriber=message.subscriber_id, origin=Origin.RULE, status=Status.QUEUED)
    waiting = waiting.filter(Q(next_attempt_at=None) | Q(next_attempt_at__lt=until)).order_by("pk")
    with transaction.atomic():
        # Two dispatchers that do so at the same moment must not wait for each other's rows.
        free = waiting.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True)
        Message.objects.filter(pk__in=list(free)).update(next_attempt_at=until)


def _claimed_within_limits(message: Message, ours: QuerySet[Message], claim: dict[str, object], now: datetime) -> bool:
    line = message.conversation.line
    if not limits.has_limits(line):
        return bool(ours.update(**claim))
    counted = Counted.YES
    with transaction.atomic():
        # The message first, then its line's count: as where it is given back.
        claimed = bool(ours.update(**claim))
        if claimed:
            counted = limits.count_one(line, now)
        if counted is not Counted.YES:
            transaction.set_rollback(True)
    if counted is Counted.NOT_THIS_MINUTE:
        until = limits.wait_for_next_minute(line, now)
        Message.objects.filter(pk=message.pk, status=Status.QUEUED, attempts=message.attempts).update(next_attempt_at=until)
    elif counted is Counted.NOT_TODAY:
        _finish(message, now, [Status.QUEUED], status=Status.FAILED, reason=Reason.DAILY_LIMIT, failed_at=now)
    return claimed and counted is Counted.YES


def give_back(*, message: Message, until: datetime, now: datetime) -> bool:
    """Surely not taken by the provider (429, refused connection, DNS): queue it again for `until`."""
    return _finish(message, now, [Status.SENDING, Status.UNCONFIRMED], status=Status.QUEUED, next_attempt_at=until)


def mark_sent(
    *, message: Message, provider_account: str, provider_message_id: str, now: datetime, segments: int | None = None
) -> bool:
    """The provider accepted it; a report that came first is never overwritten."""
    with transaction.atomic():
        # The id and the time are facts whatever the status has become meanwhile, unless another attempt has begun.
        ours = Message.objects.filter(pk=message.pk, attempts=message.attempts)
        ours.filter(provider_message_id="").update(provider_account=provider_account, provider_message_id=provider_message_id)
        counted = {"segments": segments} if segments else {}
        ours.update(sent_at=Coalesce("sent_at", Value(now)), **counted)
        # Queued: somebody pressed Retry while it was not known; no other attempt has begun, and none is needed.
        return _finish(message, now, [Status.SENDING, Status.UNCONFIRMED, Status.QUEUED], status=Status.SENT)


def mark_failed(*, message: Message, reason: str, provider_code: str = "", now: datetime) -> bool:
    """Refused for good; `reason` is one of our words (gateway/vocabulary.py), shown to people in theirs."""
    with transaction.atomic():
        if reason == "opted_out":
            # The message first, then the conversation: the order of locks (standing.py).
            Message.objects.select_for_update(no_key=True).values_list("pk").get(pk=message.pk)
            record_opt_out(message, at=now)
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
    return _finish(message, now, [Status.UNCONFIRMED], status=Status.QUEUED, next_attempt_at=None, absences=LOOKS_THAT_PROVE)


def note_absence(*, message: Message, now: datetime) -> None:
    """The provider's list lacked it; one look is not proof, since lists lag behind."""
    # Two who look at the same moment have looked once.
    unseen = Message.objects.filter(pk=message.pk, status=Status.UNCONFIRMED, absences=message.absences)
    unseen.update(absences=message.absences + 1, next_attempt_at=now)


def hold_line(*, line: Line, reason: str, now: datetime) -> bool:
    """Stop sending from a line whose credentials the provider refuses; True for the one who stopped it."""
    with transaction.atomic():
        held = Line.objects.filter(pk=line.pk, held_since=None).update(held_since=now, held_reason=reason)
        if held:
            record_audit(action="line.held", at=now, subscriber=line.subscriber, target=str(line), reason=reason)
        return bool(held)


def release_line(*, line: Line, now: datetime, by: User | None = None) -> int:
    """Send again from a held line; returns how many messages were waiting."""
    with transaction.atomic():
        if _held_since(line.pk) is not None:
            Line.objects.filter(pk=line.pk).update(held_since=None, held_reason="")
            record_audit(action="line.released", at=now, actor=by, subscriber=line.subscriber, target=str(line))
        waiting = list(Message.objects.filter(conversation__line=line, status=Status.HELD).select_related("conversation"))
        # All rows before the first event: the number locks the subscriber, and that lock comes last.
        Message.objects.filter(pk__in=[message.pk for message in waiting]).update(status=Status.QUEUED)
        for message in waiting:
            announce(message, kind=Kind.MESSAGE_CHANGED, now=now)
        announce_line(line, now=now)
        outbox_bell.ring_on_commit()
        return len(waiting)


def announce_line(line: Line, *, now: datetime) -> None:
    """Record the event by which every screen hears that a line was held or released; last in the transaction."""
    record(subscriber_id=line.subscriber_id, kind=Kind.ACCESS_CHANGED, at=now, line_id=line.pk)


def hold_messages(*, message: Message, now: datetime) -> bool:
    """Put a claimed message of a held line back, visibly held; queued when the line was released meanwhile."""
    with transaction.atomic():
        is_held = _held_since(message.conversation.line_id) is not None
        status = Status.HELD if is_held else Status.QUEUED
        return _finish(message, now, [Status.SENDING, Status.UNCONFIRMED], status=status)


def _sendable(now: datetime) -> QuerySet[Message]:
    before = Message.objects.filter(conversation=OuterRef("conversation"), pk__lt=OuterRef("pk")).filter(
        Q(status__in=[Status.QUEUED, Status.HELD, Status.SENDING])
        | Q(status=Status.UNCONFIRMED, attempted_at__gt=now - HOLDS_OTHERS_FOR)
    )
    return (
        Message.objects.filter(status=Status.QUEUED, conversation__line__is_active=True, conversation__line__held_since=None)
        .filter(conversation__line__subscriber__activation__sms_since__isnull=False)
        .exclude(conversation__line__in=limits.full_lines(now))
        .filter(Q(next_attempt_at=None) | Q(next_attempt_at__lte=now))
        .exclude(Exists(before))
        .select_related("conversation__line__subscriber", "conversation__contact")
    )


def _stopped_meanwhile(message: Message, now: datetime) -> bool:
    """The last look before the hand-over: who texted STOP since gets nothing more, nor whom the line may text no longer."""
    line, number = message.conversation.line, message.conversation.contact.number
    if not limits.may_text(line, number):
        reason = Reason.NOT_ALLOWED
    elif opt_out_in_force(line=line, number=number):
        reason = Reason.OPTED_OUT
    else:
        return False
    # Not ours any more (a late report moved it): no reason to send it either.
    _finish(message, now, [Status.SENDING], is_untried=True, status=Status.FAILED, reason=reason, failed_at=now)
    return True


def _held_since(line_id: int) -> datetime | None:
    """Since when the line is held; nobody holds or releases it until we commit."""
    return Line.objects.select_for_update(no_key=True).values_list("held_since", flat=True).get(pk=line_id)


def _finish(message: Message, now: datetime, only_from: list[Status], *, is_untried: bool = False, **changes: object) -> bool:
    """Move a message on, if it still is where we think it is and nobody has begun another attempt, and tell the screens.

    One that waits again, or `is_untried`, does not count for its line's limits.
    """
    with transaction.atomic():
        ours = Message.objects.filter(pk=message.pk, status__in=only_from, attempts=message.attempts)
        moved = ours.update(lease_until=None, lease_by="", **changes)
        if moved:
            if changes["status"] in WENT_WRONG:
                refresh_standing(message.conversation_id)
            if is_untried or changes["status"] in {Status.QUEUED, Status.HELD}:
                limits.take_back(message.conversation.line, counted_at=message.attempted_at)
                if message.origin == Origin.RULE:
                    automatic.take_back(message)
            if message.origin == Origin.RULE and changes["status"] in WENT_WRONG:
                message.status = str(changes["status"])
                automatic.turned(message, now)
            announce(message, kind=Kind.MESSAGE_CHANGED, now=now)
    # By name: reading everything anew would forget the conversation, line and contact that came with it.
    message.refresh_from_db(fields=MOVING)
    return bool(moved)


def outranks(new: Status, old: str) -> bool:
    """Whether a report of `new` may replace `old`; of the same rank the first one stays."""
    return RANK[new] > RANK[Status(old)]
