"""The addresses that a provider calls, and those that requests seem to have been made to."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse

from server.sms import storable

if TYPE_CHECKING:
    from django.http import HttpRequest

    from server.lines.models import Line

# A name or address with a port; nothing that could be more than that on a page.
LONGEST_HOST = 120
LONGEST = 300


def messages_address(line: Line) -> str:
    """Where the provider must post customers' texts to this line."""
    return f"{settings.PUBLIC_URL}{reverse('gateway:messages', args=[line.provider, line.key])}"


def calls_address(line: Line) -> str:
    """Where the company's telephone exchange must post what happens in the calls of this line."""
    return f"{settings.PUBLIC_URL}{reverse('gateway:calls', args=[line.key])}"


def status_address(line: Line, uuid: object) -> str:
    """Where the provider must post what became of a message; sent along with each."""
    return f"{settings.PUBLIC_URL}{reverse('gateway:status', args=[line.provider, line.key, uuid])}"


def voice_address(line: Line, step: str = "voice") -> str:
    """Where the provider must ask what a caller of this line hears, and tell what happened in the call: the URL's name."""
    return f"{settings.PUBLIC_URL}{reverse(f'gateway:{step}', args=[line.key])}"


def seen_address(request: HttpRequest) -> str:
    """The address that a request seems to have been made to, without parameters; for people to read, never to rely on."""
    return f"{_schemes(request)[0]}://{_hosts(request)[0]}{storable(request.path)}"[:LONGEST]


def other_addresses(request: HttpRequest) -> list[str]:
    """The addresses that the provider may have called instead of ours, as far as the request tells.

    Only for finding out why a signature is wrong: all of it is what the sender says.
    """
    ours = settings.PUBLIC_URL
    hosts = [*_hosts(request), urlsplit(ours).netloc]
    prefixes = ["", _header(request, "X-Forwarded-Prefix").rstrip("/")]
    tried = product(dict.fromkeys([*_schemes(request), "https", "http"]), dict.fromkeys(hosts), dict.fromkeys(prefixes))
    addresses = [f"{scheme}://{host}{prefix}{request.get_full_path()}" for scheme, host, prefix in tried]
    return [address for address in addresses if address != ours + request.get_full_path()]


def _schemes(request: HttpRequest) -> list[str]:
    told = _header(request, "X-Forwarded-Proto")
    return [told, request.scheme or "http"] if told in {"http", "https"} else [request.scheme or "http"]


def _hosts(request: HttpRequest) -> list[str]:
    # Not get_host(): a host that is not ours is just what is looked for.
    told = [_header(request, "X-Forwarded-Host"), _header(request, "Host")]
    return [host for host in told if host] or ["?"]


def _header(request: HttpRequest, name: str) -> str:
    return storable(request.headers.get(name, "").partition(",")[0].strip())[:LONGEST_HOST]
