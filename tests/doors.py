"""A colleague's browser at the HTTP doors: with our scripts, or without."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

if TYPE_CHECKING:
    from server.accounts.models import User

FRAMES = {"X-Fonal": "frames"}
HTMX = {"HX-Request": "true"}
ROW = re.compile(r'id="row-(\d+)"')
MESSAGE = re.compile(r'<tr id="message-([\w-]+)"')
ENTRY = re.compile(r'id="entry-([\w-]+)"')


class Browser(Client):
    """Logged in as a person, or nobody; `say` posts as our scripts do, `post` as a form without them."""

    def __init__(self, user: User | None = None, **more: Any) -> None:
        super().__init__(**more)
        if user is not None:
            self.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    def say(self, path: str, **values: Any) -> HttpResponse:
        return self.post(path, values, headers=FRAMES)

    def send(self, conversation: Any, body: str, **values: Any) -> HttpResponse:
        return self.say(f"/conversations/{conversation.pk}/send/", **({"uuid": uuid.uuid4(), "body": body} | values))

    def notices(self, path: str) -> str:
        """What the page that a redirect leads to tells the person."""
        toasts = re.search(r'id="toasts".*?</div>\s*(?=<script)', self.get(path).text, re.DOTALL)
        return toasts.group() if toasts else ""


def verified(user: User) -> Browser:
    """The browser of somebody who has taken the second step of the log-in, too."""
    device, _ = TOTPDevice.objects.get_or_create(user=user, name="phone", confirmed=True)
    browser = Browser(user)
    session = browser.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session.save()
    return browser


def rows_in(response: HttpResponse) -> list[int]:
    """The ids of the conversations that a list shows, in its order."""
    return [int(pk) for pk in ROW.findall(response.text)]


def entries_in(response: HttpResponse) -> list[str]:
    return ENTRY.findall(response.text)


def next_page(response: HttpResponse) -> str | None:
    """The address behind "Older conversations" or "Older messages"."""
    found = re.search(r'hx-get="([^"]+(?:after|before)=[^"]+)" hx-trigger="intersect [^"]*once"', response.text)
    return found.group(1).replace("&amp;", "&") if found else None


def shown(response: HttpResponse) -> list[str]:
    """The uuids of the messages that the list shows, in its order."""
    return MESSAGE.findall(response.text)


def walk(browser: Browser, address: str = "/messages/", headers: dict[str, str] | None = None) -> list[str]:
    """The uuids of all pages of the list of messages, from an address on."""
    seen: list[str] = []
    following: str | None = address
    while following:
        page = browser.get(following, headers=headers)
        seen += shown(page)
        following = next_page(page)
    return seen
