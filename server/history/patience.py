"""How long a page waits for the database: all of its questions together, not each by itself."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, connection, transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# PostgreSQL's query_canceled.
_CANCELED = "57014"
# Of SQLite's steps there are tens of millions in a second.
_STEPS = 100_000


class TooMuchAtOnce(Exception):
    """The database was cut off: so much can't be counted in time."""


class Patience:
    """Begins to run out when it is made; what is asked for after its end is not even begun."""

    def __init__(self, seconds: float) -> None:
        self.end = monotonic() + seconds

    def wait_for[Answer](self, ask: Callable[[], Answer]) -> Answer:
        """What `ask` returns; raises TooMuchAtOnce."""
        limited = self._limited_postgresql if connection.vendor == "postgresql" else self._limited_sqlite
        try:
            with limited():
                return ask()
        except OperationalError as problem:
            if not is_cut_off(problem.__cause__):
                raise
            raise TooMuchAtOnce from problem

    def wait_or_give_up[Answer](self, ask: Callable[[], Answer]) -> Answer | None:
        try:
            return self.wait_for(ask)
        except TooMuchAtOnce:
            return None

    def _left(self) -> float:
        if (left := self.end - monotonic()) <= 0:
            raise TooMuchAtOnce
        return left

    @contextmanager
    def _limited_postgresql(self) -> Iterator[None]:
        self._left()
        with transaction.atomic(), connection.execute_wrapper(self._hurry):
            yield

    def _hurry(self, execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        # Past the wrappers, of which this is one. A limit of 0 would be none.
        context["cursor"].cursor.execute(f"SET LOCAL statement_timeout = {max(1, int(self._left() * 1000))}")
        return execute(sql, params, many, context)

    @contextmanager
    def _limited_sqlite(self) -> Iterator[None]:
        # No transaction: there one would keep others from writing.
        self._left()
        connection.ensure_connection()
        database = connection.connection
        database.set_progress_handler(lambda: monotonic() > self.end, _STEPS)
        try:
            yield
        finally:
            database.set_progress_handler(None, _STEPS)


def is_cut_off(cause: BaseException | None) -> bool:
    return getattr(cause, "sqlstate", "") == _CANCELED or getattr(cause, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT
