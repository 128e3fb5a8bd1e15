"""Saying every few seconds that somebody still works on an import, however long a single step takes."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from server.contacts.models import ContactImport

logger = logging.getLogger(__name__)

EVERY = timedelta(seconds=5)
# Several signs were missed: whoever gave them is dead.
STALLED_AFTER = 6 * EVERY


@contextmanager
def signs_of_life(ours: QuerySet[ContactImport]) -> Iterator[None]:
    """Keep `alive_at` of the import fresh while the block lasts, on a thread and a connection of its own."""
    is_over = threading.Event()
    heart = threading.Thread(target=_beat, args=(ours, is_over), name="sign of life of an import", daemon=True)
    heart.start()
    try:
        yield
    finally:
        is_over.set()
        heart.join()


def _beat(ours: QuerySet[ContactImport], is_over: threading.Event) -> None:
    try:
        while not is_over.wait(EVERY.total_seconds()):
            _say(ours)
    finally:
        connections.close_all()


def _say(ours: QuerySet[ContactImport]) -> None:
    try:
        ours.all().update(alive_at=timezone.now())
    except (DatabaseError, InterfaceError):
        # The next one is the next try, on a new connection.
        logger.warning("a sign of life of an import could not be given")
        connections.close_all()
