"""Letting files in: one that is too large is refused before it is taken apart."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

from django.views.decorators.csrf import csrf_exempt, csrf_protect

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse


def at_most(size: int, refuse: Callable[[HttpRequest], HttpResponse]):
    """Asks `refuse` for the answer to more bytes than that; CSRF protection, too, would read them all, and comes after.

    By then Django has all of it in a temporary file: how much is let in at all is up to the server in front of us.
    """

    def limited(view):
        @csrf_exempt
        @wraps(view)
        def guarded(request: HttpRequest, *args, **kwargs):
            length = request.META.get("CONTENT_LENGTH") or ""
            if request.method == "POST" and not (length.isdecimal() and int(length) <= size):
                return refuse(request)
            return csrf_protect(view)(request, *args, **kwargs)

        return guarded

    return limited
