"""How a telling ends: told, or not and why; whoever ended it, every screen that shows its call hears of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.calls.models import CallLogic, Telling, TellingState
from server.events.log import record
from server.events.models import Kind

if TYPE_CHECKING:
    from datetime import datetime


def settle(telling: Telling, *, state: TellingState, now: datetime, reason: str = "", **changes: object) -> None:
    """Write down what became of it; the last thing in a transaction."""
    told_at = now if state == TellingState.TOLD else None
    Telling.objects.filter(pk=telling.pk).update(state=state, reason=reason, told_at=told_at, lease_until=None, **changes)
    call = telling.run.event.call
    record(
        subscriber_id=call.subscriber_id,
        kind=Kind.CALL_CHANGED,
        at=now,
        line_id=call.line_id,
        conversation_id=call.conversation_id,
        message_id=call.pk,
    )


def is_stopped(telling: Telling) -> bool:
    """Whether the company's red switch is set by now."""
    return CallLogic.objects.filter(subscriber=telling.run.subscriber_id, stopped_at__isnull=False).exists()
