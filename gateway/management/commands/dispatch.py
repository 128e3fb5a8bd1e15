"""`python manage.py dispatch`: send the outbox until told to stop."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand

from gateway.dispatch import THREADS, Dispatcher

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    help = "Send queued messages, look up unconfirmed ones, do the chores; SIGTERM finishes the sends in hand."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--threads", type=int, default=THREADS, help="how many messages to send at once (default: %(default)s)")

    def handle(self, *, threads: int, **_: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        Dispatcher(threads=threads).run(stop)
