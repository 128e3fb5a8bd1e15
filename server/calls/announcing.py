"""That a call, or what came of it, has changed: for every screen that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.events.log import record
from server.events.models import Kind

if TYPE_CHECKING:
    from datetime import datetime

    from server.calls.models import Call


def announce_call(call: Call, *, now: datetime) -> None:
    """Record the event by which every screen draws the call anew; last in the transaction."""
    record(
        subscriber_id=call.subscriber_id,
        kind=Kind.CALL_CHANGED,
        at=now,
        line_id=call.line_id,
        conversation_id=call.conversation_id,
        message_id=call.pk,
    )
