"""Who else knows something of a person: rooms above us say so here, as we know nothing of them.

Each forgetter takes away what its room has kept of some numbers and messages; told twice, it finds nothing the second time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What to look for: the person's numbers, on which lines, and the providers' ids of their messages.

    `since` leaves out what is older: it has been gone through.
    """

    numbers: Collection[str]
    line_ids: Collection[int]
    provider_message_ids: Collection[str]
    since: datetime | None = None


class Forgetter(Protocol):
    def forget_person(self, traces: Traces) -> int:
        """Take away what there is of a person; returns how much."""

    def forget_older(self, *, line_ids: Collection[int], before: datetime) -> int:
        """Take away what is older than a moment; returns how much."""


_forgetters: list[Forgetter] = []


def register(forgetter: Forgetter) -> None:
    if forgetter not in _forgetters:
        _forgetters.append(forgetter)


def forget_person(traces: Traces) -> int:
    return sum(forgetter.forget_person(traces) for forgetter in _forgetters)


def forget_older(*, line_ids: Collection[int], before: datetime) -> int:
    return sum(forgetter.forget_older(line_ids=line_ids, before=before) for forgetter in _forgetters)
