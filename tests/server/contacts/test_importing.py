"""Contacts come in from a file: read, tried out, written."""

from __future__ import annotations

import os
from datetime import timedelta
from io import BytesIO

import pytest
from django.db import IntegrityError

from server.accounts.models import AuditEntry, Role
from server.contacts.importing import working
from server.contacts.importing.asking import (
    AlreadyImporting,
    NoColumnForNumbers,
    NotAllowedToImport,
    NotNow,
    cancel_import,
    found_by_dry_run,
    hand_in,
    match_columns,
    may_import,
    start_import,
)
from server.contacts.importing.columns import Mode
from server.contacts.importing.looking_after import expire_imports, resume_stalled_imports
from server.contacts.importing.working import work_on
from server.contacts.models import Contact, ContactImport, ImportedContact, Tag
from server.contacts.phonebook import matching
from server.events.models import Event, Kind
from tests.conftest import BOTI, NOW, _user
from tests.server.contacts.conftest import cards, counts, workbook

pytestmark = pytest.mark.django_db
ANNA = "+36301234567"
CSV = (
    "Név;Cég;Telefon;E-mail;Megjegyzés;Címkék;Nyelv\nKádár Anna;Bolt Kft.;06 30 123 4567;anna@example.hu;jó vevő;VIP, nagy;magyar\n"
)


def errors_of(one: ContactImport) -> list[tuple]:
    return [(error["row"], error["column"], error["value"], error["reason"]) for error in one.errors]


def test_a_file_becomes_contacts(importing, kontakt):
    one = importing(CSV)
    anna = Contact.objects.get(number=ANNA)
    assert (anna.name, anna.company, anna.note, anna.emails, anna.language) == (
        "Kádár Anna",
        "Bolt Kft.",
        "jó vevő",
        ["anna@example.hu"],
        "hu",
    )
    assert sorted(tag.name for tag in anna.tags.all()) == ["VIP", "nagy"]
    assert counts(one) == (1, 0, 0, 0)
    assert list(matching(subscriber=kontakt, text="kadar")) == [anna]


def test_nothing_is_written_before_somebody_says_import(checking):
    one = checking(CSV)
    assert counts(one) == (1, 0, 0, 0)
    assert not Contact.objects.exists()
    assert not Tag.objects.exists()
    assert found_by_dry_run(one)["preview"][0]["name"] == "Kádár Anna"


def test_columns_are_known_by_hungarian_and_english_headings(reading):
    hungarian = reading("Vezetéknév,Keresztnév,Cégnév,Mobil,Telefonszám 2,E-mail cím,Megjegyzés,Címke,Nyelv\nKiss,Éva,,1,,,,,\n")
    assert hungarian.mapping["fields"] == ["family", "given", "company", "number", "number", "email", "note", "tags", "language"]
    english = reading("First name,Last name,Company,Phone,Mobile,E-mail address,Notes,Tags,Language\nÉva,Kiss,,1,,,,,\n")
    assert english.mapping["fields"] == ["given", "family", "company", "number", "number", "email", "note", "tags", "language"]
    assert hungarian.mapping["has_heading"]


def test_columns_without_headings_are_known_by_what_is_in_them(reading):
    one = reading("Kiss Éva;06301234567;eva@example.hu\nNagy Pál;06201234567;\n")
    assert not one.mapping["has_heading"]
    assert one.mapping["fields"] == ["name", "number", "email"]


def test_family_and_given_names_are_joined_as_in_hungarian(importing):
    importing("Keresztnév;Vezetéknév;Telefon\nÉva;Kiss;06301234567\n")
    assert Contact.objects.get().name == "Kiss Éva"


def test_several_numbers_are_one_contact(importing):
    importing("Név;Cég;Telefon;Mobil\nKiss Éva;Bolt;06301234567;06201234567, 06 1 234 5678\n")
    main = Contact.objects.get(main=None)
    assert main.number == ANNA
    others = Contact.objects.filter(main=main)
    assert {(one.number, one.name, one.company) for one in others} == {
        ("+36201234567", "Kiss Éva", "Bolt"),
        ("+3612345678", "Kiss Éva", "Bolt"),
    }


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("06301234567", ANNA),
        ("36301234567.0", ANNA),
        ("36301234567,0", ANNA),
        ("3.6301234567E+10", ANNA),
        ("3,6301234567E+10", ANNA),
        ("'+36301234567", ANNA),
        ("301234567", ANNA),
        ("0036 30/123-4567", ANNA),
    ],
)
def test_a_number_that_was_bent_is_straightened_where_no_digit_is_lost(importing, written, meant):
    importing(f"Név\tTelefon\nKiss Éva\t{written}\n", fields=["name", "number"])
    assert Contact.objects.get().number == meant


