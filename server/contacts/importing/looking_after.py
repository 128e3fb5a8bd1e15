"""Looking after imports: taking up those that nobody works on any more, deleting files whose day is over."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from server.contacts.importing import files
from server.contacts.importing.asking import UNDONE_WITHIN
from server.contacts.importing.holding import NOTHING_COUNTED, WORKED_ON, tell
from server.contacts.importing.problems import Problem
from server.contacts.importing.working import announce, work_later, work_on_import
from server.contacts.models import ContactImport, ImportedContact, ImportState
from server.lost_tasks import without_task
from server.signs_of_life import STALLED_AFTER

if TYPE_CHECKING:
    from datetime import datetime

logger = logging.getLogger(__name__)

# A task is queued with its import, and can only be lost by somebody who deletes it.
LOST_AFTER = timedelta(hours=1)
KEPT_FOR = timedelta(days=1)
MOST_ATTEMPTS = 3


def resume_stalled_imports(*, now: datetime) -> int:
    """Queue again what nobody works on any more: its worker was killed, or its task was lost."""
    silent = ContactImport.objects.filter(state__in=WORKED_ON, alive_at__lt=now - STALLED_AFTER)
    died = [one for one in silent if not one.worker.endswith(":")]
    lost = [one for one in silent if one.worker.endswith(":") and one.alive_at and one.alive_at < now - LOST_AFTER]
    return sum(_queue_again(one, now) for one in [*died, *without_task(lost, work_on_import)])


def expire_imports(*, now: datetime) -> int:
    """Give up what nobody went on with for a day; delete files that no import needs (any more)."""
    left = ContactImport.objects.filter(state__in=(ImportState.READ, ImportState.CHECKED), alive_at__lte=now - KEPT_FOR)
    expired = 0
    for one in left:
        with transaction.atomic():
            still = ContactImport.objects.filter(pk=one.pk, state=one.state, alive_at=one.alive_at)
            given_up = still.update(
                state=ImportState.FAILED, problem=Problem.LOST, columns=[], errors=[], finished_at=now, **NOTHING_COUNTED
            )
            if given_up:
                tell(one, now)
        expired += given_up
    _sweep(now)
    _forget(now)
    return expired


def _forget(now: datetime) -> None:
    """What was only kept for an undo, which is no longer possible: who was in a file, and what was wrong with it."""
    past = ContactImport.objects.filter(finished_at__lt=now - UNDONE_WITHIN).exclude(state__in=WORKED_ON)
    ImportedContact.objects.filter(source__in=past).delete()
    past.exclude(errors=[]).update(errors=[])


def _sweep(now: datetime) -> None:
    # In this order: a file may be there a moment before its import is.
    there = files.names_there()
    needed = ContactImport.objects.filter(state__in=(*WORKED_ON, ImportState.READ, ImportState.CHECKED), kept_as__in=there)
    unknown = there.keys() - set(needed.values_list("kept_as", flat=True))
    for name in unknown:
        if there[name] < (now - LOST_AFTER).timestamp():
            files.delete_files(name)


def _queue_again(one: ContactImport, now: datetime) -> bool:
    attempt = int(one.worker.partition(":")[0] or 1)
    gives_up = not one.worker.endswith(":") and attempt >= MOST_ATTEMPTS
    with transaction.atomic():
        unchanged = ContactImport.objects.filter(pk=one.pk, state=one.state, worker=one.worker, alive_at=one.alive_at)
        if gives_up:
            taken = unchanged.update(state=ImportState.FAILED, problem=Problem.INTERRUPTED, worker="", finished_at=now)
        else:
            taken = unchanged.update(worker=f"{attempt + (not one.worker.endswith(':'))}:", alive_at=now)
        if not taken:
            return False
        if not gives_up:
            work_later(one)
        tell(one, now)
        if gives_up:
            announce(one)
    logger.warning("import %s stood still in attempt %s: %s", one.uuid, attempt, "failed" if gives_up else "queued again")
    return True
