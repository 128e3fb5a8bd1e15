"""Inviting somebody: they get a letter with a link at which they choose their own password.

invited ──join──▶ one of us
   └──invited again: the old link ends, a new one goes out
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q

from server import sms
from server.accounts.invitation_links import INVITED, InvitationUsed, invited_by_link, is_invited
from server.accounts.letters import send_invitation
from server.accounts.models import AuditEntry, Role, Subscriber, User, record_audit

if TYPE_CHECKING:
    from datetime import datetime

# A person's e-mail is also their user name.
LONGEST_EMAIL = 150
LONGEST_NAME = 120
# Nobody's mailbox is filled, and no strangers are written to by the thousand, by somebody who presses a button.
MOST_LETTERS, MOST_LETTERS_TO_ONE = 200, 5
COUNTED_FOR = timedelta(days=1)


class EmailNotValid(ValueError):
    """This is not an e-mail address, or one too long to be a user name."""


class PersonExists(Exception):
    """Somebody has this e-mail address or user name already."""


class TooManyInvitations(Exception):
    """The company, or this address, has had its share of invitations of a day."""


@transaction.atomic
def invite_person(
    *, subscriber: Subscriber, email: str, name: str, role: str, language: str, by: User | None, now: datetime
) -> User:
    """Make the person, and send them a letter once this is committed.

    Raises EmailNotValid, PersonExists and TooManyInvitations.
    """
    if role == Role.OPERATOR:
        raise ValueError(role)
    address = valid_address(email)
    if User.objects.filter(Q(username__iexact=address) | Q(subscriber=subscriber, email__iexact=address)).exists():
        raise PersonExists(address)
    _refuse_too_many(subscriber, address, now)
    person = User(subscriber=subscriber, username=address, email=address, name=plain_name(name), role=role, language=language)
    person.set_unusable_password()
    person.invited_at = now
    try:
        with transaction.atomic():
            person.save()
    except IntegrityError as problem:
        # Invited twice at the same moment.
        raise PersonExists(address) from problem
    record_audit(action=INVITED, at=now, actor=by, subscriber=subscriber, target=person.username, role=role)
    # The task stands in the same database: with this transaction it is there, or not.
    send_invitation.enqueue(person.pk)
    return person


@transaction.atomic
def invite_again(*, person: User, by: User, now: datetime) -> bool:
    """Send a fresh link, which ends the one before; False when the person has joined or was deactivated meanwhile.

    Raises TooManyInvitations.
    """
    locked = User.objects.select_for_update(no_key=True).get(pk=person.pk)
    if not is_invited(locked):
        return False
    _refuse_too_many(locked.subscriber, locked.username, now)
    locked.invited_at = now
    locked.set_unusable_password()
    locked.save(update_fields=["invited_at", "password"])
    record_audit(action=INVITED, at=now, actor=by, subscriber=locked.subscriber, target=locked.username, again=True)
    send_invitation.enqueue(locked.pk)
    return True


@transaction.atomic
def join(*, uidb64: str, token: str, name: str, password_hash: str, now: datetime) -> User:
    """Take the invitation: the person has a password of their own now. Raises InvitationUsed and InvitationExpired.

    `password_hash` comes ready (make_password): making one takes a third of a second, too long inside a transaction.
    """
    invited = invited_by_link(uidb64=uidb64, token=token, now=now)
    # Claimed, so that two clicks at once are one.
    claimed = User.objects.filter(pk=invited.pk, password=invited.password, is_active=True)
    if not claimed.update(password=password_hash, name=plain_name(name) or invited.name):
        raise InvitationUsed
    record_audit(action="user.joined", at=now, actor=invited, subscriber=invited.subscriber, target=invited.username)
    invited.refresh_from_db(fields=["password", "name"])
    return invited


def _refuse_too_many(subscriber: Subscriber | None, address: str, now: datetime) -> None:
    letters = AuditEntry.objects.filter(subscriber=subscriber, action=INVITED, at__gt=now - COUNTED_FOR)
    if letters.filter(target=address[:120]).count() >= MOST_LETTERS_TO_ONE or letters.count() >= MOST_LETTERS:
        raise TooManyInvitations


def plain_name(name: str) -> str:
    """A person's name as one line, without what can't be seen."""
    return " ".join("".join(c if c.isprintable() else " " for c in sms.storable(name)).split())[:LONGEST_NAME]


def valid_address(email: str) -> str:
    """An e-mail address in small letters. Raises EmailNotValid."""
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError as problem:
        raise EmailNotValid(address) from problem
    if len(address) > LONGEST_EMAIL:
        raise EmailNotValid(address)
    return address
