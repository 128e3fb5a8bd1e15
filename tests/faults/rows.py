"""Fonal's own models and verbs, here in the test, on the database that the real processes use."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import environ
from django.db import connections

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def rows_of(database_url: str, django_db_blocker) -> Iterator[None]:
    """Within the block the default database of this thread is the one at `database_url`."""
    usual = connections["default"]
    settings = connections.settings["default"]
    # Without a pool: a test asks on one thread.
    connections.settings["default"] = {**settings, "OPTIONS": {}, **environ.Env.db_url_config(database_url)}
    other = connections.create_connection("default")
    connections.settings["default"] = settings
    connections["default"] = other
    try:
        with django_db_blocker.unblock():
            yield
    finally:
        other.close()
        connections["default"] = usual
