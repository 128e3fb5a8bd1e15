"""Promises about the code itself."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import ROOT

REQUIREMENTS = ["requirements.txt", "requirements-dev.txt"]


def test_the_rooms_import_each_other_in_one_direction_only():
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_requirement_is_pinned_with_hashes_and_without_an_address(name):
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not re.search(r"^--", text, re.MULTILINE)
    pinned = [block for block in re.split(r"\n(?=\S)", text) if not block.startswith("#")]
    for block in pinned:
        assert "==" in block.splitlines()[0], block
        assert "--hash=sha256:" in block, block


def test_what_tests_use_agrees_with_what_runs():
    """A test run against another version of a library than the one people get proves nothing."""
    versions = [dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE)) for name in REQUIREMENTS]
    run, dev = versions
    assert {name: version for name, version in dev.items() if run.get(name, version) != version} == {}


def test_no_migration_is_missing():
    done = subprocess.run(
        [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
