"""What the dispatchers' chores ask of privacy: taking up what stands still, and what came too late."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from server.contacts.models import Contact
from server.lost_tasks import without_task
from server.messaging.models import Conversation
from server.privacy.erasing import erase_in_worker
from server.privacy.models import Erasure, ErasureState, ProviderRedaction
from server.privacy.provider_redactions import confirm_erasure
from server.privacy.redacting import ask_providers, late_ids, redact_batch
from server.privacy.searching_words import forget_words

if TYPE_CHECKING:
    from datetime import datetime

logger = logging.getLogger(__name__)

STALLED_AFTER = timedelta(minutes=1)
SETTLES_EVERY = timedelta(seconds=10)
# A task is queued with its erasure, and can only be lost by somebody who deletes it.
LOST_AFTER = timedelta(hours=1)
# What a provider or another process may still tell of an erased message.
LATE_FOR = timedelta(days=1)
# At least one turn of the chore.
JUST_NOW = timedelta(minutes=15)


def resume_erasures(*, now: datetime) -> int:
    """Have those done that nobody does any more, or that waited for a message on its way; returns how many."""
    died = Q(state=ErasureState.RUNNING, seen_at__lt=now - STALLED_AFTER)
    settling = Q(state=ErasureState.SETTLING, seen_at__lt=now - SETTLES_EVERY)
    lost = Erasure.objects.filter(state=ErasureState.QUEUED, seen_at__lt=now - LOST_AFTER)
    left = [*Erasure.objects.filter(died | settling), *without_task(lost, erase_in_worker)]
    return sum(_queue_again(erasure, now) for erasure in left)


def _queue_again(erasure: Erasure, now: datetime) -> bool:
    with transaction.atomic():
        unchanged = Erasure.objects.filter(pk=erasure.pk, state=erasure.state, worker=erasure.worker, seen_at=erasure.seen_at)
        if not unchanged.update(state=ErasureState.QUEUED, seen_at=now):
            return False
        erase_in_worker.enqueue(erasure.pk)
    logger.info("erasure %s: queued again, it was %s", erasure.uuid, erasure.state)
    return True


def follow_up_erasures(*, now: datetime) -> int:
    """What was told too late: a message that came at the very moment, a provider's id of one that was on its way."""
    recent = Erasure.objects.filter(state=ErasureState.FINISHED, finished_at__gt=now - LATE_FOR)
    found = 0
    for erasure in recent.select_related("subscriber"):
        with transaction.atomic():
            found += _follow_up(erasure, now)
        confirm_erasure(erasure, now=now)
    # It writes the whole index anew: not every few minutes for a day, only when words went, or somebody died before it.
    if found or recent.filter(finished_at__gt=now - JUST_NOW).exists():
        forget_words()
    return found


def _follow_up(erasure: Erasure, now: datetime) -> int:
    numbers = Contact.objects.filter(Q(pk=erasure.entry) | Q(main=erasure.entry), erased_at__isnull=False)
    found = 0
    for pk in Conversation.objects.filter(contact__in=numbers).values_list("pk", flat=True):
        edge = None
        while (edge := redact_batch(erasure, pk, after=edge, size=500, now=now)) is not None:
            found += 1
    late = late_ids(erasure)
    if late:
        ask_providers(erasure, late, now)
        if ProviderRedaction.objects.filter(erasure=erasure, confirmed_at=None).exists():
            Erasure.objects.filter(pk=erasure.pk).update(confirmed_at=None)
    return found + len(late)