@pytest.mark.parametrize(
    ("written", "reason"), [("3.63E+10", "ruined"), ("12", "bad_number"), ("hatvan", "bad_number"), ("", "no_number")]
)
def test_what_is_no_number_is_an_error_of_its_row_alone(checking, written, reason):
    one = checking(f"Név;Telefon\nKiss Éva;{written}\nNagy Pál;06201234567\n")
    assert counts(one) == (1, 0, 0, 1)
    assert [(error["row"], error["reason"]) for error in one.errors] == [(2, reason)]


def test_each_error_says_where_and_what(checking, kontakt):
    rows = [
        "Név;Telefon;E-mail;Nyelv",
        "Kiss Éva;06301234567;nem cím;",
        "Nagy Pál;06201234567;;klingon",
        ";06709999999;;",
        "Hosszú " * 20 + ";06201234568;;",
        "Jó Ödön;06201234569;;",
        "Jó Ödön még egyszer;+36 20 123 4569;;",
    ]
    one = checking("\n".join(rows))
    assert errors_of(one) == [
        (2, "E-mail", "nem cím", "bad_email"),
        (3, "Nyelv", "klingon", "bad_language"),
        (4, "", "", "no_name"),
        (5, "Név", "Hosszú Hosszú Hosszú Hosszú Hosszú Hoss…", "too_long"),
        (7, "", "+36201234569", "twice"),
    ]
    assert one.errors[-1]["where"] == "6"


def test_who_has_texted_gets_a_name(importing, boti_texts):
    boti_texts("Szia!", sender=ANNA)
    one = importing(CSV)
    assert Contact.objects.get(number=ANNA).name == "Kádár Anna"
    assert counts(one) == (0, 1, 0, 0)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Mode.FILL, ("Kiss Boti", "Bolt Kft.", (0, 1, 0, 0))),
        (Mode.OVERWRITE, ("Kiss Botond", "Bolt Kft.", (0, 1, 0, 0))),
        (Mode.SKIP, ("Kiss Boti", "", (0, 0, 1, 0))),
    ],
)
def test_what_becomes_of_who_is_known_is_the_persons_choice(importing, boti, mode, expected):
    one = importing(f"Név;Cég;Telefon\nKiss Botond;Bolt Kft.;{BOTI}\n", mode=mode)
    boti.refresh_from_db()
    assert (boti.name, boti.company, counts(one)) == expected


def test_an_empty_cell_never_empties_a_field(importing, boti):
    Contact.objects.update(company="Bolt", note="fontos")
    importing(f"Név;Cég;Telefon;Megjegyzés\nKiss Boti;;{BOTI};\n", mode=Mode.OVERWRITE)
    boti.refresh_from_db()
    assert (boti.company, boti.note) == ("Bolt", "fontos")


def test_another_number_joins_the_contact_and_a_rename_reaches_all_its_numbers(importing, boti, boti_texts):
    boti_texts("Ki vagyok?", sender="+36201234567")
    importing(f"Név;Telefon;Telefon 2;Telefon 3\nKiss Botond;06 20 123 4567;{BOTI};06 70 111 2222\n", mode=Mode.OVERWRITE)
    numbers = {one.number: (one.name, one.main_id) for one in Contact.objects.all()}
    assert numbers == {
        BOTI: ("Kiss Botond", None),
        "+36201234567": ("Kiss Botond", boti.pk),
        "+36701112222": ("Kiss Botond", boti.pk),
    }


def test_numbers_of_two_contacts_are_not_thrown_together(checking, boti, kontakt):
    Contact.objects.create(subscriber=kontakt, number=ANNA, name="Kádár Anna", created_at=NOW)
    one = checking(f"Név;Telefon;Mobil\nValaki;{BOTI};{ANNA}\n")
    assert [error["reason"] for error in one.errors] == ["two_contacts"]


def test_a_tag_for_all_is_the_one_that_is_there_however_it_is_written(importing, kontakt):
    vip = Tag.objects.create(subscriber=kontakt, name="VIP")
    importing(CSV, tag="vip")
    assert vip in Contact.objects.get().tags.all()
    assert Tag.objects.count() == 2


def test_importing_the_same_again_changes_nothing(importing):
    importing(CSV)
    assert counts(importing(CSV, mode=Mode.OVERWRITE)) == (0, 0, 1, 0)


def test_another_companys_contacts_are_neither_seen_nor_touched(importing, rival):
    foreign = Contact.objects.create(subscriber=rival, number=ANNA, name="Titok", created_at=NOW)
    assert counts(importing(CSV)) == (1, 0, 0, 0)
    foreign.refresh_from_db()
    assert (foreign.name, foreign.tags.count()) == ("Titok", 0)


