"""Saying every few seconds that somebody still works on something, however long a single step takes."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

logger = logging.getLogger(__name__)

EVERY = timedelta(seconds=5)
# Several signs were missed: whoever gave them is dead.
STALLED_AFTER = 6 * EVERY


@contextmanager
def signs_of_life(ours: QuerySet[Any], *, field: str) -> Iterator[None]:
    """Keep a row's time of the last sign fresh while the block lasts, on a thread and a connection of its own."""
    is_over = threading.Event()
    heart = threading.Thread(target=_beat, args=(ours, field, is_over), name="sign of life", daemon=True)
    heart.start()
    try:
        yield
    finally:
        is_over.set()
        heart.join()


def _beat(ours: QuerySet[Any], field: str, is_over: threading.Event) -> None:
    try:
        while not is_over.wait(EVERY.total_seconds()):
            _say(ours, field)
    finally:
        connections.close_all()


def _say(ours: QuerySet[Any], field: str) -> None:
    try:
        ours.all().update(**{field: timezone.now()})
    except (DatabaseError, InterfaceError):
        # The next one is the next try, on a new connection.
        logger.warning("a sign of life could not be given")
        connections.close_all()
