"""What the index of words still remembers of rows that have lost theirs."""

from __future__ import annotations

from django.db import connection, transaction

INDEXES = ("messaging_message_words", "contacts_contact_words")
# So many pages at a time: others write in between.
_PAGES = 500
_MOST_STEPS = 20_000


def forget_words() -> None:
    """SQLite: have deleted words go out of its index, too, where they stay until it is merged. PostgreSQL's has none of them.

    (PostgreSQL's autovacuum overwrites what rows were before.)
    """
    if connection.vendor != "sqlite":
        return
    for index in INDEXES:
        # A negative number begins to merge everything into one; then it goes on where it is.
        pages = -_PAGES
        for _ in range(_MOST_STEPS):
            if not _merge(index, pages):
                break
            pages = _PAGES


def _merge(index: str, pages: int) -> bool:
    """One step; False when there is nothing more to merge, as SQLite tells by having changed next to nothing."""
    with transaction.atomic(), connection.cursor() as cursor:
        before = cursor.execute("SELECT total_changes()").fetchone()[0]
        cursor.execute(f"INSERT INTO {index}({index}, rank) VALUES ('merge', %s)", [pages])  # noqa: S608 (our own names)
        return bool(cursor.execute("SELECT total_changes()").fetchone()[0] - before >= 2)