def test_vcards_need_no_matching(importing):
    importing(
        cards(
            "FN:Kádár Anna\r\nN:Kádár;Anna;;;\r\nORG:Bolt Kft.\r\nTEL;TYPE=CELL:+36 30 123 4567\r\nTEL:06201234567\r\n"
            "EMAIL:a@example.hu\r\nCATEGORIES:VIP,nagy\r\nNOTE:első\\nmásodik\r\nPHOTO;ENCODING=b:" + "A" * 500_000
        )
        + b"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Kiss;=C3=89va;;;\r\nTEL;CELL:06301112233\r\nEND:VCARD\r\n"
        + b"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Nagy Ede\r\nTEL;VALUE=uri:tel:+36-30-999-8877;ext=1\r\nLANG:en\r\nEND:VCARD\r\n"
    )
    anna = Contact.objects.get(number=ANNA)
    assert (anna.name, anna.company, anna.note, anna.emails) == ("Kádár Anna", "Bolt Kft.", "első\nmásodik", ["a@example.hu"])
    assert anna.others.get().number == "+36201234567"
    assert sorted(anna.tags.values_list("name", flat=True)) == ["VIP", "nagy"]
    assert Contact.objects.get(number="+36301112233").name == "Kiss Éva"
    assert Contact.objects.get(number="+36309998877").language == "en"


def test_a_broken_card_is_an_error_of_that_card_alone(checking):
    one = checking(cards("FN:Egy\r\nTEL:06301234567", "ez nem sor", "FN:Három\r\nTEL:06201234567", "FN:" + "x" * 70_000))
    assert counts(one) == (2, 0, 0, 2)
    assert [(error["row"], error["reason"]) for error in one.errors] == [(2, "broken_card"), (4, "large_card")]


