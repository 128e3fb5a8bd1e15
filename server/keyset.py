"""Pages by keyset: they begin after a row that was seen, not after so many rows; what comes in between moves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

if TYPE_CHECKING:
    from datetime import datetime


def beyond(edge: tuple[datetime, int], *, newest_first: bool, at: str = "created_at") -> Q:
    """What comes after a row, of which `edge` is the time and the id, in the order of the column `at`, then of the id."""
    time, pk = edge
    further = "lt" if newest_first else "gt"
    later = Q(**{f"{at}__{further}": time}) | Q(**{at: time, f"pk__{further}": pk})
    # The redundant bound lets an index start at the right place: no database finds it by an OR.
    return Q(later, **{f"{at}__{further}e": time})
