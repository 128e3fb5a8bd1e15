from __future__ import annotations

import contextlib
import shutil

import pytest
from django.core.management import call_command
from django.db import connections

from chatui import drawing
from tests.live import Tab


@pytest.fixture(scope="session")
def _migrated_file(tmp_path_factory, django_db_setup, django_db_blocker):
    """An empty database on disk, to be copied."""
    path = tmp_path_factory.mktemp("live") / "empty.sqlite3"
    with django_db_blocker.unblock(), _database_at(path):
        call_command("migrate", verbosity=0)
        with connections["default"].cursor() as cursor:
            cursor.execute("PRAGMA journal_mode=DELETE")
    return path


@pytest.fixture
def on_disk(_migrated_file, tmp_path, django_db_blocker, settings):
    """A database file of this test's own: threads and processes see what the others have committed.

    (In memory, SQLite's threads share one cache, where a reader locks out the writer at once.)
    """
    # The cast logs in without a password here; real hashing would be most of a test's time.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    path = tmp_path / "fonal.sqlite3"
    shutil.copy(_migrated_file, path)
    with django_db_blocker.unblock(), _database_at(path):
        yield path


@contextlib.contextmanager
def _database_at(path):
    """Use another database file, in this thread and in those that connect from now on."""
    before, connection_before = connections.settings["default"]["NAME"], connections["default"]
    connections.settings["default"]["NAME"] = str(path)
    del connections["default"]
    try:
        yield
    finally:
        _disconnect()
        # The drawing thread keeps its connection; the next test has another database.
        drawing._drawing.submit(_disconnect).result()
        connections.settings["default"]["NAME"] = before
        connections["default"] = connection_before


def _disconnect():
    connections["default"].close()
    del connections["default"]


@pytest.fixture
async def tab_of(on_disk):
    """`await tab_of(dana)`: a connected tab that looks on; all are closed afterwards."""
    opened = []

    async def open_tab(user, **attributes) -> Tab:
        tab = await Tab.of(user, **attributes)
        assert await tab.connects()
        # Accepted is not yet looking on: wait for an answer.
        assert await tab.has_heard_nothing()
        tab.seen, tab.position = "", 0
        opened.append(tab)
        return tab

    yield open_tab
    for tab in opened:
        await tab.leaves()
