"""`make run` finds a Python that works, or says which one is needed and how to get it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import ROOT


@pytest.fixture
def machine(tmp_path):
    """A machine with only these programs: `machine(python3="exit 127")` runs find-python there."""

    def run(**programs: str) -> subprocess.CompletedProcess[str]:
        for name in ("sh", "cat", "head", "tr", "ls", "dirname"):
            (tmp_path / name).symlink_to(Path("/bin") / name if (Path("/bin") / name).exists() else Path("/usr/bin") / name)
        for name, script in programs.items():
            file = tmp_path / name.replace("_", ".")
            file.write_text(f"#!/bin/sh\n{script}\n")
            file.chmod(0o755)
        return subprocess.run(
            [ROOT / "tools" / "find-python"],
            env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_shim_that_fails_is_passed_over(machine):
    found = machine(python3_13="exit 127", python3=f'exec {sys.executable} "$@"')
    assert found.returncode == 0, found.stderr


def test_without_a_suitable_python_it_says_how_to_get_one(machine):
    found = machine(python3="exit 2", python3_13="exit 127")
    assert found.returncode == 1
    assert "Fonal needs Python 3.12 or later" in found.stderr
    for way in ("apt-get install", "pyenv install 3.13", "python.org"):
        assert way in found.stderr


def test_without_venv_it_says_which_package_is_missing(machine):
    found = machine(python3='case "$2" in *ensurepip*) exit 3;; *) echo 3.12;; esac')
    assert found.returncode == 1
    assert "apt-get install python3-venv python3.12-venv" in found.stderr
