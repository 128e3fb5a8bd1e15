"""Both databases find the same: the tests of the history run on PostgreSQL, too, in a pytest of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import ROOT, environment, postgres

HERE = Path(__file__).parent
# None of them starts a process or a browser.
TESTS = [
    HERE / "test_rows.py",
    HERE / "test_naming.py",
    HERE / "test_figures.py",
    HERE / "test_columns.py",
    HERE.parent / "accounts" / "test_audit.py",
    HERE.parent / "calls" / "test_firing.py",
    HERE.parent / "calls" / "test_promises.py",
    HERE.parent / "calls" / "test_recording.py",
    HERE.parent / "calls" / "test_stopping.py",
    HERE.parent / "calls" / "test_telling.py",
    HERE.parent / "test_word_index.py",
    HERE.parent / "test_migrations.py",
    HERE.parent / "test_phonebook.py",
    HERE.parent / "test_staffing.py",
    HERE.parents[1] / "chatui" / "test_list.py",
]


@pytest.mark.faults
def test_postgresql_finds_what_sqlite_finds():
    with postgres() as cluster, cluster.database() as database_url:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *map(str, TESTS)],
            cwd=ROOT,
            env=environment({"DATABASE_URL": database_url}),
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " skipped" not in done.stdout, done.stdout[-2000:]
