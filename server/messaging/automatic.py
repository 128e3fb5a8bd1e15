"""The gate before every automatic message, at the very moment when it is claimed for sending.

What the limits are, and what has been sent, call logic knows, which stands above us: it registers its gate here.
Without one nothing automatic goes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.messaging.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from server.messaging.models import Message


class NotNow(Exception):
    """The message may go out later, as whatever its company sends by itself: not before `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"not before {until}")
        self.until = until


class Never(Exception):
    """The message must not go out; `reason` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Gate:
    """What a room above us has to say of an automatic message; all in the transaction of what happens to it.

    `passes` counts it, or raises NotNow or Never: then the claim is undone with whatever was counted. `takes_back` is
    told that a message it let pass was surely not sent; `refused` that one never will be; `turned` that one has gone
    wrong, at the provider perhaps, or that one that had gone wrong has arrived after all.
    """

    passes: Callable[[Message, datetime], None]
    takes_back: Callable[[Message], None]
    refused: Callable[[Message, Never], None]
    turned: Callable[[Message, datetime], None]


_gates: list[Gate] = []


def register(gate: Gate) -> None:
    if gate not in _gates:
        _gates.append(gate)


def pass_gates(message: Message, now: datetime) -> None:
    """Raises NotNow and Never."""
    if not _gates:
        raise Never(Reason.NOT_ALLOWED)
    for gate in _gates:
        gate.passes(message, now)


def take_back(message: Message) -> None:
    for gate in _gates:
        gate.takes_back(message)


def refused(message: Message, no: Never) -> None:
    for gate in _gates:
        gate.refused(message, no)


def turned(message: Message, now: datetime) -> None:
    """`message` says how it stands by now."""
    for gate in _gates:
        gate.turned(message, now)
