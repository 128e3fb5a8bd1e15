"""Whose turn it is: the first of each company, then the second of each; a flood at one makes nobody else wait for its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import F, Window
from django.db.models.functions import RowNumber

if TYPE_CHECKING:
    from django.db.models import QuerySet


def ids_in_turn(rows: QuerySet[Any], *order: str, company: str, most: int) -> list[int]:
    """The ids of so many rows, in their order within each company; `company` is the way to its id."""
    turn = Window(RowNumber(), partition_by=F(company), order_by=[F(name) for name in order])
    return list(rows.annotate(turn=turn).order_by("turn", *order).values_list("pk", flat=True)[:most])
