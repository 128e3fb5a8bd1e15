"""The free parameters that a company's exchange has sent: what its texts may use."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from server.calls.models import CallParameter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

# "Seen" need not be newer than that: not each call should write a row that is the same for all calls.
FRESH = timedelta(hours=1)
# Nobody finds their way among more; an address of a message node lets whoever has it make up names.
MOST_NAMES = 200


def note_parameters(*, subscriber_id: int, parameters: Mapping[str, str], now: datetime) -> None:
    """Remember the names, each with its longest value so far."""
    if not parameters:
        return
    known = {row.name: row for row in CallParameter.objects.filter(subscriber=subscriber_id, name__in=parameters)}
    unknown = len(parameters.keys() - known)
    if unknown and CallParameter.objects.filter(subscriber=subscriber_id).count() + unknown > MOST_NAMES:
        parameters = {name: value for name, value in parameters.items() if name in known}
    # In one order, whoever else is at them.
    for name, value in sorted(parameters.items()):
        row = known.get(name)
        if row is None:
            new = CallParameter(subscriber_id=subscriber_id, name=name, longest=value, seen_at=now)
            CallParameter.objects.bulk_create([new], ignore_conflicts=True)
        elif len(value) > len(row.longest) or now - row.seen_at > FRESH:
            longest = max(row.longest, value, key=len)
            CallParameter.objects.filter(pk=row.pk).update(longest=longest, seen_at=max(row.seen_at, now))
