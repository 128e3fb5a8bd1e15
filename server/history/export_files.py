"""Where exported files lie: under names that nobody guesses, for the owner of the process only."""

from __future__ import annotations

import errno
import os
import re
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from django.core.files.storage import storages

if TYPE_CHECKING:
    from collections.abc import Iterator

# A million rows are about 100 MB, and the database may have its files on the same disk.
LEAST_FREE = 1 << 30
_OUR_NAME = re.compile(r"[0-9a-f]{32}")


def path_of(name: str) -> Path:
    return _folder() / name


def files_there() -> set[str]:
    """The names of all that are ours."""
    folder = _folder()
    return {path.name for path in folder.iterdir() if _OUR_NAME.fullmatch(path.name)} if folder.is_dir() else set()


@contextmanager
def new_file(name: str) -> Iterator[IO[bytes]]:
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < LEAST_FREE:
        raise OSError(errno.ENOSPC, "too little room for exports", str(folder))
    with os.fdopen(os.open(path_of(name), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b", buffering=1 << 20) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def delete_file(name: str) -> None:
    """Nothing, when it is gone already or there never was one."""
    if name:
        with suppress(FileNotFoundError):
            path_of(name).unlink()


def _folder() -> Path:
    return Path(storages["exports"].path(""))