def test_a_workbook_keeps_numbers_whatever_a_cell_makes_of_them(importing):
    importing(workbook(["Név", "Telefon"], ["Egy", 36301234567], ["Kettő", 36201234567.0], ["Három", "+36 70 123 4567"]))
    assert set(Contact.objects.values_list("number", flat=True)) == {ANNA, "+36201234567", "+36701234567"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1250"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_a_csv_file_is_read_however_a_program_wrote_it(importing, encoding, separator):
    text = CSV.replace("VIP, nagy", "VIP").replace(";", separator).replace("Anna", "Őrző Űrsula")
    importing(text.encode(encoding))
    assert Contact.objects.get().name == "Kádár Őrző Űrsula"


def test_only_supervisors_and_administrators_import(reading, dana, ada, kontakt):
    auditor = _user("aud", Role.AUDITOR, kontakt)
    assert may_import(ada)
    for user in (dana, auditor):
        assert not may_import(user)
        with pytest.raises(NotAllowedToImport):
            reading(CSV, user=user)


def test_without_a_column_for_numbers_nothing_goes_on(reading, sam):
    one = reading(CSV)
    with pytest.raises(NoColumnForNumbers):
        match_columns(one=one, user=sam, fields=["name"] * 7, has_heading=True, mode=Mode.FILL, tag="", now=NOW)


def test_one_import_of_a_company_is_written_at_a_time(checking, sam):
    first, second = checking(CSV), checking(CSV)
    start_import(one=first, user=sam, now=NOW)
    with pytest.raises(AlreadyImporting):
        start_import(one=second, user=sam, now=NOW)
    with pytest.raises(NotNow):
        start_import(one=first, user=sam, now=NOW)


def test_everybody_hears_of_it_once_and_the_person_of_every_step(importing):
    importing(CSV)
    kinds = list(Event.objects.order_by("number").values_list("kind", flat=True))
    assert kinds.count(Kind.PHONEBOOK_CHANGED) == 1
    assert kinds.count(Kind.IMPORT_CHANGED) >= 5
    assert AuditEntry.objects.get(action="contacts.imported").detail["made"] == 1


def many(count: int) -> str:
    return "Név;Telefon\n" + "".join(f"Ember {n};+3620{1000000 + n}\n" for n in range(count))


def test_what_a_dead_worker_began_is_finished_by_another_and_nothing_is_written_twice(checking, sam, monkeypatch):
    monkeypatch.setattr(working, "BATCH", 10)
    one = checking(many(35))
    start_import(one=one, user=sam, now=NOW)
    written = []

    def dies_after_two(*args):
        if len(written) == 2:
            raise SystemExit
        written.append(args)
        return write(*args)

    write = working.write
    monkeypatch.setattr(working, "write", dies_after_two)
    with pytest.raises(SystemExit):
        work_on(import_id=one.pk)
    one.refresh_from_db()
    assert (one.state, one.rows_done, Contact.objects.count()) == ("running", 20, 20)
    monkeypatch.setattr(working, "write", write)
    assert work_on(import_id=one.pk) is None
    assert Contact.objects.count() == 20
    ContactImport.objects.update(alive_at=NOW)
    assert resume_stalled_imports(now=NOW.replace(hour=11)) == 1
    work_on(import_id=one.pk)
    one.refresh_from_db()
    assert (one.state, counts(one), Contact.objects.count()) == ("done", (35, 0, 0, 0), 35)
    assert ImportedContact.objects.count() == 35


def test_a_worker_taken_for_dead_writes_no_more(checking, sam, monkeypatch):
    monkeypatch.setattr(working, "BATCH", 10)
    one = checking(many(35))
    start_import(one=one, user=sam, now=NOW)

    def is_robbed(*args):
        ContactImport.objects.update(worker="2:")
        return write(*args)

    write = working.write
    monkeypatch.setattr(working, "write", is_robbed)
    work_on(import_id=one.pk)
    assert not Contact.objects.exists()


def test_a_third_death_ends_it_and_says_so(reading, sam):
    one = reading(CSV)
    ContactImport.objects.update(state="checking", worker="3:abc", alive_at=NOW)
    resume_stalled_imports(now=NOW.replace(hour=11))
    one.refresh_from_db()
    assert (one.state, one.problem) == ("failed", "interrupted")


def test_a_cancel_stops_it_and_what_was_written_can_still_be_seen(checking, sam, monkeypatch, imports_folder):
    monkeypatch.setattr(working, "BATCH", 10)
    one = checking(many(35))
    start_import(one=one, user=sam, now=NOW)

    def entries_until_cancelled(*args):
        if Contact.objects.count() == 20:
            cancel_import(one=ContactImport.objects.get(), user=sam, now=NOW)
        return entries(*args)

    entries = working._entries
    monkeypatch.setattr(working, "_entries", entries_until_cancelled)
    work_on(import_id=one.pk)
    one.refresh_from_db()
    assert (one.state, one.new_count, Contact.objects.count()) == ("cancelled", 20, 20)
    assert list(imports_folder.iterdir()) == []


def test_a_file_is_gone_after_its_import(importing, imports_folder):
    importing(CSV)
    assert list(imports_folder.iterdir()) == []


def test_a_file_nobody_goes_on_with_is_gone_after_a_day(checking, imports_folder):
    one = checking(CSV)
    ContactImport.objects.update(alive_at=NOW)
    assert expire_imports(now=NOW + timedelta(hours=23)) == 0
    assert expire_imports(now=NOW + timedelta(hours=24)) == 1
    for path in imports_folder.iterdir():
        os.utime(path, (0, 0))
    expire_imports(now=NOW + timedelta(hours=26))
    one.refresh_from_db()
    assert (one.state, one.problem) == ("failed", "lost")
    assert list(imports_folder.iterdir()) == []


def test_a_files_name_is_no_path(sam, imports_folder):
    one = hand_in(user=sam, file_name="../../etc/passwd\n.csv", upload=BytesIO(CSV.encode()), now=NOW)
    assert one.file_name == "../../etc/passwd .csv"
    assert [path.name for path in imports_folder.iterdir()] == [one.kept_as]


def test_who_texts_at_the_very_moment_of_the_import_is_met_by_the_next_try(checking, sam, monkeypatch):
    one = checking(CSV)
    start_import(one=one, user=sam, now=NOW)
    tries = []

    def collides_once(*args):
        tries.append(args)
        write(*args)
        if len(tries) == 1:
            raise IntegrityError

    write = working.write
    monkeypatch.setattr(working, "write", collides_once)
    work_on(import_id=one.pk)
    one.refresh_from_db()
    assert (one.state, counts(one), one.rows_done, len(tries)) == ("done", (1, 0, 0, 0), 1, 2)


def test_who_was_in_a_file_is_forgotten_with_the_time_for_an_undo(importing):
    one = importing(CSV + "Rossz;;12;;;;\n")
    assert one.columns == []
    expire_imports(now=one.finished_at + timedelta(days=7, seconds=-1))
    assert ImportedContact.objects.count() == 1
    expire_imports(now=one.finished_at + timedelta(days=7, seconds=1))
    one.refresh_from_db()
    assert (ImportedContact.objects.count(), one.errors, one.error_count) == (0, [], 1)
    assert Contact.objects.count() == 1
