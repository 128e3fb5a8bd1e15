"""The product without its fast lane: webhooks take Django's ordinary road, with middleware, a thread and a connection each."""

from __future__ import annotations

from typing import Any

from server.asgi import current_hub, pages


async def application(scope: Any, receive: Any, send: Any) -> None:
    current_hub()
    await pages(scope, receive, send)
