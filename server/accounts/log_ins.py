"""Who is logged in where, and what the audit log says of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.contrib.sessions.models import Session
from django.db import transaction

from server import sms
from server.accounts.circumstances import circumstances
from server.accounts.models import User, UserSession, record_audit

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from server.accounts.models import Subscriber

# Often enough for "last seen", and seldom enough not to be felt.
SEEN_EVERY = timedelta(minutes=5)


@transaction.atomic
def note_log_in(*, user: User, session_key: str, user_agent: str, second_step: str = "", now: datetime) -> UserSession:
    """A person has come in, in this session; `second_step` says by what besides the password."""
    detail = {"second_step": second_step} if second_step else {}
    record_audit(action="user.logged_in", at=now, actor=user, subscriber=user.subscriber, target=user.username, **detail)
    session, _ = UserSession.objects.update_or_create(
        session_key=session_key,
        defaults={
            "user": user,
            "user_agent": sms.storable(user_agent)[:300],
            "address": circumstances().address,
            "logged_in_at": now,
            "seen_at": now,
        },
    )
    return session


def note_log_out(*, user: User, session_key: str, now: datetime) -> None:
    record_audit(action="user.logged_out", at=now, actor=user, subscriber=user.subscriber, target=user.username)
    forget_session(session_key=session_key)


def note_failed_log_in(*, name: str, step: str, now: datetime) -> None:
    """A wrong password or code. Only a name that somebody has is written down: people type passwords in its place."""
    user = _named(name)
    record_audit(action="user.log_in_failed", at=now, subscriber=_company_of(user), target=_name_of(user), step=step)


def note_lock_out(*, name: str, now: datetime) -> None:
    """So many wrong passwords that this name has to wait at this address."""
    user = _named(name)
    record_audit(action="user.locked_out", at=now, subscriber=_company_of(user), target=_name_of(user))


def move_session(*, before: str, to: str) -> None:
    """The same log-in goes on under another key."""
    UserSession.objects.filter(session_key=before).update(session_key=to)


def forget_session(*, session_key: str) -> None:
    UserSession.objects.filter(session_key=session_key).delete()


def forget_ended_sessions() -> int:
    """Drop what was noted of sessions that are gone."""
    ended, _ = UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
    return ended


def sessions_of(user: User, *, now: datetime) -> QuerySet[UserSession]:
    """Where the person is logged in, last seen first."""
    alive = Session.objects.filter(expire_date__gt=now).values("session_key")
    return UserSession.objects.filter(user=user, session_key__in=alive).order_by("-seen_at", "-pk")


def note_seen(*, session_key: str, now: datetime) -> bool:
    return bool(UserSession.objects.filter(session_key=session_key, seen_at__lt=now - SEEN_EVERY).update(seen_at=now))


def _named(name: str) -> User | None:
    return User.objects.filter(username=name).select_related("subscriber").first()


def _company_of(user: User | None) -> Subscriber | None:
    return user.subscriber if user else None


def _name_of(user: User | None) -> str:
    return user.username if user else ""
