"""The doorbell: tells every web process that a subscriber's log has grown, or that a person must go.

It carries ids only. It may be lost: heartbeats and the log make up for it.

Within a web process a statement reaches the hub directly; the channel layer is for the other
processes. So one process alone needs no layer (the in-memory one, which drops what comes in a burst,
is not used), and while Redis is away every process still hears what happened in itself.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any

from channels.layers import InMemoryChannelLayer, get_channel_layer

logger = logging.getLogger(__name__)

type Statement = dict[str, Any]
type Listener = Callable[[Statement], None]

# What a socket is closed with, for the page to know what to do.
LOGGED_OUT, NOT_ALLOWED, COME_AGAIN = 4401, 4403, 4000

# A Redis that neither answers nor refuses must not pile up unrung doorbells.
PATIENCE_SECONDS = 5

_loop: asyncio.AbstractEventLoop | None = None
_loop_is_ours = False
_listener: Listener | None = None
_starting = threading.Lock()

# The latest number of each subscriber whose doorbell is about to be rung: a burst rings once.
_waiting: dict[int, int] = {}
_counting = threading.Lock()


def group_of(subscriber_id: int) -> str:
    return f"subscriber.{subscriber_id}"


def layer_between_processes() -> Any | None:
    """The channel layer, if there is one that leads to other processes."""
    layer = get_channel_layer()
    return None if isinstance(layer, InMemoryChannelLayer) else layer


def ring(subscriber_id: int, number: int) -> None:
    """Say that the subscriber's log has reached `number`; safe from any thread, returns at once."""
    loop = _running_loop()
    with _counting:
        is_waiting = subscriber_id in _waiting
        _waiting[subscriber_id] = max(number, _waiting.get(subscriber_id, 0))
    if not is_waiting:
        _start(_ring_out(subscriber_id), loop)


def whisper(subscriber_id: int, statement: Statement) -> None:
    """Pass on something that is not worth a row: who is here, who is typing, who must go."""
    _start(_send({"type": "whisper", "subscriber": subscriber_id, **statement}), _running_loop())


def dismiss(*, subscriber_id: int | None, user_id: int, code: int, session_key: str = "") -> None:
    """Close a person's open sockets at once (all, or one session's) with one of the codes above."""
    if subscriber_id is not None:
        whisper(subscriber_id, {"kind": "dismiss", "user": user_id, "code": code, "session": session_key})


def hang_on(loop: asyncio.AbstractEventLoop, listener: Listener | None = None) -> None:
    """Use this running loop for ringing, and tell `listener` (the hub) on it; the web server calls it with its own."""
    global _loop, _loop_is_ours, _listener
    with _starting:
        if _loop is not loop:
            _retire()
            _loop, _loop_is_ours, _listener = loop, False, None
        _listener = listener or _listener


async def _ring_out(subscriber_id: int) -> None:
    with _counting:
        number = _waiting.pop(subscriber_id, None)
    if number is not None:
        await _send({"type": "doorbell", "subscriber": subscriber_id, "number": number})


async def _send(statement: Statement) -> None:
    if _listener is not None and asyncio.get_running_loop() is _loop:
        _listener(statement)
    layer = layer_between_processes()
    if layer is not None:
        await asyncio.wait_for(layer.group_send(group_of(statement["subscriber"]), statement), PATIENCE_SECONDS)


def _start(sending: Any, loop: asyncio.AbstractEventLoop) -> None:
    # Nobody waits: a webhook must not be slower because Redis is.
    try:
        asyncio.run_coroutine_threadsafe(sending, loop).add_done_callback(_log_failure)
    except RuntimeError:
        # The web server has just closed its loop.
        sending.close()


def _log_failure(future: Future[None]) -> None:
    try:
        future.result()
    except CancelledError:
        pass
    except Exception as problem:
        logger.warning("doorbell not rung: %s", type(problem).__name__)


def _running_loop() -> asyncio.AbstractEventLoop:
    """The web server's loop, or, in a process without one, a loop on a thread of its own.

    The layers are not safe across loops, and a new loop for each ring would mean a new Redis connection.
    """
    global _loop, _loop_is_ours, _listener
    with _starting:
        if _loop is None or _loop.is_closed():
            _retire()
            _loop, _loop_is_ours, _listener = asyncio.new_event_loop(), True, None
            threading.Thread(target=_loop.run_forever, name="doorbell", daemon=True).start()
        return _loop


def _retire() -> None:
    """Forget what was about to be rung on the loop that goes: a lost doorbell is made up for."""
    with _counting:
        _waiting.clear()
    if _loop is not None and _loop_is_ours and not _loop.is_closed():
        _loop.call_soon_threadsafe(_loop.stop)
