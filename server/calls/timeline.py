"""Calls and call-back promises as entries of their partner's thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.calls.models import Call, Promise
from server.calls.story import with_story

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from server.messaging.models import Conversation
    from server.messaging.timeline import Placed

# Between two messages: who calls every minute for days must not make a page that nobody can open.
MOST = 200


def calls_and_promises(conversation: Conversation, since: datetime | None, until: datetime | None) -> Sequence[Placed]:
    """Those of a thread from a moment on, and before another one."""
    calls = with_story(Call.objects.filter(conversation=conversation))
    promises = Promise.objects.filter(conversation=conversation).select_related("kept_by")
    if since is not None:
        calls, promises = calls.filter(began_at__gte=since), promises.filter(made_at__gte=since)
    if until is not None:
        calls, promises = calls.filter(began_at__lt=until), promises.filter(made_at__lt=until)
    return [*calls.order_by("-began_at", "-id")[:MOST], *promises.order_by("-made_at", "-id")[:MOST]]
