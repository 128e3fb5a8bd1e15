"""An import is taken back, as far as nobody has worked with what it brought."""

from __future__ import annotations

from datetime import timedelta

import pytest

from server.accounts.models import AuditEntry
from server.contacts.importing.asking import CannotUndo, NotAllowedToImport, can_undo, undo_import
from server.contacts.importing.columns import Mode
from server.contacts.importing.working import work_on
from server.contacts.models import Contact, ContactImport, ImportedContact, Tag
from server.contacts.phonebook import matching
from server.messaging.partners import merge_contacts
from server.privacy.holds import place_hold
from tests.conftest import BOTI, NOW

pytestmark = pytest.mark.django_db
ANNA, PAL = "+36301234567", "+36201234567"
CSV = (
    f"Név;Cég;Telefon;Mobil;Megjegyzés;E-mail;Címke\nKádár Anna;Bolt;{ANNA};+36701112222;jó;a@example.hu;VIP\nNagy Pál;;{PAL};;;;\n"
)


@pytest.fixture
def undoing(sam):
    def undo(one: ContactImport) -> dict[str, int]:
        undo_import(one=one, user=sam, now=NOW)
        work_on(import_id=one.pk)
        one.refresh_from_db()
        assert one.state == "undone", one.problem
        return one.mapping["undone"]

    return undo


@pytest.fixture(autouse=True)
def finished_now(monkeypatch):
    monkeypatch.setattr("server.contacts.importing.working.timezone.now", lambda: NOW)


def test_what_it_made_is_gone(importing, undoing):
    one = importing(CSV)
    assert undoing(one) == {"deleted": 3}
    assert not Contact.objects.exists()
    assert not Tag.objects.exists()
    assert not ImportedContact.objects.exists()
    assert AuditEntry.objects.get(action="contacts.import_undone").detail == {"deleted": 3, "restored": 0, "kept": 0}


def test_what_it_changed_is_as_before(importing, undoing, boti, kontakt, boti_texts):
    vip = Tag.objects.create(subscriber=kontakt, name="régi")
    boti.tags.add(vip)
    boti_texts("Szia!", sender=PAL)
    one = importing(
        f"Név;Cég;Telefon;Telefon 2;Megjegyzés;E-mail;Címke\nKiss Botond;Bolt;{BOTI};{PAL};jó;b@example.hu;régi, új\n",
        Mode.OVERWRITE,
    )
    boti.refresh_from_db()
    assert (boti.name, boti.others.count(), boti.tags.count()) == ("Kiss Botond", 1, 2)
    assert undoing(one) == {"restored": 2}
    boti.refresh_from_db()
    assert (boti.name, boti.company, boti.note, boti.emails, boti.others.count()) == ("Kiss Boti", "", "", [], 0)
    assert list(boti.tags.all()) == [vip]
    nameless = Contact.objects.get(number=PAL)
    assert (nameless.name, nameless.main) == ("", None)
    assert list(matching(subscriber=kontakt, text="Botond")) == []
    assert list(matching(subscriber=kontakt, text="Boti")) == [boti]


def test_who_has_texted_since_stays_without_what_it_gave(importing, undoing, boti_texts):
    one = importing(CSV)
    boti_texts("Szia!", sender=ANNA)
    assert undoing(one) == {"deleted": 2, "kept": 1}
    anna = Contact.objects.get(number=ANNA)
    assert (anna.number, anna.name, anna.company, anna.note, anna.emails) == (ANNA, "", "", "", [])
    assert not anna.tags.exists()


def test_what_a_person_has_changed_since_stays(importing, undoing):
    one = importing(CSV)
    Contact.objects.filter(number=PAL).update(name="Nagy Pál Péter")
    assert undoing(one) == {"deleted": 2, "kept": 1}
    assert Contact.objects.get().name == "Nagy Pál Péter"


