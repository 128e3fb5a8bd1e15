"""Rows of the history as columns of cells: what COLUMNS say of each, batch by batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db.models import Q

from server.history.cells import Memo, WallClock, as_text, instants_of, storable
from server.history.columns import COLUMNS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from server.history.columns import Column
    from server.messaging.models import MessageQuerySet

BATCH = 5000


@dataclass(frozen=True, slots=True)
class Cells:
    """One column of a batch: its texts, and the seconds of a column of times."""

    texts: Sequence[str]
    seconds: Sequence[int] | None = None


class Tabulation:
    """Reads messages in their order, in the language that is active, and says them in the columns' words."""

    def __init__(self, *, timezone: str) -> None:
        self._clock = WallClock(ZoneInfo(timezone))
        paths = dict.fromkeys(("created_at", "id", *(path for column in COLUMNS for path in column.paths)))
        self.paths = tuple(paths)
        places = {path: at for at, path in enumerate(paths)}
        self._read = [(column, [places[path] for path in column.paths], _say(column)) for column in COLUMNS]

    def batches(self, found: MessageQuerySet, *, oldest_first: bool) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of `found` in pieces; each is asked for anew after the last, so that nothing is held open meanwhile."""
        rows = found.values_list(*self.paths)
        batch = list(rows[:BATCH])
        while batch:
            yield batch
            created_at, pk, *_ = batch[-1]
            batch = list(_beyond(rows, created_at, pk, oldest_first)[:BATCH]) if len(batch) == BATCH else []

    def cells(self, batch: list[tuple[Any, ...]]) -> list[Cells]:
        values = list(zip(*batch, strict=True))
        instants = instants_of(values[0])
        return [self._cells(column, [values[place] for place in places], say, instants) for column, places, say in self._read]

    def _cells(self, column: Column, values: list[Any], say: Callable[[Any], Sequence[str]], instants: list[int]) -> Cells:
        if column.kind is Kind.TEXT:
            return Cells(say(values))
        seconds = instants if column.kind is Kind.UTC_TIME else self._clock.seconds(instants)
        return Cells(as_text(seconds), seconds)


def _say(column: Column) -> Callable[[Any], Sequence[str]]:
    if not column.repeats:
        return lambda values: [storable(column.say(*each)) for each in zip(*values, strict=True)]
    known = Memo[tuple[Any, ...], str](lambda each: storable(column.say(*each)))
    return lambda values: [known[each] for each in zip(*values, strict=True)]


def _beyond(rows: Any, created_at: Any, pk: int, oldest_first: bool) -> Any:
    """The rows after that one; the time stands there twice, since the database finds its place only by a plain bound."""
    if oldest_first:
        return rows.filter(Q(created_at__gt=created_at) | Q(created_at=created_at, id__gt=pk), created_at__gte=created_at)
    return rows.filter(Q(created_at__lt=created_at) | Q(created_at=created_at, id__lt=pk), created_at__lte=created_at)
