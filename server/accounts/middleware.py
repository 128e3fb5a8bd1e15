"""Who asks, and from where."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import ip_address
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from server.accounts.circumstances import Circumstances, under
from server.accounts.log_ins import SEEN_EVERY, note_seen

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

# In a log-in's session: its UserSession is there.
NOTED = "is_noted"
_REMEMBERED = 10_000


class CircumstancesMiddleware:
    """What is done in this request is done from the browser's address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with under(Circumstances(address=client_address(request))):
            return self.get_response(request)


class SeenMiddleware:
    """Keeps a log-in's `seen_at`: nothing is written, or asked, more often than every five minutes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.seen: OrderedDict[str, datetime] = OrderedDict()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        key = request.session.session_key
        # Whoever has not looked at the session has not asked who is there.
        if key and request.session.accessed and request.session.get(NOTED):
            self._see(key, timezone.now())
        return response

    def _see(self, key: str, now: datetime) -> None:
        if key in self.seen and now - self.seen[key] < SEEN_EVERY:
            return
        # Anew at the end: the front is what was seen longest ago.
        self.seen.pop(key, None)
        self.seen[key] = now
        if len(self.seen) > _REMEMBERED:
            self.seen.popitem(last=False)
        note_seen(session_key=key, now=now)


def client_address(request: HttpRequest) -> str | None:
    """The browser's IP address, as the outermost of our own proxies saw it; None when there is none.

    Only the last TRUSTED_PROXIES entries of X-Forwarded-For were written by proxies of ours: what stands before
    them anybody can send.
    """
    address = request.META.get("REMOTE_ADDR") or ""
    if settings.TRUSTED_PROXIES:
        hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
        if len(hops) >= settings.TRUSTED_PROXIES:
            address = hops[-settings.TRUSTED_PROXIES]
    try:
        return str(ip_address(address))
    except ValueError:
        return None
