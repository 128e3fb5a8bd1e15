"""A night's work: what is older than a company keeps goes, a few conversations at a time.

    begin_due_runs()   a chore: at night in the company's zone, once
    retire()           the task worker: walks through the conversations by id; each step is one short transaction

Whoever dies in between is followed by the next, who goes on after the last conversation that was done with.
"""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, F, OuterRef, Value
from django.db.models.functions import Greatest
from django.tasks import task
from django.utils import timezone

from server.accounts.models import Subscriber, record_audit
from server.calls.models import Call
from server.contacts.models import Consent, Contact
from server.events.log import record
from server.events.models import Kind
from server.lines.models import Line
from server.messaging.models import ON_ITS_WAY, Activity, Conversation, Direction, Draft, Message, Note, ReadMarker
from server.messaging.standing import lock_conversation
from server.privacy import forgetting
from server.privacy.calls import delete_old_anonymous_calls, delete_old_calls
from server.privacy.models import LegalHold, RetentionRun
from server.privacy.retention import beginning_of_kept, conversations_on_hold, is_stopped
from server.privacy.searching_words import forget_words

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date, datetime

    from django.db.models import QuerySet

logger = logging.getLogger(__name__)

# One transaction deletes so many messages at most.
BATCH = 1000
# So many conversations are looked through in one step.
THREADS = 200
NIGHT = range(1, 5)
STALLED_AFTER = timedelta(minutes=1)


def begin_due_runs(*, now: datetime) -> int:
    """Begin tonight's run of every company that has one to make, and take up those that stand still; returns how many."""
    begun = 0
    for subscriber in Subscriber.objects.filter(keeps_messages_days__isnull=False):
        local = now.astimezone(ZoneInfo(subscriber.timezone))
        if local.hour in NIGHT and not is_stopped(subscriber):
            begun += _begin(subscriber, local.date(), now)
    for run in RetentionRun.objects.filter(finished_at=None, seen_at__lt=now - STALLED_AFTER):
        begun += _take_up(run, now)
    return begun


def _begin(subscriber: Subscriber, night: date, now: datetime) -> bool:
    days = subscriber.keeps_messages_days
    if days is None or RetentionRun.objects.filter(subscriber=subscriber, night=night).exists():
        return False
    before = beginning_of_kept(subscriber, days=days, now=now)
    try:
        with transaction.atomic():
            run = RetentionRun.objects.create(subscriber=subscriber, night=night, before=before, started_at=now, seen_at=now)
            retire_in_worker.enqueue(run.pk)
    except IntegrityError:
        # Another dispatcher was quicker.
        return False
    return True


def _take_up(run: RetentionRun, now: datetime) -> bool:
    with transaction.atomic():
        unchanged = RetentionRun.objects.filter(pk=run.pk, finished_at=None, worker=run.worker, seen_at=run.seen_at)
        if not unchanged.update(worker="", seen_at=now):
            return False
        retire_in_worker.enqueue(run.pk)
    return True


@task(queue_name="exports")
def retire_in_worker(run_id: int) -> None:
    retire(run_id=run_id)


def retire(*, run_id: int) -> None:
    """Do, or go on with, a run; nothing when somebody else does it."""
    worker, now = uuid.uuid4().hex, timezone.now()
    if not RetentionRun.objects.filter(pk=run_id, finished_at=None, worker="").update(worker=worker, seen_at=now):
        return
    run = RetentionRun.objects.select_related("subscriber").get(pk=run_id)
    while (threads := _next_threads(run)) is not None:
        if not _retire_threads(run, threads):
            break
    _finish(run)


def _next_threads(run: RetentionRun) -> list[int] | None:
    # All of them: a message may be older than its conversation, one that no webhook brought.
    following = Conversation.objects.filter(subscriber=run.subscriber_id, pk__gt=run.reached)
    ids = list(following.order_by("pk").values_list("pk", flat=True)[:THREADS])
    return ids or None


def _retire_threads(run: RetentionRun, threads: list[int]) -> bool:
    """All that is too old in these; False when the run is somebody else's, or is to stop."""
    while True:
        with transaction.atomic():
            if not _ours(run).update(seen_at=timezone.now()) or is_stopped(run.subscriber):
                return False
            free = {*threads} - {*conversations_on_hold(run.subscriber).filter(pk__in=threads).values_list("pk", flat=True)}
            deleted = _delete_messages(run, free)
            counts = Counter(run.counts) + Counter(messages=deleted)
            is_done = deleted < BATCH
            if is_done:
                counts += _delete_rest(run, free)
            run.counts = dict(counts)
            run.reached = threads[-1] if is_done else run.reached
            _ours(run).update(counts=run.counts, reached=run.reached)
        if is_done:
            return True


