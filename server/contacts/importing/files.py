"""Where files of contacts lie: under names that nobody guesses, for the owner of the process only.

Each import has one name, and up to three files: the upload, its plain rows, and what the dry run found.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from django.core.files.storage import storages

from server.contacts.importing.problems import NotImportable, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

UPLOAD, ROWS, FOUND = "", ".rows", ".found"
# The largest file, its rows and what was found in them are a tenth of that; the database may have its files on the same disk.
LEAST_FREE = 1 << 30
_OUR_NAME = re.compile(r"([0-9a-f]{32})(?:\.rows|\.found)?")


def has_room() -> bool:
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return shutil.disk_usage(folder).free >= LEAST_FREE


def keep(pieces: Iterable[bytes]) -> str:
    """Keep an upload; returns its name."""
    name = uuid.uuid4().hex
    with new_file(name, UPLOAD) as file:
        for piece in pieces:
            file.write(piece)
    return name


def new_file(name: str, kind: str) -> IO[bytes]:
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Whoever takes over from a dead worker begins it anew.
    return os.fdopen(os.open(folder / f"{name}{kind}", os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb", buffering=1 << 18)


def open_file(name: str, kind: str) -> IO[bytes]:
    """Raises NotImportable when it is gone."""
    try:
        if not name:
            raise FileNotFoundError
        return (_folder() / f"{name}{kind}").open("rb")
    except FileNotFoundError:
        raise NotImportable(Problem.LOST) from None


def delete_files(name: str, *kinds: str) -> None:
    """Nothing, when they are gone already or there never were any."""
    for kind in (kinds or (UPLOAD, ROWS, FOUND)) if name else ():
        with suppress(FileNotFoundError):
            (_folder() / f"{name}{kind}").unlink()


def names_there() -> dict[str, float]:
    """The names of all imports that have files, with the time of the newest of these."""
    folder = _folder()
    there: dict[str, float] = {}
    for path in folder.iterdir() if folder.is_dir() else ():
        if match := _OUR_NAME.fullmatch(path.name):
            with suppress(FileNotFoundError):
                there[match[1]] = max(path.stat().st_mtime, there.get(match[1], 0))
    return there


def _folder() -> Path:
    return Path(storages["imports"].path(""))
