"""Naming rows one by one while they are few, which lets a database go straight to what is theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection

if TYPE_CHECKING:
    from django.db.models import QuerySet

# SQLite takes 32,766 values in one statement. A search has at most sixteen such lists (two for each term of the list of
# threads), or eleven and a thousand messages picked by hand.
_MOST_ON_SQLITE = 2000


def one_by_one(found: QuerySet[Any, Any], *, few: int) -> list[int] | QuerySet[Any, Any]:
    """For `…__in=`: the ids, asked for now, when they are few; else what asks for them within the statement."""
    few = most_named(few)
    ids = list(found.order_by().values_list("pk", flat=True)[: few + 1])
    return ids if len(ids) <= few else found.order_by().values("pk")


def most_named(few: int) -> int:
    return min(few, _MOST_ON_SQLITE) if connection.vendor == "sqlite" else few
