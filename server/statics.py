"""Style sheets, scripts and pictures: their address changes with what is in them, so browsers may keep them for ever."""

from __future__ import annotations

import re
import time
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache

if TYPE_CHECKING:
    from collections.abc import MutableMapping

STARTED = time.time()
PACKAGES = ("Django", "django-htmx")
_VERSION = re.compile("[0-9a-f]{12}")


def version_of_files(rooms: Path) -> str:
    """A short word for all files in the rooms' `static` folders and in packages that bring files of their own."""
    digest = sha256(" ".join(version(package) for package in PACKAGES).encode())
    for file in sorted(file for file in rooms.glob("*/static/**/*") if file.is_file()):
        digest.update(f"{file.relative_to(rooms)}\0".encode() + sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]


def keep_none_that_changed(headers: MutableMapping[str, str], path: str, _url: str) -> None:
    """What an update has put under the running server is not what the address says: no browser may keep it."""
    if Path(path).stat().st_ctime > STARTED:
        headers["Cache-Control"] = "no-store"


@never_cache
def newest(request: HttpRequest, asked: str, name: str) -> HttpResponse:
    """A page that was drawn before an update gets today's file; WhiteNoise has answered what is at its right address."""
    if asked == settings.STATIC_VERSION:
        raise Http404
    # Before there were versions the address began with the room.
    return redirect(settings.STATIC_URL + (name if _VERSION.fullmatch(asked) else f"{asked}/{name}"))
