"""Rows of the history as columns of cells: what COLUMNS say of each, batch by batch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db.models import BooleanField, ExpressionWrapper, Field, Func, Q, TextField

from server.history.cells import CELL_END, Memo, WallClock, as_texts, lines_of, storable
from server.history.columns import COLUMNS, Kind, same
from server.keyset import beyond

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler

    from server.history.columns import Column
    from server.messaging.models import MessageQuerySet

BATCH = 5000
TIMES = [column for column in COLUMNS if column.kind is not Kind.TEXT]
TEXTS = [column for column in COLUMNS if column.kind is Kind.TEXT]
assert (*TIMES, *TEXTS) == COLUMNS, "Files have their times first."


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, column by column: the seconds of those that are times, then the texts of the others.

    `lines` are the same texts row by row: in UTF-8, with U+001F between them.
    """

    times: Sequence[Sequence[int]]
    texts: Sequence[Sequence[str]]
    lines: Sequence[bytes]

    def whole_lines(self) -> Iterator[bytes]:
        """The rows with their times, as they are summed up."""
        return map(CELL_END.encode().join, zip(*map(as_texts, self.times), self.lines, strict=True))


class Tabulation:
    """Reads messages in their order, in the language that is active, and says them in the columns' words."""

    def __init__(self, *, timezone: str) -> None:
        self._clock = WallClock(ZoneInfo(timezone))
        paths = [*dict.fromkeys(("created_at", "id", *(path for column in TEXTS for path in column.paths)))]
        self._asked = [_AS_TOLD.get(path, path) for path in paths]
        self._texts = [([paths.index(path) for path in column.paths], _saying(column)) for column in TEXTS]

    def batches(self, found: MessageQuerySet, *, oldest_first: bool) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of `found` in pieces; each is asked for anew after the last, so that nothing is held open meanwhile."""
        rows: Any = found.values_list(*self._asked)
        batch = list(rows[:BATCH])
        while batch:
            yield batch
            edge = time_of(batch[-1]), batch[-1][1]
            batch = list(rows.filter(beyond(edge, newest_first=not oldest_first))[:BATCH])

    def page(self, batch: list[tuple[Any, ...]]) -> Page:
        values = list(zip(*batch, strict=True))
        instants = [microseconds // 1_000_000 for microseconds in values[0]]
        times = [instants if column.kind is Kind.UTC_TIME else self._clock.seconds(instants) for column in TIMES]
        texts = [say([values[place] for place in places]) for places, say in self._texts]
        lines = lines_of(texts)
        if lines is None:
            texts = [[storable(text) for text in column] for column in texts]
            lines = [CELL_END.join(row).encode() for row in zip(*texts, strict=True)]
        return Page(times, texts, lines)


def time_of(row: tuple[Any, ...]) -> datetime:
    return _EPOCH + timedelta(microseconds=row[0])


def _saying(column: Column) -> Callable[[list[Sequence[Any]]], Sequence[str]]:
    """What the column says, of many rows at once."""
    if column.say is same:
        return lambda values: values[0]
    if not column.repeats:
        return lambda values: list(map(column.say, *values))
    known = Memo[tuple[Any, ...], str](lambda each: column.say(*each))
    return lambda values: [known[each] for each in zip(*values, strict=True)]


class _Microseconds(Func):
    """Of a time, since 1970; a whole number is read in a fifth of the time that a datetime takes."""

    # Not an integer field: Django would turn each number into a number once more.
    output_field: Field[Any, Any] = Field()

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any) -> Any:
        return self.as_sql(compiler, connection, template="(EXTRACT(EPOCH FROM %(expressions)s) * 1000000)::bigint")

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any) -> Any:
        # 2026-11-23 10:00:00.250000, or without a fraction.
        seconds = "CAST(strftime('%%%%s', substr(%(expressions)s, 1, 19)) AS INTEGER) * 1000000"
        fraction = "CAST(substr(substr(%(expressions)s, 21) || '000000', 1, 6) AS INTEGER)"
        return self.as_sql(compiler, connection, template=f"({seconds} + {fraction})")


class _Written(Func):
    """A uuid as text."""

    output_field: Field[Any, Any] = TextField()

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any) -> Any:
        return self.as_sql(compiler, connection, template="(%(expressions)s)::text")

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any) -> Any:
        parts = [f"substr(%(expressions)s, {begin}, {length})" for begin, length in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))]
        return self.as_sql(compiler, connection, template=f"({" || '-' || ".join(parts)})")


# What the database tells in a form that needs no more work here.
_AS_TOLD = {
    "created_at": _Microseconds("created_at"),
    "uuid": _Written("uuid"),
    "media": ExpressionWrapper(~Q(media=[]), output_field=BooleanField()),
    "redacted_at": ExpressionWrapper(Q(redacted_at__isnull=False), output_field=BooleanField()),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
