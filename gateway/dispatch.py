"""The dispatcher: claims what may go out, hands it to senders, and does the chores.

One thread claims; a few send, so that a provider that hangs on one line does not stop the others;
two do the chores, one of them those that ask providers; one does what call logic wants done; one, on PostgreSQL,
listens for the outbox's bell.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from django.db import close_old_connections, connection
from django.db.utils import DatabaseError, InterfaceError
from django.utils import timezone

from gateway import call_logic, pulse
from gateway.chores import OUR_CHORES, PROVIDER_CHORES, do_due_chores
from gateway.providers import simulator
from gateway.pulse import dispatcher_is_alive
from gateway.sending import send_claimed
from server.messaging import outbox_bell
from server.messaging.sending import claim_next

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.chores import Chore
    from server.messaging.models import Message

__all__ = ["Dispatcher", "dispatcher_is_alive"]

logger = logging.getLogger(__name__)

THREADS = 8
LOOKS_EVERY = 0.5
DATABASE_AWAY_PAUSE = 2.0


class Dispatcher:
    """Sends the outbox; any number of them may run, in one process or in many."""

    def __init__(self, *, threads: int = THREADS) -> None:
        self.name = f"{socket.gethostname()[:20]}:{os.getpid()}"
        self._threads = threads
        # One hanging line takes half of the senders at most.
        self._per_line = max(1, threads // 2)
        self._in_hand: Counter[int] = Counter()
        self._lock = threading.Lock()
        self._next_beat = 0.0

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; then finish the sends in hand, and return."""
        logger.info("dispatcher %s begins", self.name)
        works = {
            "chores": partial(_do_chores, OUR_CHORES),
            "questions to providers": partial(_do_chores, PROVIDER_CHORES),
            "call logic": call_logic.keep_working,
            "bell": _listen,
        }
        helpers = [
            threading.Thread(target=_again_and_again, args=(work, stop), name=name, daemon=True) for name, work in works.items()
        ]
        for helper in helpers:
            helper.start()
        with ThreadPoolExecutor(self._threads, thread_name_prefix="sender") as senders:
            _again_and_again(lambda stop: self._send_what_is_due(senders, stop), stop)
        for helper in helpers:
            helper.join(timeout=2)
        logger.info("dispatcher %s ends", self.name)

    def _send_what_is_due(self, senders: ThreadPoolExecutor, stop: threading.Event) -> None:
        while not stop.is_set():
            self._beat()
            message = self._claim()
            if message is None:
                simulator.post_due_reports(timezone.now())
                # The senders, too, ring when they are done: a place is free, or a conversation's next message.
                outbox_bell.wait(LOOKS_EVERY)
            else:
                senders.submit(self._send, message, time.monotonic())

    def _beat(self) -> None:
        """A sign of life from the loop that matters."""
        if time.monotonic() >= self._next_beat:
            pulse.beat(timezone.now())
            self._next_beat = time.monotonic() + pulse.BEATS_EVERY.total_seconds()

    def _claim(self) -> Message | None:
        with self._lock:
            busy = [line for line, count in self._in_hand.items() if count >= self._per_line]
            if self._in_hand.total() >= self._threads:
                return None
        message = claim_next(by=self.name, now=timezone.now(), busy_lines=busy)
        if message is not None:
            with self._lock:
                self._in_hand[message.conversation.line_id] += 1
        return message

    def _send(self, message: Message, claimed_at: float) -> None:
        try:
            send_claimed(message, claimed_at=claimed_at)
        except Exception:
            # Its lease runs out, and then it is looked up.
            logger.exception("message %s: not recorded", message.uuid)
        finally:
            with self._lock:
                self._in_hand[message.conversation.line_id] -= 1
            close_old_connections()
            outbox_bell.ring()


def _again_and_again(work: Callable[[threading.Event], None], stop: threading.Event) -> None:
    """Keep a loop going whatever happens to it."""
    while not stop.is_set():
        try:
            work(stop)
        except (DatabaseError, InterfaceError) as problem:
            logger.warning("the database is away (%s), waiting", type(problem).__name__)
        except Exception:
            logger.exception("unexpected; going on")
        else:
            continue
        with contextlib.suppress(Exception):
            connection.close()
        stop.wait(DATABASE_AWAY_PAUSE)
    connection.close()


def _do_chores(chores: tuple[Chore, ...], stop: threading.Event) -> None:
    while not stop.is_set():
        do_due_chores(timezone.now(), chores)
        close_old_connections()
        stop.wait(1)


def _listen(stop: threading.Event) -> None:
    """On PostgreSQL, pass on the bell that other processes ring."""
    if connection.vendor != "postgresql":
        stop.wait()
        return
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {outbox_bell.CHANNEL}")
    listening = connection.connection
    while not stop.is_set():
        with connection.wrap_database_errors:
            for _ in listening.notifies(timeout=1, stop_after=1):
                outbox_bell.ring()
