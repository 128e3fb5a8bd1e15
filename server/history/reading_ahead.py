"""Reading the next rows from PostgreSQL while the last ones are being written: each costs about as much as the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection, connections, transaction

if TYPE_CHECKING:
    from collections.abc import Iterator

# For one statement: the count of ten million messages, or a page that is looked for among them.
PATIENCE = timedelta(minutes=2)


@contextmanager
def read_ahead[Batch](batches: Iterator[Batch]) -> Iterator[Iterator[Batch]]:
    """The same batches, where it can be read on a thread and a connection of their own, one ahead of the reader."""
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        yield batches
        return
    settings, alias, wrapper = connection.settings_dict, connection.alias, type(connections[connection.alias])

    def connect() -> None:
        connections[alias] = wrapper(settings, alias)

    with ThreadPoolExecutor(1, "reading ahead", initializer=connect) as reader:
        try:
            yield _one_ahead(batches, reader)
        finally:
            reader.submit(connections.close_all)


def read_patiently[Batch](batches: Iterator[Batch]) -> Iterator[Batch]:
    """The same batches, on the caller's connection."""
    while (batch := _next(batches)) is not None:
        yield batch


def _one_ahead[Batch](batches: Iterator[Batch], reader: ThreadPoolExecutor) -> Iterator[Batch]:
    coming = reader.submit(_next, batches)
    while (batch := coming.result()) is not None:
        coming = reader.submit(_next, batches)
        yield batch


def _next[Batch](batches: Iterator[Batch]) -> Batch | None:
    with patient_database():
        return next(batches, None)


@contextmanager
def patient_database() -> Iterator[None]:
    """PostgreSQL gives a page's statement ten seconds; nobody's page waits for these, but they end, too."""
    if connection.vendor != "postgresql":
        # A transaction of SQLite's would keep others from writing.
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        # Several processes of the server for a few thousand rows cost more than they bring.
        milliseconds = PATIENCE // timedelta(milliseconds=1)
        cursor.execute(f"SET LOCAL statement_timeout = {milliseconds}; SET LOCAL max_parallel_workers_per_gather = 0")
        yield
