"""Making a company and changing what it is called and where it is; its open screens hear of it at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from server.accounts.invitations import invite_person
from server.accounts.models import Role, Subscriber, record_audit
from server.accounts.provisioning import bring
from server.events.log import record
from server.events.models import Kind
from server.wording import fold

if TYPE_CHECKING:
    from datetime import datetime

    from server.accounts.models import User

LONGEST_SLUG = 50
# What folding leaves as it is, since it is no accent.
_PLAIN = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"})


class SlugTaken(Exception):
    """Another company is addressed by this slug already."""


@transaction.atomic
def create_subscriber(
    *,
    name: str,
    slug: str,
    country: str,
    timezone: str,
    language: str,
    administrator: tuple[str, str] | None = None,
    by: User,
    now: datetime,
) -> Subscriber:
    """Make a company, with no service yet; an `administrator` (name, e-mail) is invited.

    Raises SlugTaken, and EmailNotValid and PersonExists of the invitation.
    """
    subscriber = Subscriber(name=name, slug=slug, country=country, timezone=timezone, language=language)
    _bring(subscriber, {})
    record_audit(action="subscriber.recorded", at=now, actor=by, subscriber=subscriber, target=slug, changed=["new"])
    if administrator is not None:
        their_name, email = administrator
        invite_person(
            subscriber=subscriber, email=email, name=their_name, role=Role.ADMINISTRATOR, language=language, by=by, now=now
        )
    return subscriber


@transaction.atomic
def change_subscriber(*, subscriber: Subscriber, by: User, now: datetime, **wishes: str) -> list[str]:
    """Bring the company to the wishes, and tell its open screens; returns what changed. Raises SlugTaken."""
    changed = _bring(subscriber, wishes)
    if changed:
        record_audit(
            action="subscriber.recorded", at=now, actor=by, subscriber=subscriber, target=subscriber.slug, changed=sorted(changed)
        )
        record(subscriber_id=subscriber.pk, kind=Kind.ACCESS_CHANGED, at=now)
    return changed


def slug_from(name: str) -> str:
    """What a company is called in addresses and files: Árvíztűrő Kft. → arvizturo-kft; one that is still free."""
    letters = fold(name).translate(_PLAIN)
    words = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in letters).split()
    wanted = "-".join(words)[:LONGEST_SLUG].strip("-") or "company"
    taken = set(Subscriber.objects.filter(slug__startswith=wanted[: LONGEST_SLUG - 6]).values_list("slug", flat=True))
    number = 1
    slug = wanted
    while slug in taken:
        number += 1
        slug = f"{wanted[: LONGEST_SLUG - 6].rstrip('-')}-{number}"
    return slug


def _bring(subscriber: Subscriber, wishes: dict[str, str]) -> list[str]:
    try:
        with transaction.atomic():
            return bring(subscriber, dict(wishes))
    except IntegrityError as problem:
        raise SlugTaken from problem
