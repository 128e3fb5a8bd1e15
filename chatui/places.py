"""Where somebody is logged in, as the settings page lists it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.timezone import now

from chatui.devices import device_in_words, is_telephone
from server.accounts.log_ins import sessions_of

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest

    from server.accounts.models import UserSession


@dataclass(frozen=True, slots=True)
class Place:
    """`id` is None for this very one: that is what logging out is for."""

    id: int | None
    device: str
    icon: str
    address: str
    seen_at: datetime | None


def places_of(request: HttpRequest) -> list[Place]:
    """This device first, then the others, last seen first."""
    here = request.session.session_key
    others = [session for session in sessions_of(request.user, now=now()) if session.session_key != here]
    return [_this(request), *(_another(session) for session in others)]


def _this(request: HttpRequest) -> Place:
    return _place(None, request.headers.get("User-Agent", ""), "", None)


def _another(session: UserSession) -> Place:
    return _place(session.pk, session.user_agent, session.address or "", session.seen_at)


def _place(pk: int | None, user_agent: str, address: str, seen_at: datetime | None) -> Place:
    icon = "phone" if is_telephone(user_agent) else "screen"
    return Place(pk, device_in_words(user_agent), icon, address, seen_at)
