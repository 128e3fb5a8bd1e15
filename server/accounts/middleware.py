"""Who asks, and from where."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from django.conf import settings

from server.accounts.circumstances import Circumstances, under

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse


class CircumstancesMiddleware:
    """What is done in this request is done from the browser's address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with under(Circumstances(address=client_address(request))):
            return self.get_response(request)


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
