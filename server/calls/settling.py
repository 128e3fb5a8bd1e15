"""How a telling ends: told, or not and why; whoever ended it, every screen that shows its call hears of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.calls.announcing import announce_call
from server.calls.models import CallLogic, Telling, TellingState

if TYPE_CHECKING:
    from datetime import datetime


def settle(telling: Telling, *, state: TellingState, now: datetime, reason: str = "", **changes: object) -> None:
    """Write down what became of it; the last thing in a transaction."""
    told_at = now if state == TellingState.TOLD else None
    Telling.objects.filter(pk=telling.pk).update(state=state, reason=reason, told_at=told_at, lease_until=None, **changes)
    announce_call(telling.run.event.call, now=now)


def is_stopped(telling: Telling) -> bool:
    """Whether the company's red switch is set by now."""
    return CallLogic.objects.filter(subscriber=telling.run.subscriber_id, stopped_at__isnull=False).exists()
