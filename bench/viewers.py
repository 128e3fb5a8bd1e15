"""Open screens: WebSocket clients that know no more than how to shake hands and where a frame ends."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    # The payload of a frame, and when its last byte was here.
    type Seen = Callable[[bytes, float], None]


class Viewer(asyncio.Protocol):
    """One tab, whose page was drawn at event `since`. `seen` hears of each frame; `is_placed` is done with the first one."""

    def __init__(self, session: str, origin: str, since: int, seen: Seen) -> None:
        self._session, self._origin, self._since, self._seen = session, origin, since, seen
        self._heard = b""
        self._has_shaken_hands = False
        self.is_placed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def to(cls, port: int, session: str, origin: str, since: int, seen: Seen) -> Viewer:
        loop = asyncio.get_running_loop()
        _, viewer = await loop.create_connection(lambda: cls(session, origin, since, seen), "127.0.0.1", port)
        async with asyncio.timeout(20):
            await viewer.is_placed
        return viewer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /ws/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Origin: {self._origin}\r\nCookie: sessionid={self._session}\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        if not self._has_shaken_hands:
            head, end, data = (self._heard + data).partition(b"\r\n\r\n")
            if not end:
                self._heard = head
                return
            assert b" 101 " in head, head
            self._has_shaken_hands, self._heard = True, b""
            statement = json.dumps({"since": self._since}).encode()
            self.transport.write(bytes((0x81, 0x80 | len(statement))) + bytes(4) + statement)
        heard = self._heard + data if self._heard else data
        while (end := _end_of_frame(heard)) is not None:
            begin, finish = end
            payload, heard = heard[begin:finish], heard[finish:]
            if self.is_placed.done():
                self._seen(payload, now)
            elif b"<live-position" in payload:
                self.is_placed.set_result(None)
        self._heard = heard

    def connection_lost(self, problem: Exception | None) -> None:
        if not self.is_placed.done():
            self.is_placed.set_exception(problem or ConnectionError("the server hung up"))


def _end_of_frame(heard: bytes) -> tuple[int, int] | None:
    """Where the first frame's payload begins and ends, once it is whole (RFC 6455, 5.2)."""
    if len(heard) < 2:
        return None
    length, begin = heard[1], 2
    if length == 126:
        length, begin = int.from_bytes(heard[2:4]), 4
    elif length == 127:
        length, begin = int.from_bytes(heard[2:10]), 10
    end = begin + length
    return (begin, end) if len(heard) >= end else None
