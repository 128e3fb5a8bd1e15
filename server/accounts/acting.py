"""The operator's staff act as a company's administrator, for support: with a reason, for an hour at most.

The session remembers for whom; the person stays who they are, and every entry of the audit log names them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.models import Device

from server import sms
from server.accounts.circumstances import circumstances, under
from server.accounts.models import AuditEntry, Subscriber, Support, User, record_audit

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase

ACTING = "acting"
LASTS = timedelta(minutes=60)
SHORTEST_REASON, LONGEST_REASON = 5, 200


class NoReason(ValueError):
    """Why is not said, or in more than 200 characters: the company will read it in its audit log."""


class NotForSupport(PermissionError):
    """Only the operator's staff, and only with the second step of their log-in."""


@transaction.atomic
def begin_acting(*, session: SessionBase, person: User, subscriber: Subscriber, because: str, now: datetime) -> datetime:
    """From now on this session stands in for an administrator of the company; returns until when.

    Raises NotForSupport and NoReason.
    """
    if isinstance(person, Support) or not _may_act(person, session):
        raise NotForSupport
    reason = " ".join(sms.storable(because).split())
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise NoReason(len(reason))
    until = now + LASTS
    session[ACTING] = {"subscriber": subscriber.pk, "until": until.isoformat(), "because": reason}
    _note("support.began", person, subscriber, now, because=reason, until=until.isoformat())
    return until


@transaction.atomic
def end_acting(*, session: SessionBase, person: User, how: str, now: datetime) -> Subscriber | None:
    """Stop; returns for whom it was. `how` is what the audit log says: ended, expired, revoked or logged out."""
    acting = session.pop(ACTING, None)
    subscriber = Subscriber.objects.filter(pk=acting["subscriber"]).first() if acting else None
    if acting and subscriber is not None:
        _note("support.ended", person, subscriber, now, because=acting["because"], how=how)
    return subscriber


def stand_in(*, session: SessionBase, person: User, now: datetime) -> Support | None:
    """Who acts in this session, if somebody does and still may."""
    acting = session.get(ACTING)
    if not acting or now >= _until(session) or not _may_act(person, session):
        return None
    subscriber = Subscriber.objects.select_related("activation").filter(pk=acting["subscriber"]).first()
    return None if subscriber is None else Support.of(person, subscriber=subscriber, until=_until(session))


def note_look(*, support: Support, page: str, now: datetime) -> bool:
    """A page with what customers wrote, or with who they are, was opened: written down once in an acting, by its address."""
    ours = AuditEntry.objects.filter(subscriber=support.subscriber_id, actor=support.pk, is_support=True)
    if ours.filter(at__gte=support.until - LASTS, action="support.looked", target=page[:120]).exists():
        return False
    _note("support.looked", support, support.subscriber, now, target=page)
    return True


def note_deed(*, support: Support, page: str, what: str, now: datetime) -> None:
    """Something was changed, and the verb itself does not write it down."""
    _note("support.did", support, support.subscriber, now, target=page, did=what)


def why_over(*, session: SessionBase, now: datetime) -> str:
    """Of a session in which nobody may act any more."""
    return "expired" if now >= _until(session) else "revoked"


def _until(session: SessionBase) -> datetime:
    return datetime.fromisoformat(session[ACTING]["until"])


def _may_act(person: User, session: SessionBase) -> bool:
    if not person.is_operator:
        return False
    device = Device.from_persistent_id(session.get(DEVICE_ID_SESSION_KEY) or "")
    return device is not None and bool(device.user_id == person.pk)


def _note(action: str, person: User, subscriber: Subscriber | None, now: datetime, *, target: str = "", **detail: str) -> None:
    with under(replace(circumstances(), is_support=True)):
        record_audit(action=action, at=now, actor=person, subscriber=subscriber, target=target or person.username, **detail)
