"""The whole of Fonal in one process: web, dispatcher and task workers."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

# First: it must choose Twisted's reactor before anybody else imports one.
from daphne.server import Server, twisted_loop  # isort: skip
from daphne.endpoints import build_endpoint_description_strings
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django_tasks_db.management.commands.db_worker import Worker

from gateway.dispatch import Dispatcher
from server.events import doorbell
from server.production import refuse_demo_people

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Iterator

logger = logging.getLogger(__name__)

# A provider gives up on a webhook after 15 s; whoever is still waiting after this gets a 503 and the place is free again.
HTTP_TIMEOUT = 20
# The longest send takes 13 s (connecting 3.05, the answer 10); then the process may go.
FINISHING = 20
# An error outside a single message or task (the database went away): try again after this pause.
RESTING = 2.0
# Each has a worker: what is done in a moment does not wait for what takes minutes.
QUEUES = settings.TASKS["default"]["QUEUES"]


class Command(BaseCommand):
    help = "Run web, dispatcher and task workers together in one process."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
        parser.add_argument("--http-timeout", type=int, default=HTTP_TIMEOUT, help="seconds for one request (default: %(default)s)")

    def handle(self, *, host: str, http_timeout: int, **_: Any) -> None:
        # Not an option: PUBLIC_URL, and with it the sockets' Origin check, follows PORT.
        port = settings.PORT
        try:
            refuse_demo_people()
        except ImproperlyConfigured as problem:
            raise CommandError(str(problem)) from problem
        self._check_is_free(host, port)

        # The in-memory layer is not safe across loops: every thread of this process rings on the web server's loop.
        doorbell.hang_on(twisted_loop)
        from server.asgi import application

        web = Server(
            application=application,
            endpoints=build_endpoint_description_strings(host=host, port=port),
            http_timeout=http_timeout,
            websocket_max_message_size=4 * settings.WEBHOOK_MAX_BYTES,
            # Above ours (64 KB, chatui/consumers.py), which says why it closes; daphne just drops.
            websocket_max_frame_size=4 * settings.WEBHOOK_MAX_BYTES,
            server_name="fonal",
            ready_callable=lambda: self._say_where(host, port),
        )
        with _beside(_dispatching(), *map(_working, QUEUES)):
            # Its own signal handlers end it: SIGINT and SIGTERM stop accepting and cancel what hangs.
            web.run()
            signal.signal(signal.SIGINT, _leave_now)

    def _check_is_free(self, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as problem:
                raise CommandError(
                    f"Port {port} on {host} can't be had ({problem.strerror}). Another program may be running there, "
                    f"perhaps Fonal itself; choose another port: PORT={port + 1 if port < 65535 else 8000} make run"
                ) from problem

    def _say_where(self, host: str, port: int) -> None:
        shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
        address = f"http://{shown}:{port}" if settings.IS_LOCAL else settings.PUBLIC_URL
        self.stdout.write(self.style.SUCCESS(f"\nFonal is running on {address}/"))
        self.stdout.write("Stop it with Ctrl+C.\n")
        self.stdout.flush()


@dataclass(frozen=True)
class _Part:
    """Something that runs on a thread of its own until it is told to stop."""

    name: str
    run: Callable[[], None]
    stop: Callable[[], None]


def _dispatching() -> _Part:
    stopped = threading.Event()
    return _Part("dispatcher", lambda: Dispatcher().run(stopped), stopped.set)


def _working(queue: str) -> _Part:
    worker = Worker(
        queue_names=[queue],
        interval=0.5,
        batch=False,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id=f"serve-{uuid.uuid4().hex}",
        excluded_queue_names=[],
    )

    def stop() -> None:
        # Its own shutdown() is a signal handler that leaves the process; the flag alone ends its loop.
        worker.running = False

    return _Part(f"worker of {queue}", worker.run, stop)


@contextlib.contextmanager
def _beside(*parts: _Part) -> Iterator[None]:
    """Run the parts while the block lasts; then let each finish what it has in hand."""
    leaving = threading.Event()
    threads = [threading.Thread(target=_keep_running, args=(part, leaving), name=part.name, daemon=True) for part in parts]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        leaving.set()
        for part in parts:
            part.stop()
        for thread in threads:
            thread.join(FINISHING)
            if thread.is_alive():
                logger.warning("the %s did not finish within %s s", thread.name, FINISHING)


def _keep_running(part: _Part, leaving: threading.Event) -> None:
    while not leaving.is_set():
        try:
            part.run()
        except Exception:
            logger.exception("the %s stopped; starting it again in %s s", part.name, RESTING)
        finally:
            connections.close_all()
        leaving.wait(RESTING)


def _leave_now(*_: object) -> None:
    sys.stderr.write("Leaving at once.\n")
    os._exit(130)
