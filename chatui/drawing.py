"""The thread that reads and draws for a process's screens: its one database connection lasts.

Through Channels' usual way every delivery to every viewer would hop to a thread first: half the cost of fan-out.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import InterfaceError, OperationalError, connection

from server.accounts.models import Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable

_drawing = ThreadPoolExecutor(1, thread_name_prefix="hub")


async def ask(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run a reading function on the drawing thread; a connection that broke is replaced once."""
    return await asyncio.get_running_loop().run_in_executor(_drawing, _with_connection, partial(function, *args, **kwargs))


def _with_connection(function: Callable[[], Any]) -> Any:
    try:
        return function()
    except (OperationalError, InterfaceError):
        connection.close()
        return function()
    except Exception:
        connection.close()
        raise


def last_number(subscriber_id: int) -> int:
    return Subscriber.objects.values_list("last_event", flat=True).get(pk=subscriber_id)
