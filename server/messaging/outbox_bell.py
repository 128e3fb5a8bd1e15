"""The outbox's bell: wakes the dispatcher of this process at once, when there is one.

It may be lost or ring in vain: the dispatcher looks by itself twice a second.
"""

from __future__ import annotations

import threading

from django.db import connection, transaction

CHANNEL = "outbox"
_bell = threading.Event()


def ring_on_commit() -> None:
    """Say, once this transaction is committed, that there may be something to send."""
    if connection.vendor == "postgresql":
        # The other processes' dispatchers hear it, also on commit.
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")
    transaction.on_commit(_bell.set, robust=True)


def ring() -> None:
    """Say now that there may be something to send."""
    _bell.set()


def wait(seconds: float) -> None:
    """Wait for the bell, so long at most."""
    _bell.wait(seconds)
    _bell.clear()
