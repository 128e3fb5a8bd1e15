"""Looking after exports: taking up those that nobody makes any more, deleting those whose day is over."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from server.history.export_files import delete_file, files_there
from server.history.export_log import tell
from server.history.making import make_in_worker, make_later
from server.history.models import Export, ExportStatus
from server.lost_tasks import without_task
from server.signs_of_life import STALLED_AFTER

if TYPE_CHECKING:
    from datetime import datetime


logger = logging.getLogger(__name__)

# A task is queued with its export, and can only be lost by somebody who deletes it.
LOST_AFTER = timedelta(hours=1)
MOST_ATTEMPTS = 3


def resume_stalled_exports(*, now: datetime) -> int:
    """Queue again what nobody makes any more: its worker was killed, or its task was lost."""
    died = Export.objects.filter(status=ExportStatus.RUNNING, seen_at__lt=now - STALLED_AFTER)
    waiting = Export.objects.filter(status=ExportStatus.QUEUED)
    lost = waiting.filter(Q(seen_at=None, created_at__lt=now - LOST_AFTER) | Q(seen_at__lt=now - LOST_AFTER))
    return sum(_queue_again(export, now) for export in [*died, *without_task(lost, make_in_worker)])


def make_again(export: Export, *, now: datetime) -> bool:
    """Have one that is not finished made anew: what it has read so far may not be in it."""
    return _queue_again(export, now)


def _queue_again(export: Export, now: datetime) -> bool:
    gives_up = export.status == ExportStatus.RUNNING and export.attempts >= MOST_ATTEMPTS
    with transaction.atomic():
        unchanged = Export.objects.filter(pk=export.pk, status=export.status, file=export.file, seen_at=export.seen_at)
        if gives_up:
            taken = unchanged.update(status=ExportStatus.FAILED, finished_at=now)
        else:
            taken = unchanged.update(status=ExportStatus.QUEUED, seen_at=now, rows_done=0)
        if not taken:
            return False
        if not gives_up:
            make_later(export)
        tell(export, now)
    delete_file(export.file)
    logger.warning(
        "export %s stood still in attempt %s: %s", export.uuid, export.attempts, "failed" if gives_up else "queued again"
    )
    return True


def expire_exports(*, now: datetime) -> int:
    """Delete files whose day is over, and those that no export knows (any more)."""
    expired = 0
    for export in Export.objects.filter(status=ExportStatus.FINISHED, expires_at__lte=now):
        with transaction.atomic():
            ours = Export.objects.filter(pk=export.pk, status=ExportStatus.FINISHED).update(status=ExportStatus.EXPIRED)
            if ours:
                tell(export, now)
        expired += ours
    _sweep()
    return expired


def _sweep() -> None:
    # In this order: a file is only made after its name is in the database.
    there = files_there()
    known = Export.objects.filter(status__in=[ExportStatus.RUNNING, ExportStatus.FINISHED], file__in=there)
    for name in there - set(known.values_list("file", flat=True)):
        delete_file(name)
