"""What the dispatchers do now and then: one line each, and only one of several dispatchers does each."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gateway import models, pulse, reconcile
from gateway.models import WebhookReceipt
from server.events.log import drop_old_events
from server.messaging.sending import reap_leases

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

RECEIPTS_KEPT_FOR = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Chore:
    """A job with its pace; `do` gets the time, and when the job was last done."""

    name: str
    every: timedelta
    do: Callable[[datetime, datetime | None], object]


def drop_old_receipts(now: datetime) -> int:
    """Delete webhook receipts older than 90 days."""
    deleted, _ = WebhookReceipt.objects.filter(received_at__lt=now - RECEIPTS_KEPT_FOR).delete()
    return deleted


CHORES = (
    Chore("pulse", pulse.BEATS_EVERY, lambda now, _: pulse.beat(now)),
    Chore("reap leases", timedelta(seconds=5), lambda now, _: reap_leases(now=now)),
    Chore("look up unconfirmed", timedelta(seconds=15), lambda now, _: reconcile.look_up_unconfirmed(now)),
    Chore("fetch missed inbound", timedelta(hours=1), reconcile.fetch_missed_inbound),
    Chore("drop old events", timedelta(hours=1), lambda now, _: drop_old_events(now=now)),
    Chore("drop old receipts", timedelta(days=1), lambda now, _: drop_old_receipts(now)),
)


def do_due_chores(now: datetime) -> int:
    """Do the chores that are due and that nobody else has taken; returns how many were done."""
    _write_down_new_ones(now)
    due = {row.name: row for row in models.Chore.objects.filter(due_at__lte=now)}
    return sum(_do(chore, due[chore.name], now) for chore in CHORES if chore.name in due)


def _do(chore: Chore, row: models.Chore, now: datetime) -> bool:
    ours = models.Chore.objects.filter(pk=row.pk, due_at=row.due_at).update(due_at=now + chore.every)
    if not ours:
        return False
    try:
        chore.do(now, row.done_at)
    except Exception:
        # The next turn is the next try; other chores must not wait for it.
        logger.exception("chore %s failed", chore.name)
        return False
    models.Chore.objects.filter(pk=row.pk).update(done_at=now)
    return True


def _write_down_new_ones(now: datetime) -> None:
    known = set(models.Chore.objects.values_list("name", flat=True))
    new = [models.Chore(name=chore.name, due_at=now) for chore in CHORES if chore.name not in known]
    if new:
        models.Chore.objects.bulk_create(new, ignore_conflicts=True)
