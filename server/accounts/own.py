"""What people say of themselves: how they are reached, what they want to be told of, and whether they are here."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from server import phone as phones
from server.accounts.models import AuditEntry, CallNotice, Notice, User, record_audit
from server.accounts.own_letters import tell_old_address
from server.phone import NumberNotValid

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

LONGEST_EMAIL = 254
MOST_CHANGES_OF_ADDRESS, COUNTED_FOR = 4, timedelta(days=1)
OWN_CHANGED = "user.own_changed"
_USUAL_COUNTRY = "HU"


class AddressNotValid(ValueError):
    """This is no e-mail address."""


class ChangedTooOften(Exception):
    """The address before gets a letter each time: nobody's mailbox is filled by somebody who says it is theirs."""


def read_phone(text: str, *, user: User) -> str:
    """One's own number as it is stored, read as one's company's country writes it. Raises NumberNotValid."""
    country = user.subscriber.country if user.subscriber else _USUAL_COUNTRY
    return phones.to_e164(text, country=country) if text.strip() else ""


def read_address(text: str) -> str:
    """Raises AddressNotValid."""
    address = text.strip()
    try:
        if address:
            validate_email(address)
    except ValidationError as problem:
        raise AddressNotValid(address) from problem
    if len(address) > LONGEST_EMAIL:
        raise AddressNotValid(address)
    return address


@transaction.atomic
def change_own(
    *, user: User, phone: str, email: str, notices: Collection[str], hears_of_calls_by: Collection[str], now: datetime
) -> list[str]:
    """Bring one's own facts to these; returns the names of those that changed.

    Raises NumberNotValid, AddressNotValid and ChangedTooOften.
    """
    wishes = {
        "phone": read_phone(phone, user=user),
        "email": read_address(email),
        "notices": [notice for notice in Notice.values if notice in notices],
        "hears_of_calls_by": [way for way in CallNotice.values if way in hears_of_calls_by],
    }
    before = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    changed = [name for name, wish in wishes.items() if getattr(before, name) != wish]
    if "email" in changed and _changes_of_address(before, now) >= MOST_CHANGES_OF_ADDRESS:
        raise ChangedTooOften
    for name in changed:
        setattr(user, name, wishes[name])
    if changed:
        user.save(update_fields=changed)
        record_audit(action=OWN_CHANGED, at=now, actor=user, subscriber=user.subscriber, target=user.username, changed=changed)
    if "email" in changed and before.email:
        # A forgotten password is mended by e-mail: whoever is at somebody's desk must not take that over unnoticed.
        tell_old_address.enqueue(user.pk, before.email)
    return changed


def _changes_of_address(user: User, now: datetime) -> int:
    changes = AuditEntry.objects.filter(actor=user, action=OWN_CHANGED, at__gt=now - COUNTED_FOR)
    return sum("email" in detail.get("changed", ()) for detail in changes.values_list("detail", flat=True))


def go_away(*, user: User, now: datetime) -> bool:
    """Colleagues see it where they hand conversations over; False when the person was away already."""
    return bool(User.objects.filter(pk=user.pk, away_since=None).update(away_since=now))


def come_back(*, user: User) -> bool:
    return bool(User.objects.filter(pk=user.pk, away_since__isnull=False).update(away_since=None))


__all__ = [
    "AddressNotValid",
    "ChangedTooOften",
    "NumberNotValid",
    "change_own",
    "come_back",
    "go_away",
    "read_address",
    "read_phone",
]
