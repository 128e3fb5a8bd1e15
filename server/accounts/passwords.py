"""Changing one's password, and getting a new one by e-mail when it is forgotten.

The link is Django's: made of the password, the last log-in and the address, so whatever changes these ends it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.db.models import Case, Q, When

from server import sms
from server.accounts.links import pk_in, word_of
from server.accounts.models import AuditEntry, User, record_audit

if TYPE_CHECKING:
    from datetime import datetime

FORGOTTEN = "user.password_forgotten"
# Nobody's mailbox is filled by somebody who presses a button.
ONE_LETTER_IN = timedelta(minutes=5)
# One address may be several people's: a shared mailbox, or one person at two companies.
MOST_PEOPLE = 5


class LinkUsed(Exception):
    """The link was used, is older than a day, or its person was deactivated."""


def people_named(name: str) -> list[User]:
    """Whom somebody means who has forgotten their password: by user name or e-mail; only who can get a letter."""
    typed = sms.storable(name).strip()[:254]
    if not typed:
        return []
    theirs = Q(username=typed) | (Q(username=typed.lower()) if "@" in typed else Q())
    people = User.objects.filter(theirs | Q(email__iexact=typed), is_active=True).exclude(email="")
    # Whose name it is comes first: others may have written somebody's address beside their own names.
    people = people.order_by(Case(When(theirs, then=0), default=1), "pk")
    # Who was invited and has not come yet has another letter.
    return [user for user in people[:MOST_PEOPLE] if user.has_usable_password()]


def has_just_had_letter(*, user: User, now: datetime) -> bool:
    letters = AuditEntry.objects.filter(subscriber=user.subscriber, action=FORGOTTEN, target=user.username[:120])
    return letters.filter(at__gt=now - ONE_LETTER_IN).exists()


def note_forgotten(*, user: User, now: datetime) -> None:
    """A letter is on its way to them."""
    record_audit(action=FORGOTTEN, at=now, subscriber=user.subscriber, target=user.username)


def words_of_link(user: User) -> tuple[str, str]:
    """The two words of /login/reset/<uidb64>/<token>/."""
    return word_of(user), default_token_generator.make_token(user)


def user_by_link(*, uidb64: str, token: str) -> User:
    """Raises LinkUsed."""
    user = User.objects.select_related("subscriber").filter(pk=pk_in(uidb64), is_active=True).first()
    if user is None or not user.has_usable_password() or not default_token_generator.check_token(user, token):
        raise LinkUsed
    return user


@transaction.atomic
def take_new_password(*, user: User, password_hash: str, now: datetime) -> None:
    """The password that somebody chose at their link. Raises LinkUsed. The caller shows them out.

    `password_hash` comes ready (make_password): making one takes a third of a second, too long inside a transaction.
    """
    # Claimed, so that two clicks at once are one.
    if not User.objects.filter(pk=user.pk, password=user.password, is_active=True).update(password=password_hash):
        raise LinkUsed
    note_changed(user=user, now=now, how="letter")


def note_changed(*, user: User, now: datetime, how: str = "settings") -> None:
    record_audit(action="user.password_changed", at=now, actor=user, subscriber=user.subscriber, target=user.username, how=how)
