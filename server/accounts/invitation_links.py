"""The link of an invitation, /join/<uidb64>/<token>/: for one person, once, within a week.

Nothing of it is kept: it is made of what the person's row holds (password, address, moment of the invitation),
so whatever changes these ends it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils.crypto import constant_time_compare, salted_hmac

from server.accounts.links import pk_in, word_of
from server.accounts.models import AuditEntry, User

if TYPE_CHECKING:
    from datetime import datetime

VALID_FOR = timedelta(days=7)
INVITED = "user.invited"


class InvitationUsed(Exception):
    """The person has joined, was deactivated, or was invited anew: this link leads nowhere any more."""


class InvitationExpired(Exception):
    """The link was right, but it is more than a week old."""

    def __init__(self, person: User) -> None:
        super().__init__(person.pk)
        self.person = person


def is_invited(person: User) -> bool:
    """Whether the person was invited and has not come yet."""
    return person.is_active and person.invited_at is not None and not person.has_usable_password()


def words_of_link(person: User) -> tuple[str, str]:
    """The two words of the address: whom it invites, and the proof."""
    return word_of(person), _token_of(person)


def invited_by_link(*, uidb64: str, token: str, now: datetime) -> User:
    """Whom the link invites. Raises InvitationExpired, and InvitationUsed for whatever else is wrong with it."""
    person = User.objects.select_related("subscriber").filter(pk=pk_in(uidb64)).first()
    if person is None or not is_invited(person) or not constant_time_compare(_token_of(person), token):
        raise InvitationUsed
    if person.invited_at is None or now - person.invited_at > VALID_FOR:
        raise InvitationExpired(person)
    return person


def inviter_of(person: User) -> User | None:
    """Who has invited the person last."""
    invitations = AuditEntry.objects.filter(action=INVITED, target=person.username[:120], subscriber=person.subscriber)
    newest = invitations.select_related("actor").order_by("-at", "-id").first()
    return newest.actor if newest else None


def _token_of(person: User) -> str:
    invited_at = person.invited_at.timestamp() if person.invited_at else 0
    # An unusable password has forty random letters: a new invitation is a new link.
    value = f"{person.pk}\n{person.password}\n{person.email}\n{invited_at}"
    return salted_hmac("fonal.invitation", value, algorithm="sha256").hexdigest()[:40]
