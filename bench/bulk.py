"""Millions of rows at once: written without the table's indexes, foreign keys and triggers, which are made again afterwards."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BATCH = 20_000


def write(table: str, columns: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Rows in the order of `columns`, times as text in UTC; the table is empty before, and its ids are given."""
    (_write_postgresql if connection.vendor == "postgresql" else _write_sqlite)(table, columns, rows)


def finish(connection: Any) -> None:
    """What is done by itself in the hours after: statistics, and PostgreSQL's map of what is visible to all."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    else:
        from django.utils import timezone

        from gateway.chores import take_stock

        take_stock(timezone.now())


def _write_postgresql(table: str, columns: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SET lock_timeout = 0; SET maintenance_work_mem = '1GB'; SET timezone = 'UTC'")
        again = [*_constraints(cursor, table), *_indexes(cursor, table)]
        for drop, _ in again:
            cursor.execute(drop)
        with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
            for lines in _batches(rows):
                copy.write("".join(_line(row) for row in lines))
        for _, make in reversed(again):
            cursor.execute(make)
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")


def _line(row: tuple[Any, ...]) -> str:
    # No text here has a tab, a backslash or a line's end in it.
    return "\t".join(["\\N" if value is None else str(value) for value in row]) + "\n"


def _constraints(cursor: Any, table: str) -> list[tuple[str, str]]:
    """Foreign keys, uniques and the primary key, each with what drops it and what makes it; those of other tables to it, too."""
    cursor.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE (conrelid = %s::regclass AND contype IN ('p', 'u', 'f')) OR confrelid = %s::regclass "
        "ORDER BY contype = 'f' DESC, contype = 'u' DESC",
        [table, table],
    )
    return [
        (f'ALTER TABLE {owner} DROP CONSTRAINT "{name}"', f'ALTER TABLE {owner} ADD CONSTRAINT "{name}" {definition}')
        for owner, name, definition in cursor.fetchall()
    ]


def _indexes(cursor: Any, table: str) -> list[tuple[str, str]]:
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND NOT EXISTS "
        "(SELECT FROM pg_constraint WHERE conname = indexname AND contype IN ('p', 'u'))",
        [table],
    )
    return [(f'DROP INDEX "{name}"', definition) for name, definition in cursor.fetchall()]


def _write_sqlite(table: str, columns: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    places = ", ".join(["%s"] * len(columns))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT type, name, sql FROM sqlite_master WHERE tbl_name = %s AND type <> 'table' AND sql <> ''", [table])
        again = cursor.fetchall()
        for kind, name, _ in again:
            cursor.execute(f'DROP {kind} "{name}"')
        for batch in _batches(rows):
            cursor.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", batch)
        for _, _, make in again:
            cursor.execute(make)
        cursor.execute(f"INSERT INTO {table}_words({table}_words) VALUES ('rebuild')") if "words" in columns else None


def _batches(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        yield batch
