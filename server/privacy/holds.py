"""Legal holds: placed on a person or on the whole company, and ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from server import sms
from server.accounts.models import User, record_audit
from server.contacts.models import Contact
from server.privacy.models import LegalHold

if TYPE_CHECKING:
    from datetime import datetime

    from server.accounts.models import Subscriber

LONGEST_REASON = 300


class NotYours(Exception):
    """Only the company's administrators look after privacy."""


class ReasonMissing(ValueError):
    """Somebody will ask why."""


class AlreadyOnHold(Exception):
    """There is one in force."""


class AlreadyErased(Exception):
    """Nothing is left of the contact that could be kept."""


def place_hold(*, subscriber: Subscriber, contact: Contact | None, reason: str, by: User, now: datetime) -> LegalHold:
    """Keep all that there is of a contact, or of the whole company. Raises NotYours, ReasonMissing, AlreadyOnHold, AlreadyErased.

    An erasure that is being made stops at its next step.
    """
    require_administrator(by, subscriber)
    said = reason_in(reason)
    try:
        with transaction.atomic():
            if contact is not None:
                contact = lock_entry(contact)
                if contact.erased_at:
                    raise AlreadyErased
            hold = LegalHold.objects.create(subscriber=subscriber, contact=contact, reason=said, placed_by=by, placed_at=now)
            # Not the reason: the log is for ever, and it may name somebody.
            _write_down("hold.placed", hold, by, now)
            return hold
    except IntegrityError:
        raise AlreadyOnHold from None


@transaction.atomic
def end_hold(*, hold: LegalHold, by: User, now: datetime) -> bool:
    """Let things take their course again; False when it was ended already. Raises NotYours."""
    require_administrator(by, hold.subscriber)
    ended = LegalHold.objects.in_force().filter(pk=hold.pk).update(ended_by=by, ended_at=now)
    if ended:
        _write_down("hold.ended", hold, by, now)
    return bool(ended)


def is_on_hold(contact: Contact) -> bool:
    return LegalHold.objects.on(contact).in_force().exists()


def require_administrator(by: User, subscriber: Subscriber) -> None:
    if not by.administers or by.subscriber_id != subscriber.pk:
        raise NotYours


def reason_in(text: str) -> str:
    said = " ".join(sms.storable(text).split())[:LONGEST_REASON]
    if not said:
        raise ReasonMissing
    return said


def lock_entry(contact: Contact) -> Contact:
    """The main number of the contact's entry as it is now; whoever erases it or places a hold does one after the other."""
    return Contact.objects.select_for_update(no_key=True).get(pk=contact.main_id or contact.pk)


def _write_down(action: str, hold: LegalHold, by: User, now: datetime) -> None:
    whom = str(hold.contact_id) if hold.contact_id else hold.subscriber.slug
    record_audit(action=action, at=now, actor=by, subscriber=hold.subscriber, target=whom, contact=hold.contact_id)