@pytest.mark.parametrize(("whom", "said"), [("anna", {"deleted": 1, "kept": 2}), ("company", {"kept": 3})])
def test_who_is_on_legal_hold_stays_as_they_are(importing, undoing, kontakt, ada, whom, said):
    one = importing(CSV)
    anna = Contact.objects.get(number=ANNA)
    place_hold(subscriber=kontakt, contact=anna if whom == "anna" else None, reason="Per", by=ada, now=NOW)
    assert undoing(one) == said
    anna.refresh_from_db()
    assert (anna.name, anna.note, anna.emails, anna.tags.count(), anna.others.count()) == (
        "Kádár Anna",
        "jó",
        ["a@example.hu"],
        1,
        1,
    )


def test_who_has_got_another_number_since_stays(importing, undoing, kontakt):
    one = importing(CSV)
    main = Contact.objects.get(number=PAL)
    Contact.objects.create(subscriber=kontakt, number="+36309998877", name=main.name, main=main, created_at=NOW)
    assert undoing(one) == {"deleted": 2, "kept": 1}
    assert Contact.objects.count() == 2


def test_who_was_put_together_with_somebody_since_stays_with_them(importing, undoing, boti, ada):
    one = importing("Név;Telefon\nKiss Boti;+36209990002\n")
    merge_contacts(keep=boti, other=Contact.objects.get(number="+36209990002"), by=ada, now=NOW)
    assert undoing(one) == {"kept": 1}
    assert set(Contact.objects.values_list("number", "name", "main")) == {
        (BOTI, "Kiss Boti", None),
        ("+36209990002", "Kiss Boti", boti.pk),
    }


def test_all_numbers_of_an_entry_that_somebody_has_joined_keep_one_name(importing, undoing, boti, ada):
    one = importing("Név;Telefon\nNagy Pál;+36209990002\n")
    merge_contacts(keep=Contact.objects.get(number="+36209990002"), other=boti, by=ada, now=NOW)
    assert undoing(one) == {"kept": 1}
    assert set(Contact.objects.values_list("name", flat=True)) == {"Nagy Pál"}


def test_who_was_deleted_since_is_no_hindrance(importing, undoing):
    one = importing(CSV)
    Contact.objects.filter(number=PAL).delete()
    assert undoing(one) == {"deleted": 2}


def test_only_the_newest_and_only_for_a_week(importing, undoing, sam, dana):
    first, second = importing(CSV), importing("Név;Telefon\nKis Ede;06309998877\n")
    assert not can_undo(first, now=NOW)
    with pytest.raises(CannotUndo):
        undo_import(one=first, user=sam, now=NOW)
    with pytest.raises(CannotUndo):
        undo_import(one=second, user=sam, now=NOW + timedelta(days=7, seconds=1))
    with pytest.raises(NotAllowedToImport):
        undo_import(one=second, user=dana, now=NOW)
    undoing(second)
    assert can_undo(first, now=NOW)
    undoing(first)
    assert not Contact.objects.exists()


def test_an_undo_that_was_cut_short_is_finished_by_another_worker(importing, undoing, sam, monkeypatch):
    one = importing("Név;Telefon\n" + "".join(f"Ember {n};+3620{1000000 + n}\n" for n in range(35)))
    monkeypatch.setattr("server.contacts.importing.working.BATCH", 10)
    undo_import(one=one, user=sam, now=NOW)
    ContactImport.objects.update(worker="1:")
    calls = []

    def dies(*args):
        calls.append(1)
        if len(calls) == 3:
            raise SystemExit
        return take_back(*args)

    from server.contacts.importing.undoing import take_back

    monkeypatch.setattr("server.contacts.importing.working.take_back", dies)
    with pytest.raises(SystemExit):
        work_on(import_id=one.pk)
    assert Contact.objects.count() == 15
    ContactImport.objects.update(worker="2:")
    work_on(import_id=one.pk)
    one.refresh_from_db()
    assert (one.state, one.mapping["undone"], Contact.objects.count()) == ("undone", {"deleted": 35}, 0)
