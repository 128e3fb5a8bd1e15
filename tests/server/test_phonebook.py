from __future__ import annotations

from functools import partial

import pytest

from server.contacts.models import Contact
from server.contacts.phonebook import contact_for, matching
from server.messaging.partners import rename_contact
from tests.conftest import BOTI, NOW


def test_a_number_gets_a_name_without_what_nobody_sees(kontakt):
    rename_contact(
        contact=contact_for(subscriber=kontakt, number=BOTI, now=NOW), name=" Kiss Boti ", company="Boti Bt.\x00", now=NOW
    )
    contact = Contact.objects.get()
    assert (contact.name, contact.company, str(contact)) == ("Kiss Boti", "Boti Bt.\ufffd", "Kiss Boti")


def test_many_who_meet_a_number_at_once_meet_one_contact(many_hands, kontakt):
    results = many_hands(*[partial(contact_for, subscriber=kontakt, number=BOTI, now=NOW)] * 8)
    assert len({contact.pk for contact in results}) == 1


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("Boti", ["Kiss Boti"]),
        ("boti", ["Kiss Boti"]),
        ("KISS", ["Kiss Boti"]),
        ("ÁRPÁD", ["Nagy Árpád"]),
        ("árpád", ["Nagy Árpád"]),
        ("Üveges", ["Nagy Árpád"]),
        ("üveges", ["Nagy Árpád"]),
        ("06 30 999 0001", ["Kiss Boti"]),
        ("+36 30 999", ["Kiss Boti", "Nagy Árpád"]),
        ("9990002", ["Nagy Árpád"]),
        ("0001", ["Kiss Boti"]),
        ("01", []),
        ("%", []),
        ("_", []),
        ("\x00", []),
        ("nobody", []),
    ],
)
def test_people_are_found_by_name_company_or_part_of_a_number(kontakt, rival, boti, typed, found):
    Contact.objects.create(subscriber=kontakt, number="+36309990002", name="Nagy Árpád", company="Üveges Kft.", created_at=NOW)
    Contact.objects.create(subscriber=rival, number=BOTI, name="Kiss Boti", created_at=NOW)
    contacts = matching(subscriber=kontakt, text=typed)
    assert [contact.name for contact in contacts] == found
    assert {contact.subscriber for contact in contacts} <= {kontakt}


def test_a_contact_without_a_name_is_shown_by_its_number(kontakt):
    assert str(Contact(subscriber=kontakt, number=BOTI)) == "+36 30 999 0001"
    assert Contact(subscriber=kontakt, number=BOTI).can_be_answered
    assert not Contact(subscriber=kontakt, number="INFO").can_be_answered
