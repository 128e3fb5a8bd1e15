"""Who may have a live view, and of what: asked at connect, at each `open`, and again every minute.

A page that was drawn without chat has no view: it is only told when it must be loaded anew, because the
operator has switched something on or off, or the person's rights have changed.

A socket outlives the request that opened it, so the session is read each time, and neither Django's
middleware nor Channels' (which reads it once, and writes it back) is involved.
"""

from __future__ import annotations

from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils.crypto import constant_time_compare
from django.utils.timezone import now

from server.accounts.acting import stand_in
from server.accounts.models import Subscriber, Support, User
from server.calls.models import CallLogic
from server.events.doorbell import LOGGED_OUT, NOT_ALLOWED
from server.lines.models import Line
from server.messaging.models import Conversation

# What a page was drawn with, and says when it connects (data-live in app.html).
CHAT, SMS, OFF = "chat", "sms", "off"


class Refused(Exception):
    """No live view; `code` closes the socket: 4401 logged out, 4403 not allowed."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Person:
    """What the live view needs to know of somebody."""

    user_id: int
    name: str
    language: str
    subscriber_id: int
    # None without a view.
    lines: frozenset[int]
    services: str = CHAT
    has_view: bool = True
    only_reads: bool = False
    # What else every page shows and no frame brings: when it changes, the page is loaded anew.
    surroundings: tuple[object, ...] = ()


def admit(session_key: str, drawn_with: str = CHAT) -> Person:
    """The person of a session, with the lines they may see now. Raises Refused."""
    user = person_of(session_key)
    if user is None or not user.is_active:
        raise Refused(LOGGED_OUT)
    company, has_view = user.subscriber, drawn_with == CHAT
    if company is None or (has_view and not company.has_chat):
        raise Refused(NOT_ALLOWED)
    lines = list(Line.objects.visible_to(user).order_by("pk").values_list("pk", "label", "held_since"))
    return Person(
        user.pk,
        user.shown_name if isinstance(user, Support) else user.name or user.username,
        user.language,
        company.pk,
        lines=frozenset(pk for pk, _, _ in lines) if has_view else frozenset(),
        services=services_of(company),
        has_view=has_view,
        only_reads=user.only_reads,
        surroundings=(
            services_of(company),
            user.role,
            user.language,
            user.may_export,
            company.timezone,
            company.country,
            company.saves_accents,
            CallLogic.objects.filter(subscriber=company).values_list("stopped_at", flat=True).first(),
            *((pk, label, held is None) for pk, label, held in lines),
        ),
    )


def services_of(company: Subscriber) -> str:
    return CHAT if company.has_chat else SMS if company.has_sms else OFF


def line_of_visible(conversation_id: int, session_key: str) -> int | None:
    """The line of a conversation that the session's person may see; None also when there is no such conversation."""
    user = person_of(session_key)
    if user is None:
        return None
    return Conversation.objects.visible_to(user).filter(pk=conversation_id).values_list("line_id", flat=True).first()


def drawn_with_in(scope: dict[str, Any]) -> str:
    """What the page says it was drawn with; whatever it says, a view is only had with chat."""
    return {b"with=sms": SMS, b"with=off": OFF}.get(scope.get("query_string", b""), CHAT)


def session_key_in(scope: dict[str, Any]) -> str:
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                cookie = SimpleCookie(value.decode("latin1")).get(settings.SESSION_COOKIE_NAME)
            except CookieError:
                continue
            if cookie is not None:
                return cookie.value
    return ""


def person_of(session_key: str) -> User | None:
    """Whose session it is; while the operator's staff act for a company, their stand-in there."""
    if not session_key:
        return None
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    if session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    users = User.objects.select_related("subscriber__activation").filter(pk=session.get(SESSION_KEY))
    user = users.first()
    if user is None:
        return None
    known = session.get(HASH_SESSION_KEY, "")
    # A changed password changes the hash; a rotated SECRET_KEY keeps it valid through its fallbacks.
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    if not any(constant_time_compare(known, fresh) for fresh in hashes):
        return None
    return stand_in(session=session, person=user, now=now()) or user
