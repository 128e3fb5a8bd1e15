"""Ending somebody's log-ins, or what they do for a company in one: sessions go, and with them, at once, the open screens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from server.accounts.acting import end_acting
from server.accounts.models import UserSession
from server.events import doorbell

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.sessions.backends.base import SessionBase

    from server.accounts.models import Subscriber, User


@transaction.atomic
def show_out(*, user: User, but_session: str = "") -> int:
    """Log a person out everywhere, or everywhere but in one session; returns how many log-ins have ended."""
    keys = {*_noted_sessions(user), *_unnoted_sessions(user)} - {but_session}
    for key in keys:
        _end(user, key)
    if not but_session:
        # Whatever looks on by a session that we did not find.
        _dismiss(user, "", subscriber_id=user.subscriber_id)
    return len(keys)


@transaction.atomic
def end_session(*, user: User, session_id: int) -> bool:
    """Log a person out in one place, by the id of its UserSession; False when it is over, or somebody else's."""
    session = UserSession.objects.filter(user=user, pk=session_id).first()
    if session is None:
        return False
    _end(user, session.session_key)
    return True


@transaction.atomic
def stop_acting(*, session: SessionBase, user: User, how: str, now: datetime) -> Subscriber | None:
    """End what one of the operator's staff does for a company in a session, with the company's screens that are open in it.

    Returns for whom it was; `how` is what the audit log says (accounts/acting.py).
    """
    subscriber = end_acting(session=session, person=user, how=how, now=now)
    if subscriber is not None:
        # A page that comes back in between must find it ended.
        session.save()
        _dismiss(user, session.session_key or "", subscriber_id=subscriber.pk)
    return subscriber


def _end(user: User, key: str) -> None:
    if user.is_staff:
        stop_acting(session=SessionStore(key), user=user, how="logged out", now=timezone.now())
    Session.objects.filter(session_key=key).delete()
    UserSession.objects.filter(user=user, session_key=key).delete()
    _dismiss(user, key, subscriber_id=user.subscriber_id)


def _dismiss(user: User, key: str, *, subscriber_id: int | None) -> None:
    # Only when the session is gone for everybody: a socket that comes back in between must find the door shut.
    transaction.on_commit(
        lambda: doorbell.dismiss(subscriber_id=subscriber_id, user_id=user.pk, code=doorbell.LOGGED_OUT, session_key=key),
        robust=True,
    )


def _noted_sessions(user: User) -> list[str]:
    return list(UserSession.objects.filter(user=user).values_list("session_key", flat=True))


def _unnoted_sessions(user: User) -> list[str]:
    """Log-ins from before they were noted: they must be opened to know whose they are."""
    unnoted = Session.objects.exclude(session_key__in=UserSession.objects.values("session_key"))
    return [session.session_key for session in unnoted.iterator() if session.get_decoded().get(SESSION_KEY) == str(user.pk)]
