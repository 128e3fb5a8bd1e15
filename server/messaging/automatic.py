"""The gate before every automatic message, at the very moment when it is claimed for sending.

What the limits are, and what has been sent, call logic knows, which stands above us: it registers its gate here.
Without one nothing automatic goes out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.messaging.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from server.messaging.models import Message

    type Gate = Callable[[Message, datetime], None]


class NotNow(Exception):
    """The message may go out later: not before `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"not before {until}")
        self.until = until


class Never(Exception):
    """The message must not go out; `reason` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


_gates: list[Gate] = []


def register(gate: Gate) -> None:
    """Put a gate up, called in the transaction of the claim, which is undone when it raises NotNow or Never."""
    if gate not in _gates:
        _gates.append(gate)


def pass_gates(message: Message, now: datetime) -> None:
    """Raises NotNow and Never."""
    if not _gates:
        raise Never(Reason.NOT_ALLOWED)
    for gate in _gates:
        gate(message, now)
