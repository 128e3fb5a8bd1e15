"""Whether this installation is well: for load balancers, uptime checks and people at night."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from gateway.dispatch import dispatcher_is_alive

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

# Asked every few seconds by several parties; a dead Redis must not make the answer itself late.
SECONDS = 2


@never_cache
@require_safe
def health(_: HttpRequest) -> HttpResponse:
    """200 when database, channel layer and dispatcher are well, else 503 with the names of those that are not."""
    states = {"database": _state_of(_ask_database)}
    states["layer"] = _state_of(_ask_layer)
    # The dispatcher's sign of life is a row: without a database there is none to read.
    states["dispatcher"] = _state_of(_ask_dispatcher) if states["database"] == "ok" else "unknown"
    is_well = set(states.values()) == {"ok"}
    return JsonResponse({"status": "ok" if is_well else "unwell", **states}, status=200 if is_well else 503)


class NotWell(Exception):
    """What was asked answers, but not as it should."""


def _state_of(ask: Callable[[], None]) -> str:
    started = time.monotonic()
    try:
        ask()
    except Exception as problem:
        # The class only: messages of database and Redis errors name hosts and users.
        logger.warning(
            "%s: %s after %.1f s", ask.__name__.removeprefix("_ask_"), type(problem).__name__, time.monotonic() - started
        )
        return "unwell"
    return "ok"


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM accounts_subscriber LIMIT 1")


def _ask_layer() -> None:
    # The in-memory layer lives and dies with this process.
    if settings.REDIS_URL:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=SECONDS, socket_connect_timeout=SECONDS) as client:
            client.ping()


def _ask_dispatcher() -> None:
    if not dispatcher_is_alive(timezone.now()):
        raise NotWell