def _delete_messages(run: RetentionRun, threads: Collection[int]) -> int:
    # What is on its way will be settled first, however old it is.
    old = Message.objects.filter(conversation__in=threads, created_at__lt=run.before).exclude(status__in=ON_ITS_WAY)
    chosen = list(old.values_list("pk", "conversation_id", "direction")[:BATCH])
    if not chosen:
        return 0
    Message.objects.filter(pk__in=[pk for pk, _, _ in chosen]).delete()
    for conversation in sorted({conversation for _, conversation, direction in chosen if direction == Direction.IN}):
        _count_down(conversation)
    return len(chosen)


def _count_down(conversation_id: int) -> None:
    """unread = received - read: the oldest go first, and those were read first.

    What came while the contact was blocked was never counted: so only as much is taken as is not there any more.
    """
    received = lock_conversation(conversation_id).inbound_count
    left = Message.objects.filter(conversation=conversation_id, direction=Direction.IN).count()
    gone = max(0, received - left)
    if gone:
        Conversation.objects.filter(pk=conversation_id).update(inbound_count=received - gone)
        markers = ReadMarker.objects.filter(conversation=conversation_id)
        markers.update(inbound_read=Greatest(F("inbound_read") - gone, Value(0)))


def _delete_rest(run: RetentionRun, threads: Collection[int]) -> Counter[str]:
    deleted = Counter(
        calls=delete_old_calls(threads, run.before),
        notes=Note.objects.filter(conversation__in=threads, created_at__lt=run.before).delete()[1].get("messaging.Note", 0),
        activities=Activity.objects.filter(conversation__in=threads, at__lt=run.before).delete()[0],
        drafts=Draft.objects.filter(conversation__in=threads, updated_at__lt=run.before).delete()[0],
    )
    return deleted + _delete_empty(run, threads)


def _delete_empty(run: RetentionRun, threads: Collection[int]) -> Counter[str]:
    """Conversations in which nothing is left, and contacts of whom nothing is known but a number."""
    empty = Conversation.objects.filter(pk__in=threads, latest_at__lt=run.before)
    for model in (Message, Note, Activity, Draft, Call):
        empty = empty.exclude(Exists(model._default_manager.filter(conversation=OuterRef("pk"))))
    # Locked: who writes into one of them now finds it gone, and makes another.
    gone = list(empty.select_for_update(of=("self",)).order_by("pk").values_list("pk", "contact"))
    Conversation.objects.filter(pk__in=[pk for pk, _ in gone]).delete()
    # Only notes are left, or only newer ones: nothing waits for an answer any more.
    bare = Conversation.objects.filter(pk__in=threads, latest_message=None, latest_at__lt=run.before)
    bare.update(waiting_since=None, has_failed=False)
    return Counter(conversations=len(gone), contacts=_delete_nameless({contact for _, contact in gone}))


def _delete_nameless(contacts: Collection[int]) -> int:
    bare = Contact.objects.filter(pk__in=contacts, name="", company="", note="", emails=[], main=None, blocked_at=None)
    bare = bare.annotate(known=Count("conversations") + Count("others") + Count("tags")).filter(known=0)
    bare = bare.exclude(Exists(Consent.objects.filter(contact=OuterRef("pk"))))
    bare = bare.exclude(Exists(LegalHold.objects.filter(contact=OuterRef("pk"))))
    # Contacts are locked before their conversations elsewhere: who has one in hand now needs it, so it stays.
    free = Contact.objects.select_for_update(skip_locked=True).filter(pk__in=contacts).values_list("pk", flat=True)
    ids = list(bare.filter(pk__in=list(free)).values_list("pk", flat=True))
    Contact.objects.filter(pk__in=ids).delete()
    return len(ids)


def _finish(run: RetentionRun) -> None:
    line_ids = list(Line.objects.filter(subscriber=run.subscriber_id).values_list("pk", flat=True))
    has_held = LegalHold.objects.in_force().filter(subscriber=run.subscriber_id).exists()
    # What a provider posted says of whom only in its text: while somebody is on hold, all of it stays its usual time.
    receipts = 0 if has_held else forgetting.forget_older(line_ids=line_ids, before=run.before)
    calls = 0 if has_held else delete_old_anonymous_calls(run.subscriber_id, run.before)
    forget_words()
    now = timezone.now()
    with transaction.atomic():
        counts = dict(Counter(run.counts) + Counter(receipts=receipts, calls=calls))
        if not _ours(run).update(finished_at=now, seen_at=now, counts=counts):
            return
        record_audit(
            action="retention.run",
            at=now,
            subscriber=run.subscriber,
            target=f"{run.night}",
            before=f"{run.before:%Y-%m-%d}",
            deleted=counts,
        )
        if counts:
            record(subscriber_id=run.subscriber_id, kind=Kind.PHONEBOOK_CHANGED, at=now)
    logger.info("retention of subscriber %s: %s", run.subscriber_id, counts)


def _ours(run: RetentionRun) -> QuerySet[RetentionRun]:
    return RetentionRun.objects.filter(pk=run.pk, worker=run.worker, finished_at=None)
