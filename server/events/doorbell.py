"""The doorbell: tells every web process that a subscriber's log has grown, or that a person must go.

It carries ids only. It may be lost: heartbeats and the log make up for it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

from channels.layers import get_channel_layer

logger = logging.getLogger(__name__)

_loop: asyncio.AbstractEventLoop | None = None
_starting = threading.Lock()


def group_of(subscriber_id: int) -> str:
    return f"subscriber.{subscriber_id}"


def ring(subscriber_id: int, number: int) -> None:
    """Say that the subscriber's log has reached `number`."""
    _send(subscriber_id, {"type": "doorbell", "subscriber": subscriber_id, "number": number})


def whisper(subscriber_id: int, statement: dict[str, Any]) -> None:
    """Pass on something that is not worth a row: who is here, who is typing, who must go."""
    _send(subscriber_id, {"type": "whisper", "subscriber": subscriber_id, **statement})


def dismiss(*, subscriber_id: int | None, user_id: int, code: int, session_key: str = "") -> None:
    """Close a person's open sockets at once (all, or one session's): 4401 logged out, 4403 no longer allowed."""
    if subscriber_id is not None:
        whisper(subscriber_id, {"kind": "dismiss", "user": user_id, "code": code, "session": session_key})


def hang_on(loop: asyncio.AbstractEventLoop) -> None:
    """Use this running loop for ringing; the web server calls it once with its own."""
    global _loop
    _loop = loop


def _send(subscriber_id: int, statement: dict[str, Any]) -> None:
    future = asyncio.run_coroutine_threadsafe(_group_send(subscriber_id, statement), _running_loop())
    # Nobody waits: a webhook must not be slower because Redis is.
    future.add_done_callback(_log_failure)


async def _group_send(subscriber_id: int, statement: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if layer is not None:
        await layer.group_send(group_of(subscriber_id), statement)


def _log_failure(future: Any) -> None:
    if not future.cancelled() and (problem := future.exception()):
        logger.warning("doorbell not rung: %s", type(problem).__name__)


def _running_loop() -> asyncio.AbstractEventLoop:
    """The web server's loop, or, in a process without one, a loop on a thread of its own.

    The layers are not safe across loops, and a new loop for each ring would mean a new Redis connection.
    """
    global _loop
    with _starting:
        if _loop is None or _loop.is_closed():
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="doorbell", daemon=True).start()
        return _loop
