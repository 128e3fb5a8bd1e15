"""Call logic at work: the rules look at what happened, their steps are taken, people are told, overdue promises escalate.

Each of these is claimed row by row, so any number of dispatchers do it together.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils import timezone

from server.calls.firing import fire_due, take_due_steps
from server.calls.promises import escalate_overdue
from server.calls.telling import tell_due

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from datetime import datetime

logger = logging.getLogger(__name__)

LOOKS_EVERY = 0.5
# The list shows it as overdue by itself; its place, and who is told, follow.
ESCALATES_EVERY = 2.0


def work_off(now: datetime) -> int:
    """Do everything that is due, on this thread, as `send_due` does; returns how much that was."""
    done = 0
    while worked := fire_due(now=now) + take_due_steps(now=now) + escalate_overdue(now=now) + tell_due(now=now):
        done += worked
    return done


def keep_working(stop: threading.Event) -> None:
    """Until `stop` is set: as long as there is something to do, else twice a second."""
    escalates_at = time.monotonic()
    while not stop.is_set():
        worked = sum(_do(work) for work in (fire_due, take_due_steps, tell_due))
        if time.monotonic() >= escalates_at:
            _do(escalate_overdue)
            escalates_at = time.monotonic() + ESCALATES_EVERY
        close_old_connections()
        if not worked:
            stop.wait(LOOKS_EVERY)


def _do(work: Callable[..., int]) -> int:
    try:
        return work(now=timezone.now())
    except (DatabaseError, InterfaceError):
        # The dispatcher waits a moment, on a new connection.
        raise
    except Exception:
        # A mistake in one must not keep the others from their work.
        logger.exception("call logic: unexpected; going on")
        return 0
