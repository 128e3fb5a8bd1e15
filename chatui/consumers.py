"""The live view's socket: one per tab, at /ws/.

Up come small statements of view, one JSON object a frame; everything that changes data is an HTTP
POST. Down go frames for the page (chatui/feed.py, chatui/rendering.py).

    {"since": 5717}              I have everything up to event 5717: tell me the rest
    {"open": 42}                 I show conversation 42 (null: none)
    {"open": 42, "since": 5717}  the same, and its page was drawn at event 5717
    {"typing": 42}               I am writing in conversation 42 (null: no longer)
    {"pong": 5717}               I live; nothing is asked

A plain ASGI application instead of Channels' consumer: that one takes a channel (with Redis: a
subscription) for every socket and hops to a thread before every message. A refusal accepts first,
because a browser is told the code of a close, but not that of a refused handshake.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from channels.db import database_sync_to_async

from chatui.admission import Refused, admit, drawn_with_in, line_of_visible, session_key_in
from chatui.hub import current_hub
from chatui.rendering import RELOAD
from chatui.viewer import Viewer
from chatui.wire import TRY_AGAIN_LATER, wire_for

if TYPE_CHECKING:
    from chatui.feed import Feed

logger = logging.getLogger(__name__)

UNSUPPORTED, TOO_BIG, TOO_MUCH = 1003, 1009, 4429
# Each has its line in tests/test_isolation.py.
WORDS = frozenset({"since", "open", "typing", "pong"})
LARGEST_STATEMENT = 64 * 1024
STATEMENTS, PER_SECONDS = 20, 10
LARGEST_NUMBER = 2**63


class NotUnderstood(ValueError):
    """The frame is no statement of ours."""


class HangUp(Exception):
    """The socket must be closed with a code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


async def live(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """One socket's life, as an ASGI application."""
    await receive()
    await send({"type": "websocket.accept"})
    session_key, drawn_with = session_key_in(scope), drawn_with_in(scope)
    try:
        person = await database_sync_to_async(admit, thread_sensitive=False)(session_key, drawn_with)
    except Refused as refusal:
        await send({"type": "websocket.close", "code": refusal.code})
        return
    except Exception as problem:
        logger.warning("nobody can be admitted: %s", type(problem).__name__)
        await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})
        return
    await _look_on(Viewer(person, session_key, wire_for(send), drawn_with), receive)


async def _look_on(viewer: Viewer, receive: Any) -> None:
    hub = current_hub()
    try:
        conversation = _Conversation(viewer, await hub.enter(viewer))
        if viewer.person.services != viewer.drawn_with:
            # Switched between the drawing of the page and its coming here.
            viewer.tell(RELOAD)
        while (message := await receive())["type"] == "websocket.receive":
            await conversation.hear(message)
    except HangUp as reason:
        viewer.is_closing = True
        await viewer.wire.close(reason.code)
    except asyncio.CancelledError:
        # Cut off for not reading; anything else (the server stops) goes on upwards.
        if not viewer.is_closing:
            raise
    except Exception:
        logger.exception("live socket broke")
        viewer.is_closing = True
        await viewer.wire.close(TRY_AGAIN_LATER)
    finally:
        hub.leave(viewer)


class _Conversation:
    """What one socket says, and what is answered."""

    def __init__(self, viewer: Viewer, feed: Feed) -> None:
        self.viewer, self.feed = viewer, feed
        self._heard_at: deque[float] = deque(maxlen=STATEMENTS)

    async def hear(self, message: dict[str, Any]) -> None:
        if self.viewer.is_closing:
            return
        self._mind_floods()
        text = message.get("text")
        if text is None:
            raise HangUp(UNSUPPORTED)
        if len(text) > LARGEST_STATEMENT or len(text.encode(errors="replace")) > LARGEST_STATEMENT:
            raise HangUp(TOO_BIG)
        try:
            statement = statement_in(text)
        except NotUnderstood:
            self._complain("not-understood")
            return
        await self._follow(statement)

    async def _follow(self, statement: dict[str, int | None]) -> None:
        if "open" in statement:
            await self._open(statement["open"])
        if "typing" in statement:
            await self._type(statement["typing"])
        if (since := statement.get("since")) is not None:
            await self.feed.replay(self.viewer, since)

    async def _open(self, conversation_id: int | None) -> None:
        line_id = await self._line_of(conversation_id) if conversation_id is not None else None
        if conversation_id is not None and line_id is None:
            self._complain("not-found")
            # What was open before is no longer what the tab shows.
            conversation_id = None
        current_hub().open_conversation(self.feed, self.viewer, conversation_id, line_id)

    async def _type(self, conversation_id: int | None) -> None:
        if conversation_id is None:
            current_hub().stop_typing(self.feed, self.viewer)
            return
        line_id = await self._line_of(conversation_id)
        if line_id is None or self.viewer.person.only_reads:
            self._complain("not-found")
        else:
            current_hub().type_in(self.feed, self.viewer, conversation_id, line_id)

    async def _line_of(self, conversation_id: int) -> int | None:
        if not self.viewer.person.has_view:
            return None
        return await database_sync_to_async(line_of_visible, thread_sensitive=False)(conversation_id, self.viewer.session_key)

    def _mind_floods(self) -> None:
        now = asyncio.get_running_loop().time()
        if len(self._heard_at) == STATEMENTS and now - self._heard_at[0] < PER_SECONDS:
            self._complain("too-many")
            raise HangUp(TOO_MUCH)
        self._heard_at.append(now)

    def _complain(self, reason: str) -> None:
        self.viewer.tell(f'<live-error reason="{reason}"></live-error>')


def statement_in(text: str) -> dict[str, int | None]:
    """Read one frame: known words only, each with a number that an id can be. Raises NotUnderstood."""
    try:
        statement = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise NotUnderstood from problem
    if not isinstance(statement, dict) or not statement or not statement.keys() <= WORDS:
        raise NotUnderstood
    for word, number in statement.items():
        is_number = isinstance(number, int) and not isinstance(number, bool) and 0 <= number < LARGEST_NUMBER
        if not is_number and (number is not None or word in {"since", "pong"}):
            raise NotUnderstood
    return statement
