"""A colleague's browser tab, as far as the live view's socket knows it."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any, Self

from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.accounts.models import User

# A bound on a test that goes wrong, not a measurement.
PATIENCE = 20
_POSITION = re.compile(r'<live-position number="(\d+)"')


async def in_thread(act: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Do what a view or a webhook would do, on a thread of its own."""
    return await database_sync_to_async(act, thread_sensitive=False)(*args, **kwargs)


def logged_in(user: User) -> str:
    """The key of a fresh session."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client.cookies[settings.SESSION_COOKIE_NAME].value


class Tab:
    def __init__(self, session_key: str = "", *, origin: str | None = settings.PUBLIC_URL, path: str = "/ws/") -> None:
        from server.asgi import application

        headers = [(b"cookie", f"{settings.SESSION_COOKIE_NAME}={session_key}".encode())] if session_key else []
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        self.session_key = session_key
        self.position = 0
        self.seen = ""
        self._socket = WebsocketCommunicator(application, path, headers=headers)

    @classmethod
    async def of(cls, user: User, **attributes: Any) -> Self:
        """A tab of a person who has just logged in."""
        return cls(await in_thread(logged_in, user), **attributes)

    async def connects(self) -> bool:
        is_accepted, _ = await self._socket.connect(timeout=PATIENCE)
        return is_accepted

    async def says(self, **statement: Any) -> None:
        await self._socket.send_to(text_data=json.dumps(statement))

    async def sends(self, text: str | None = None, data: bytes | None = None) -> None:
        await self._socket.send_input({"type": "websocket.receive", "text": text, "bytes": data})

    async def gets(self) -> str:
        """The next frame."""
        text = await self._socket.receive_from(timeout=PATIENCE)
        self.seen += text
        for number in _POSITION.findall(text):
            self.position = int(number)
        return text

    async def sees(self, *parts: str) -> str:
        """Read on until a frame holds all these parts."""
        async with asyncio.timeout(PATIENCE):
            while True:
                text = await self.gets()
                if all(part in text for part in parts):
                    return text

    async def reaches(self, number: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.position < number:
                await self.gets()

    async def is_closed_with(self) -> int:
        """Read on until the server closes; the code."""
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self._socket.receive_output(PATIENCE)
                if message["type"] == "websocket.close":
                    return message.get("code", 1000)
                self.seen += message.get("text", "")

    async def has_heard_nothing(self) -> bool:
        """Nothing came before the answer to a question asked now."""
        await self.says(since=2**62)
        return (await self.gets()).startswith("<live-reload>")

    async def leaves(self) -> None:
        await self._socket.disconnect(timeout=PATIENCE)
