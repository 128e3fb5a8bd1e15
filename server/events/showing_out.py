"""Ending somebody's log-ins: their sessions go, and with them, at once, their open screens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils.timezone import now

from server.accounts.acting import end_acting
from server.accounts.models import UserSession
from server.events import doorbell

if TYPE_CHECKING:
    from server.accounts.models import User

LOGGED_OUT = 4401


@transaction.atomic
def show_out(*, user: User, but_session: str = "") -> int:
    """Log a person out everywhere, or everywhere but in one session; returns how many log-ins have ended."""
    keys = {*_noted_sessions(user), *_unnoted_sessions(user)} - {but_session}
    for key in keys:
        _end(user, key)
    if not but_session:
        # Whatever looks on by a session that we did not find.
        _dismiss(user, "")
    return len(keys)


@transaction.atomic
def end_session(*, user: User, session_id: int) -> bool:
    """Log a person out in one place, by the id of its UserSession; False when it is over, or somebody else's."""
    session = UserSession.objects.filter(user=user, pk=session_id).first()
    if session is None:
        return False
    _end(user, session.session_key)
    return True


def _end(user: User, key: str) -> None:
    # The operator's staff may look at a company's pages in it.
    acted_for = end_acting(session=SessionStore(key), person=user, how="logged out", now=now()) if user.is_staff else None
    Session.objects.filter(session_key=key).delete()
    UserSession.objects.filter(user=user, session_key=key).delete()
    _dismiss(user, key)
    if acted_for is not None:
        _dismiss(user, key, subscriber_id=acted_for.pk)


def _dismiss(user: User, key: str, *, subscriber_id: int | None = None) -> None:
    of_company = subscriber_id or user.subscriber_id
    # Only when the session is gone for everybody: a socket that comes back in between must find the door shut.
    transaction.on_commit(
        lambda: doorbell.dismiss(subscriber_id=of_company, user_id=user.pk, code=LOGGED_OUT, session_key=key), robust=True
    )


def _noted_sessions(user: User) -> list[str]:
    return list(UserSession.objects.filter(user=user).values_list("session_key", flat=True))


def _unnoted_sessions(user: User) -> list[str]:
    """Log-ins from before they were noted: they must be opened to know whose they are."""
    unnoted = Session.objects.exclude(session_key__in=UserSession.objects.values("session_key"))
    return [session.session_key for session in unnoted.iterator() if session.get_decoded().get(SESSION_KEY) == str(user.pk)]
