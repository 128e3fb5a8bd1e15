"""What the dispatchers do now and then: one line each, and only one of several dispatchers does each."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from axes.models import AccessAttempt, AccessLog
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django_tasks_db.models import DBTaskResult

from gateway import models
from gateway.reconcile import fetch_missed_inbound, look_up_unconfirmed
from gateway.redaction import ask_to_forget
from server.accounts.log_ins import forget_ended_sessions
from server.calls.clearing import drop_old_runs
from server.calls.counting import drop_old_usage
from server.contacts.importing.looking_after import expire_imports, resume_stalled_imports
from server.events.log import drop_old_events
from server.history.looking_after import expire_exports, resume_stalled_exports
from server.messaging.sending import reap_leases
from server.privacy.looking_after import follow_up_erasures, resume_erasures
from server.privacy.retiring import begin_due_runs

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

RECEIPTS_KEPT_FOR = timedelta(days=90)
# Anybody can write them, by trying passwords.
LOG_INS_KEPT_FOR = timedelta(days=90)
# Long enough to see why a letter was not sent; an old address stands in some of them.
TASKS_KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Chore:
    """A job with its pace; `do` gets the time."""

    name: str
    every: timedelta
    do: Callable[[datetime], object]
    # A provider that hangs must not keep the other chores waiting.
    asks_provider: bool = False


def drop_old_receipts(now: datetime) -> int:
    """Delete webhook receipts older than 90 days."""
    deleted, _ = models.WebhookReceipt.objects.filter(received_at__lt=now - RECEIPTS_KEPT_FOR).delete()
    return deleted


def drop_old_log_ins(now: datetime) -> None:
    """Delete sessions that are over with what was noted of them, and log-ins and attempts at one that are older than 90 days."""
    SessionStore.clear_expired()
    forget_ended_sessions()
    for model in (AccessAttempt, AccessLog):
        model.objects.filter(attempt_time__lt=now - LOG_INS_KEPT_FOR).delete()


def drop_old_tasks(now: datetime) -> int:
    """Delete what the workers have done, well or not, more than 30 days ago: they keep it for ever."""
    deleted, _ = DBTaskResult.objects.finished().filter(finished_at__lt=now - TASKS_KEPT_FOR).delete()
    return deleted


def move_log_into_database(now: datetime) -> None:
    """SQLite: do what a webhook would have to wait for otherwise; PASSIVE waits for nobody and holds up nobody."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")


def take_stock(now: datetime) -> None:
    """SQLite: look at some rows of each index, or a rare word is looked for among all messages. PostgreSQL does it by itself."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA analysis_limit = 1000")
            cursor.execute("ANALYZE")


CHORES = (
    Chore("move log into database", timedelta(seconds=2), move_log_into_database),
    Chore("reap leases", timedelta(seconds=5), lambda now: reap_leases(now=now)),
    Chore("resume stalled exports", timedelta(seconds=10), lambda now: resume_stalled_exports(now=now)),
    Chore("resume stalled imports", timedelta(seconds=10), lambda now: resume_stalled_imports(now=now)),
    Chore("look up unconfirmed", timedelta(seconds=15), look_up_unconfirmed, asks_provider=True),
    Chore("resume erasures", timedelta(seconds=5), lambda now: resume_erasures(now=now)),
    Chore("follow up erasures", timedelta(minutes=5), lambda now: follow_up_erasures(now=now)),
    Chore("begin retention", timedelta(minutes=1), lambda now: begin_due_runs(now=now)),
    Chore("ask to forget", timedelta(seconds=5), ask_to_forget, asks_provider=True),
    Chore("fetch missed inbound", timedelta(hours=1), fetch_missed_inbound, asks_provider=True),
    Chore("drop old events", timedelta(hours=1), lambda now: drop_old_events(now=now)),
    Chore("expire exports", timedelta(minutes=1), lambda now: expire_exports(now=now)),
    Chore("expire imports", timedelta(minutes=10), lambda now: expire_imports(now=now)),
    Chore("take stock", timedelta(days=1), take_stock),
    Chore("drop old usage", timedelta(days=1), lambda now: drop_old_usage(now=now)),
    Chore("drop old runs", timedelta(days=1), lambda now: drop_old_runs(now=now)),
    Chore("drop old receipts", timedelta(days=1), drop_old_receipts),
    Chore("drop old log-ins", timedelta(days=1), drop_old_log_ins),
    Chore("drop old tasks", timedelta(days=1), drop_old_tasks),
)
OUR_CHORES = tuple(chore for chore in CHORES if not chore.asks_provider)
PROVIDER_CHORES = tuple(chore for chore in CHORES if chore.asks_provider)


def do_due_chores(now: datetime, chores: tuple[Chore, ...] = CHORES) -> int:
    """Do those of the chores that are due and that nobody else has taken; returns how many were done."""
    rows = {row.name: row for row in models.Chore.objects.all()}
    new = [models.Chore(name=chore.name, due_at=now) for chore in chores if chore.name not in rows]
    if new:
        models.Chore.objects.bulk_create(new, ignore_conflicts=True)
        rows = {row.name: row for row in models.Chore.objects.all()}
    return sum(_do(chore, rows[chore.name], now) for chore in chores if rows[chore.name].due_at <= now)


def _do(chore: Chore, row: models.Chore, now: datetime) -> bool:
    ours = models.Chore.objects.filter(pk=row.pk, due_at=row.due_at).update(due_at=now + chore.every)
    if not ours:
        return False
    try:
        chore.do(now)
    except Exception:
        # The next turn is the next try; other chores must not wait for it.
        logger.exception("chore %s failed", chore.name)
        return False
    models.Chore.objects.filter(pk=row.pk).update(done_at=now)
    return True
