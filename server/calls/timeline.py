"""Calls and call-back promises as entries of their partner's thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.calls.models import Call, Promise
from server.calls.story import with_story
from server.messaging.models import Conversation, place_in_thread

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from server.messaging.timeline import Placed

# Between two messages: who calls every minute for days must not make a page that nobody can open.
MOST = 200


@dataclass(frozen=True, slots=True)
class EarlierCalls:
    """Stands where calls were left out, before the oldest one that is shown: the list of calls has them all."""

    at: datetime
    contact_id: int

    @property
    def position(self) -> str:
        return place_in_thread(self.at, "b", 0)


def calls_and_promises(conversation: Conversation, since: datetime | None, until: datetime | None) -> Sequence[Placed]:
    """Those of a thread from a moment on, and before another one."""
    calls = with_story(Call.objects.filter(conversation=conversation))
    promises = Promise.objects.filter(conversation=conversation).select_related("kept_by")
    if since is not None:
        calls, promises = calls.filter(began_at__gte=since), promises.filter(made_at__gte=since)
    if until is not None:
        calls, promises = calls.filter(began_at__lt=until), promises.filter(made_at__lt=until)
    newest_first = list(calls.order_by("-began_at", "-id")[: MOST + 1])
    left_out = [EarlierCalls(newest_first[MOST - 1].began_at, conversation.contact_id)] if len(newest_first) > MOST else []
    return [*left_out, *newest_first[:MOST], *promises.order_by("-made_at", "-id")[:MOST]]
