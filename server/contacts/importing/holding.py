"""Who works on an import, and saying how far it is: each statement asks whether it is still one's own.

`worker` is `2:` while it waits for its second worker, and `2:` with that worker's word while it is worked on.
So a cancel is noticed, and a worker that was taken for dead and is not can't write what another writes.
"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from server.contacts.models import ContactImport, ImportState
from server.events.log import record
from server.events.models import Kind

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

WORKED_ON = (ImportState.UPLOADED, ImportState.CHECKING, ImportState.RUNNING, ImportState.UNDOING)
FIRST = "1:"
PROGRESS_EVERY = 1.0
# Before the first row, and when what would have changed has not.
NOTHING_COUNTED = dict.fromkeys(("new_count", "changed_count", "same_count", "error_count"), 0)


class TakenAway(Exception):
    """It was cancelled meanwhile, or another worker has taken it over."""


def claim(import_id: int) -> ContactImport | None:
    waiting = ContactImport.objects.filter(pk=import_id, state__in=WORKED_ON).first()
    if waiting is None or not waiting.worker.endswith(":"):
        return None
    word = f"{waiting.worker}{uuid.uuid4().hex}"
    taken = ContactImport.objects.filter(pk=import_id, state=waiting.state, worker=waiting.worker)
    if not taken.update(worker=word, alive_at=timezone.now()):
        return None
    return ContactImport.objects.select_related("user", "subscriber").get(pk=import_id)


def ours(held: ContactImport) -> QuerySet[ContactImport]:
    return ContactImport.objects.filter(pk=held.pk, state=held.state, worker=held.worker)


def tell(one: ContactImport, now: datetime) -> None:
    record(subscriber_id=one.subscriber_id, kind=Kind.IMPORT_CHANGED, at=now, user_id=one.user_id)


class Progress:
    """Says about once a second how far it is, in the transaction of what was done, or in one of its own."""

    def __init__(self, held: ContactImport) -> None:
        self._held, self._told_at = held, 0.0

    def keep(self, **values: Any) -> None:
        """Within a transaction: raises TakenAway, and what was done in it is undone."""
        now = timezone.now()
        if not ours(self._held).update(alive_at=now, **values):
            raise TakenAway
        for name, value in values.items():
            setattr(self._held, name, value)
        if time.monotonic() - self._told_at >= PROGRESS_EVERY:
            tell(self._held, now)
            self._told_at = time.monotonic()

    def reach(self, **values: Any) -> None:
        """Where nothing is written but how far it is: not more often than somebody would see."""
        if time.monotonic() - self._told_at >= PROGRESS_EVERY:
            with transaction.atomic():
                self.keep(**values)


def finish(held: ContactImport, state: ImportState, now: datetime, **values: Any) -> None:
    """Within a transaction: lets go of it in its next state; raises TakenAway."""
    if not ours(held).update(state=state, worker="", alive_at=now, **values):
        raise TakenAway
    for name, value in ({"state": state, "worker": ""} | values).items():
        setattr(held, name, value)
