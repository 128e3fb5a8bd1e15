"""Subscribers, their services, teams and people, as the operator wishes them; asking twice changes nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.utils.crypto import constant_time_compare, salted_hmac

from server.accounts.models import Activation, AuditEntry, Role, Subscriber, Team, User, record_audit

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

PASSWORD_GIVEN = "user.password_given"
SWITCHED = "services.switched"


class ChatNeedsSms(Exception):
    """Chat is a supplement of SMS: it can't be on without it."""


def record_subscriber(*, slug: str, now: datetime, actor: User | None = None, **wishes: str | None) -> tuple[Subscriber, list[str]]:
    """Make the subscriber, or bring it to the wishes that are not None; returns it and what changed."""
    subscriber = Subscriber.objects.filter(slug=slug).first() or Subscriber(slug=slug)
    changed = bring(subscriber, wishes)
    if changed:
        record_audit(action="subscriber.recorded", at=now, actor=actor, subscriber=subscriber, target=slug, changed=changed)
    return subscriber, changed


def switch_services(
    *,
    subscriber: Subscriber,
    sms: bool | None,
    chat: bool | None,
    because: str = "",
    now: datetime,
    actor: User | None = None,
) -> list[str]:
    """Switch services on or off; None leaves one as it is. Switching SMS off switches chat off, its supplement.

    Call it in a transaction. Raises ChatNeedsSms.
    """
    # Locked: two of the staff may switch at once, and each would write what the other has just changed.
    activation, _ = Activation.objects.select_for_update().get_or_create(subscriber=subscriber)
    if sms is False:
        chat = False
    wishes = {}
    for name, is_wanted in (("sms_since", sms), ("chat_since", chat)):
        since = getattr(activation, name)
        if is_wanted is not None and bool(since) != is_wanted:
            wishes[name] = now if is_wanted else None
    for name, since in wishes.items():
        setattr(activation, name, since)
    if activation.chat_since and not activation.sms_since:
        raise ChatNeedsSms
    activation.save()
    changed = [f"{name.removesuffix('_since')} {'on' if since else 'off'}" for name, since in wishes.items()]
    if changed:
        record_audit(
            action=SWITCHED,
            at=now,
            actor=actor,
            subscriber=subscriber,
            target=subscriber.slug,
            changed=changed,
            because=because,
        )
    subscriber.activation = activation
    return changed


def record_team(*, subscriber: Subscriber, name: str, now: datetime, actor: User | None = None) -> tuple[Team, bool]:
    team, is_new = Team.objects.get_or_create(subscriber=subscriber, name=name)
    if is_new:
        record_audit(action="team.recorded", at=now, actor=actor, subscriber=subscriber, target=name)
    return team, is_new


def record_user(
    *,
    username: str,
    subscriber: Subscriber | None,
    password_hash: str | None = None,
    now: datetime,
    actor: User | None = None,
    **wishes: str | None,
) -> tuple[User, list[str]]:
    """Make the person, or bring them to the wishes that are not None; without a subscriber it is one of the operator's staff.

    `password_hash` comes ready (make_password): making one takes a third of a second, too long inside a transaction.
    """
    user = User.objects.filter(username=username).first() or User(username=username, subscriber=subscriber, name=username)
    if user.pk is None and subscriber is None:
        user.role, user.is_staff, user.is_superuser = Role.OPERATOR, True, True
    if user.pk is None and subscriber is not None:
        user.language = subscriber.language
    changed = bring(user, {**wishes, "password": password_hash})
    if changed:
        record_audit(action="user.recorded", at=now, actor=actor, subscriber=subscriber, target=username, changed=changed)
    return user, changed


def put_into_teams(*, user: User, teams: Collection[str], now: datetime, actor: User | None = None) -> bool:
    """Make the person a member of exactly these teams of their company; True when that changed something."""
    if set(user.teams.values_list("name", flat=True)) == set(teams):
        return False
    user.teams.set(Team.objects.filter(subscriber=user.subscriber, name__in=teams))
    record_audit(action="user.teams", at=now, actor=actor, subscriber=user.subscriber, target=user.username, teams=sorted(teams))
    return True


def password_hash_if_new(*, username: str, password: str | None) -> str | None:
    """The hash to store, or None when this password was given before.

    A password in a file is the one to start with: whoever has chosen their own since keeps it, until
    the file says another. What was given last is known by a keyed fingerprint in the audit log.
    """
    if not password:
        return None
    user = User.objects.filter(username=username).first()
    if user is None:
        return make_password(password)
    given = AuditEntry.objects.filter(action=PASSWORD_GIVEN, target=username).first()
    before = given.detail.get("fingerprint", "") if given else ""
    if any(constant_time_compare(before, known) for known in _fingerprints(username, password)):
        return None
    return None if user.check_password(password) else make_password(password)


def note_given_password(*, user: User, password: str, now: datetime) -> None:
    record_audit(
        action=PASSWORD_GIVEN,
        at=now,
        subscriber=user.subscriber,
        target=user.username,
        fingerprint=_fingerprints(user.username, password)[0],
    )


def _fingerprints(username: str, password: str) -> list[str]:
    """One for each SECRET_KEY that is still good: a changed key must not make every password in the file another one."""
    # Keyed and cut short: nothing to guess passwords from.
    value = f"{username}\n{password}"
    return [
        salted_hmac("fonal.given-password", value, secret=key, algorithm="sha256").hexdigest()[:12]
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]


def bring(row: Any, wishes: dict[str, Any]) -> list[str]:
    """Set the fields whose wish is not None and save if that changed any; returns their names ("new" for a new row)."""
    changed = [name for name, wish in wishes.items() if wish is not None and getattr(row, name) != wish]
    for name in changed:
        setattr(row, name, wishes[name])
    if row.pk is None:
        row.save()
        return ["new"]
    if changed:
        row.save(update_fields=changed)
    return changed
