"""The phone book: naming a number, and finding people by name or by part of a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from server import phone, sms
from server.contacts.models import Contact
from server.events.log import record
from server.events.models import Kind

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from server.accounts.models import Subscriber


def contact_for(*, subscriber: Subscriber, number: str, now: datetime) -> Contact:
    """The contact with this number (E.164 or a raw sender), made without a name if there is none; safe when two ask at once."""
    contact = Contact.objects.filter(subscriber=subscriber, number=number).first()
    if contact is None:
        Contact.objects.bulk_create([Contact(subscriber=subscriber, number=number, created_at=now)], ignore_conflicts=True)
        contact = Contact.objects.get(subscriber=subscriber, number=number)
    return contact


@transaction.atomic
def record_contact(*, subscriber: Subscriber, number: str, name: str, company: str = "", note: str = "", now: datetime) -> Contact:
    """Put a number into the phone book, or rename it; every open screen hears of it."""
    contact = contact_for(subscriber=subscriber, number=number, now=now)
    contact.name, contact.company, contact.note = name.strip(), company.strip(), note.strip()
    contact.save(update_fields=["name", "company", "note"])
    record(subscriber_id=subscriber.pk, kind=Kind.PHONEBOOK_CHANGED, at=now)
    return contact


def matching(*, subscriber: Subscriber, text: str) -> QuerySet[Contact]:
    """Contacts whose name contains the text, or whose number contains its digits in any format."""
    text = sms.storable(text.strip())
    condition = Q(name__icontains=text) | Q(company__icontains=text)
    digits = phone.digits_of(text)
    if len(digits) >= 3:
        condition |= Q(number__contains=digits)
    return Contact.objects.filter(condition, subscriber=subscriber).order_by("name", "number")
