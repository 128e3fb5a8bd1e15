"""The web process: pages and webhooks by HTTP, the live view by WebSocket."""

from __future__ import annotations

import gc
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")

from django.core.asgi import get_asgi_application

pages: Any = get_asgi_application()

# These need Django to be set up first.
from django.conf import settings  # noqa: E402

from chatui.consumers import live  # noqa: E402
from chatui.hub import current_hub  # noqa: E402
from gateway.lane import with_fast_lane  # noqa: E402
from server.production import refuse_demo_people  # noqa: E402

with ThreadPoolExecutor(1) as aside:
    # On a thread of its own: uvicorn imports this module within its loop, where Django refuses to read rows.
    aside.submit(refuse_demo_people).result()

http = with_fast_lane(pages)

# Everything imported so far stays: the collector need not look at it again and again.
gc.collect()
gc.freeze()


def origin_of(url: str) -> str:
    """Scheme, host and port as browsers write them in Origin: in small letters, without a default port."""
    parts = urlsplit(url.lower())
    default = {"http": 80, "https": 443}.get(parts.scheme)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" if parts.port in {None, default} else f"{parts.scheme}://{host}:{parts.port}"


def allowed_origins() -> set[str]:
    """Where our own pages may come from; compared whole, since another port is another site."""
    urls = [settings.PUBLIC_URL]
    if settings.IS_LOCAL:
        urls += [f"http://127.0.0.1:{settings.PORT}", f"http://localhost:{settings.PORT}"]
    return {origin_of(url) for url in urls}


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """What the server calls for each request and each socket."""
    # The first call hangs the doorbell on this loop: webhooks and views then reach the hub directly.
    current_hub()
    if scope["type"] == "http":
        await http(scope, receive, send)
    elif scope["type"] == "websocket":
        await _socket(scope, receive, send)
    else:
        raise ValueError(f"{scope['type']} is not served")


async def _socket(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The raw `send` must reach the live view as the server made it: through it leads the straight way to the socket."""
    origins = [value.decode("latin1").lower() for name, value in scope["headers"] if name == b"origin"]
    is_ours = len(origins) == 1 and origins[0] in allowed_origins()
    if scope["path"] == "/ws/" and is_ours:
        await live(scope, receive, send)
    else:
        # A refused handshake: cookies come along from any website, so the Origin is what protects.
        await receive()
        await send({"type": "websocket.close"})
