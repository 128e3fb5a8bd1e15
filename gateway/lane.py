"""The fast lane: webhooks are answered before Django's middleware, on one thread with one lasting connection.

A provider's POST needs no session, no language, no cookies; and SQLite has one writer anyway, while on
PostgreSQL opening a connection costs more than the whole request. Measured on one core with daphne:
171 requests a second by the ordinary road. The views stay plain Django views, which the ordinary
road and the test client call as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.db import InterfaceError, OperationalError, connection, transaction
from django.http import HttpResponse, QueryDict
from django.urls import Resolver404, resolve
from django.utils.datastructures import MultiValueDict

from gateway.forms import FORM

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    type Scope = dict[str, Any]
    type Receive = Callable[[], Awaitable[dict[str, Any]]]
    type Send = Callable[[dict[str, Any]], Awaitable[None]]
    type _Waiting = tuple[Scope, bytes, asyncio.Future[HttpResponse]]
    type App = Callable[[Scope, Receive, Send], Awaitable[None]]

logger = logging.getLogger(__name__)

PREFIX = "/gateway/"
RETRY_AFTER_SECONDS = "2"
# At most so many webhooks in one transaction.
TOGETHER = 16
# More than a provider waits for anyway: while the database hangs, who comes later is told to repeat at once.
MOST_WAITING = 2000


def with_fast_lane(app: App) -> App:
    """An ASGI app that answers /gateway/ itself and leaves everything else to `app`."""
    writer = _Writer()

    async def lane(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            return await app(scope, receive, send)
        body = await _read(receive)
        if body is None:
            return None
        # Shielded: when the caller hangs up, what was begun is finished all the same.
        response = await asyncio.shield(writer.answer(scope, body))
        return await _send_response(response, send)

    return lane


class _Writer:
    """The one thread that answers webhooks, in the order they came."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="webhooks")
        self._waiting: deque[_Waiting] = deque()

    def answer(self, scope: Scope, body: bytes) -> asyncio.Future[HttpResponse]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[HttpResponse] = loop.create_future()
        if len(self._waiting) >= MOST_WAITING:
            future.set_result(_try_again())
            return future
        self._waiting.append((scope, body, future))
        if len(self._waiting) == 1:
            # Not before the loop has taken what else is there: two threads that run at once only wait for each other.
            loop.call_soon(self._thread.submit, self._answer_those_who_wait)
        return future

    def _answer_those_who_wait(self) -> None:
        while self._waiting:
            self._answer_some([self._waiting.popleft() for _ in range(min(len(self._waiting), TOGETHER))])

    def _answer_some(self, batch: list[_Waiting]) -> None:
        try:
            responses = _answer_together([(scope, body) for scope, body, _ in batch])
        except Exception:
            logger.exception("webhook: our own mistake")
            responses = [_plain("our mistake", 500) for _ in batch]
        loop = batch[0][2].get_loop()
        # The server may have stopped meanwhile; what was to be stored is.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_hand_back, [future for _, _, future in batch], responses)


def _hand_back(futures: list[asyncio.Future[HttpResponse]], responses: list[HttpResponse]) -> None:
    for future, response in zip(futures, responses, strict=True):
        if not future.done():
            future.set_result(response)


def _answer_together(requests: list[tuple[Scope, bytes]]) -> list[HttpResponse]:
    """On SQLite those who wait share one commit, which costs as much as two of them; nobody is answered before it.

    Not on PostgreSQL: a transaction that keeps the subscriber's event number locked while it goes on to the
    next conversation would deadlock with another process that does the same.
    """
    if len(requests) > 1 and connection.vendor == "sqlite":
        try:
            with transaction.atomic():
                return [_view_answer(scope, body) for scope, body in requests]
        except (OperationalError, InterfaceError) as problem:
            logger.warning("webhooks: not stored together (%s), now one by one", type(problem).__name__)
    return [_answer(scope, body) for scope, body in requests]


def answer(*, method: str, path: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
    """Answer a request without a socket, on this thread, just as the lane would."""
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 0),
    }
    return _answer(scope, body)


def _answer(scope: Scope, body: bytes) -> HttpResponse:
    try:
        return _view_answer(scope, body)
    except (OperationalError, InterfaceError) as problem:
        logger.warning("webhook: the database went away (%s), once more", type(problem).__name__)
    if not connection.in_atomic_block:
        connection.close()
    try:
        return _view_answer(scope, body)
    except (OperationalError, InterfaceError) as problem:
        logger.error("webhook: the database is away (%s), the provider must repeat", type(problem).__name__)
        if not connection.in_atomic_block:
            connection.close()
        return _try_again()


def _view_answer(scope: Scope, body: bytes) -> HttpResponse:
    try:
        request = _Request(scope, BytesIO(body))
        view, args, kwargs = resolve(request.path_info)
        response: HttpResponse = view(request, *args, **kwargs)
    except Resolver404:
        return _plain("no such address", 404)
    except (BadRequest, SuspiciousOperation, UnicodeDecodeError):
        return _plain("bad request", 400)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("webhook: our own mistake")
        return _plain("our mistake", 500)
    return response


class _Request(ASGIRequest):
    """Django's own, with a form that is filled without a detour: that took an eighth of a webhook's time."""

    def _load_post_and_files(self) -> None:
        if self.method == "POST" and self.content_type == FORM and (self.encoding or "utf-8").lower() == "utf-8":
            self._post: QueryDict = _Form(self.body, encoding="utf-8")
            self._files: MultiValueDict[str, Any] = MultiValueDict()
        else:
            super()._load_post_and_files()


class _Form(QueryDict):
    def appendlist(self, key: Any, value: Any) -> None:
        # Only read from a body: both are text already.
        dict.setdefault(cast("dict[Any, list[Any]]", self), key, []).append(value)


def _try_again() -> HttpResponse:
    return HttpResponse("try again\n", status=503, headers={"Retry-After": RETRY_AFTER_SECONDS}, content_type="text/plain")


def _plain(text: str, status: int) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")


async def _read(receive: Receive) -> bytes | None:
    """The body, cut one byte over the limit, which is enough for the view to refuse it; None when the caller went away."""
    limit = settings.WEBHOOK_MAX_BYTES + 1
    chunks: list[bytes] = []
    size = 0
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            return None
        if size < limit:
            chunks.append(event.get("body", b"")[: limit - size])
            size += len(chunks[-1])
        if not event.get("more_body", False):
            return b"".join(chunks)


async def _send_response(response: HttpResponse, send: Send) -> None:
    headers = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    headers.append((b"content-length", str(len(response.content)).encode()))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})
