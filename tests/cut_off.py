"""A database that is cut off amid one of its questions: PostgreSQL by a real cancel, SQLite by the error that it would raise.

with cut_off("LEAD("):        # every statement that has this in it
with endless("LEAD("):        # such a statement goes on until somebody stops it
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT 1 FROM n) SELECT COUNT(*) FROM n"
_CANCEL = "SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(20)"


@contextmanager
def cut_off(*parts: str) -> Iterator[list[str]]:
    """The statements that were cut off."""
    with _instead_of(parts, _cancel) as met:
        yield met


@contextmanager
def endless(*parts: str) -> Iterator[list[str]]:
    with _instead_of(parts, lambda execute, many, context: execute(_ENDLESS, None, many, context)) as met:
        yield met


@contextmanager
def _instead_of(parts, act) -> Iterator[list[str]]:
    met = []

    def wrapped(execute, sql, params, many, context):
        if not any(part in sql for part in parts):
            return execute(sql, params, many, context)
        met.append(sql)
        return act(execute, many, context)

    with connection.execute_wrapper(wrapped):
        yield met


def _cancel(execute, many, context):
    if connection.vendor == "postgresql":
        return execute(_CANCEL, None, many, context)
    interrupted = sqlite3.OperationalError("interrupted")
    interrupted.sqlite_errorcode = sqlite3.SQLITE_INTERRUPT
    with connection.wrap_database_errors:
        raise interrupted
