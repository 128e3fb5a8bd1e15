"""The phone book: naming a number, and finding people by name or by part of a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce

from server.contacts import numbering
from server.contacts.models import Contact
from server.contacts.optout import recognise
from server.events.log import record
from server.events.models import Kind
from server.wording import fold, words_in, words_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from django.db.models import QuerySet

    from server.accounts.models import Subscriber


def contact_for(*, subscriber: Subscriber, number: str, now: datetime) -> Contact:
    """The contact with this number (E.164 or a raw sender), made without a name if there is none; safe when two ask at once."""
    contact = Contact.objects.filter(subscriber=subscriber, number=number).first()
    if contact is None:
        Contact.objects.bulk_create([Contact(subscriber=subscriber, number=number, created_at=now)], ignore_conflicts=True)
        contact = Contact.objects.get(subscriber=subscriber, number=number)
        recognise(subscriber=subscriber, number=number)
    return contact


def rows_of_entry(entry: Contact) -> QuerySet[Contact]:
    """The main number of an entry and all others, in their order."""
    return Contact.objects.filter(Q(pk=entry.pk) | Q(main=entry.pk)).order_by("pk")


def of_same_entry(contact_id: int) -> Q:
    """All numbers of the entry that a number belongs to, whichever of them it is."""
    main = Contact.objects.filter(pk=contact_id).values(whole=Coalesce("main_id", "pk"))
    return Q(pk__in=main) | Q(main__in=main)


def name_rows(rows: Iterable[Contact], *, name: str, company: str) -> None:
    """Every list reads name and company beside a number: they are the same on all numbers of an entry."""
    for row in rows:
        if (row.name, row.company) != (name, company):
            row.name, row.company = name, company
            row.save(update_fields=["name", "company", "words"])


def matching(*, subscriber: Subscriber, text: str) -> QuerySet[Contact]:
    """Contacts in whose name or company each word of the text begins a word, or whose number has the text as a part."""
    known = Contact.objects.filter(subscriber=subscriber).order_by("name", "number")
    condition = known_by(words=words_in(text), number_parts=numbering.parts_meant(text, country=subscriber.country))
    return known.filter(condition) if condition else known.none()


def known_by(*, words: Collection[str] = (), number_parts: Collection[str] = ()) -> Q:
    """Contacts with each of these beginnings in name or company, or one of these parts in the number; empty when none is given."""
    condition = Q(words__have=words) if words else Q()
    for part in number_parts:
        condition |= Q(words__have=[part])
    return condition


def named(words: Collection[str]) -> Q:
    """Contacts with each of these beginnings in name or company, whatever their number; empty when none is given."""
    condition = known_by(words=words)
    for word in words:
        if numbering.may_be_of_a_number(word):
            begins = rf"(^|\W|_){''.join(_any_accent(letter) for letter in word)}"
            condition &= Q(name__iregex=begins) | Q(company__iregex=begins)
    return condition


def _any_accent(letter: str) -> str:
    return f"[{letter}{''.join(chr(point) for point in _ACCENTED if fold(chr(point)) == letter)}]"


# Latin letters with an accent.
_ACCENTED = range(0xC0, 0x250)


def record_contacts(*, subscriber: Subscriber, names: Mapping[str, str], now: datetime) -> int:
    """Name many numbers at once; returns how many were new or renamed. One event says it: "the phone book changed".

    A name is that of the whole entry: its other numbers get it, too.
    """
    known = list(Contact.objects.filter(subscriber=subscriber, number__in=names))
    named = {row.number for row in known}
    new = [
        Contact(subscriber=subscriber, number=number, name=name, created_at=now)
        for number, name in names.items()
        if number not in named
    ]
    wanted = {row.main_id or row.pk: names[row.number] for row in known}
    entries = Q(pk__in=wanted) | Q(main__in=wanted)
    renamed = [row for row in Contact.objects.filter(entries) if row.name != wanted[row.main_id or row.pk]]
    for row in renamed:
        row.name = wanted[row.main_id or row.pk]
        # Updating many at once does not work them out.
        row.words = words_of(row.said_of_it)
    with transaction.atomic():
        Contact.objects.bulk_create(new, ignore_conflicts=True, batch_size=500)
        Contact.objects.bulk_update(renamed, ["name", "words"], batch_size=200)
        if new or renamed:
            record(subscriber_id=subscriber.pk, kind=Kind.PHONEBOOK_CHANGED, at=now)
    return len(new) + len(renamed)
