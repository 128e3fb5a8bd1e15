"""The phone book leaves as a file, and comes back as it was."""

from __future__ import annotations

import csv
import io

import openpyxl
import pytest
import vobject
from django.db.models import Q
from django.utils import translation

from server.accounts.models import AuditEntry
from server.contacts.exporting import ContactsFormat, NotAllowedToExport, export_contacts
from server.contacts.importing.columns import Mode
from server.contacts.models import Contact, Tag
from tests.conftest import NOW
from tests.server.contacts.conftest import counts

pytestmark = pytest.mark.django_db


@pytest.fixture
def book(kontakt, boti) -> list[Contact]:
    made = Contact.objects.create(
        subscriber=kontakt,
        number="+36301234567",
        name="Őrző \"Ödön\"; dr., a 'nagy'",
        company="=HYPERLINK(1), Kft. <&> _x0041_",
        note="első sor\nmásodik; harmadik,=x 😀 " + "árvíztűrő tükörfúrógép " * 9 + "vége",
        emails=["a@example.hu", "b@example.hu"],
        language="hu",
        created_at=NOW,
    )
    for number in ("+36201234567", "+3612345678"):
        Contact.objects.create(subscriber=kontakt, number=number, name=made.name, company=made.company, main=made, created_at=NOW)
    made.tags.add(*(Tag.objects.create(subscriber=kontakt, name=name) for name in ("VIP", "régi vevő")))
    Contact.objects.create(subscriber=kontakt, number="INFO", name="Bank", created_at=NOW)
    Contact.objects.create(subscriber=kontakt, number="+36309998877", created_at=NOW)
    return list(Contact.objects.all())


def exported(user, kind: ContactsFormat, language: str = "hu") -> bytes:
    entries = Contact.objects.filter(~Q(name=""), subscriber=user.subscriber, main=None)
    with translation.override(language), export_contacts(user=user, entries=entries, format=kind, now=NOW) as file:
        return file.read()


@pytest.mark.parametrize("language", ["hu", "en"])
@pytest.mark.parametrize("kind", ContactsFormat)
def test_what_went_out_comes_back_as_it_was(kind, language, book, sam, checking):
    one = checking(exported(sam, kind, language), mode=Mode.OVERWRITE)
    assert (counts(one), one.errors) == ((0, 0, 3, 0), [])


@pytest.mark.parametrize("kind", ContactsFormat)
def test_and_into_an_empty_phone_book_as_well(kind, book, sam, importing):
    content = exported(sam, kind)
    before = sorted(
        Contact.objects.exclude(name="").values_list("number", "name", "company", "note", "emails", "language", "main__number"),
        key=str,
    )
    Contact.objects.exclude(number="INFO").delete()
    Tag.objects.all().delete()
    one = importing(content)
    after = sorted(Contact.objects.values_list("number", "name", "company", "note", "emails", "language", "main__number"), key=str)
    assert (one.errors, after) == ([], before)
    assert set(Tag.objects.values_list("name", flat=True)) == {"VIP", "régi vevő"}


def test_numbers_are_texts_in_a_workbook(book, sam):
    sheet = openpyxl.load_workbook(io.BytesIO(exported(sam, ContactsFormat.XLSX, "en"))).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[0] == [
        "Name",
        "Company",
        "Telephone number",
        "Telephone number 2",
        "Telephone number 3",
        "E-mail",
        "Remark",
        "Tags",
        "Language",
    ]
    assert [row[2] for row in rows[1:]] == ["INFO", "+36309990001", "+36301234567"]
    cell = sheet["C3"]
    assert (cell.data_type, cell.number_format) == ("s", "@")
    assert sheet["B4"].data_type == "s"


def test_no_cell_of_a_csv_file_is_a_formula(book, sam):
    content = exported(sam, ContactsFormat.CSV)
    assert content.startswith(b"\xef\xbb\xbf")
    for separator in ";,\t":
        rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=separator)
        assert not [cell for row in rows for cell in row if cell[:1] in {"=", "+", "-", "@"} and cell]
    assert b"\r\n" in content


def test_cards_are_such_as_a_library_reads(book, sam):
    content = exported(sam, ContactsFormat.VCF)
    lines = content.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert all(line.decode() is not None for line in lines)
    card = next(card for card in vobject.readComponents(content.decode()) if card.fn.value.startswith("Ő"))
    assert card.note.value == Contact.objects.get(number="+36301234567").note
    assert [tel.value for tel in card.contents["tel"]] == ["+36301234567", "+36201234567", "+3612345678"]
    assert card.categories.value == ["VIP", "régi vevő"]


def test_who_took_how_much_is_written_down_and_who_may_not_gets_nothing(book, sam, dana):
    exported(sam, ContactsFormat.CSV)
    entry = AuditEntry.objects.get(action="contacts.exported")
    assert (entry.actor, entry.detail) == (sam, {"rows": 3, "format": "csv"})
    with pytest.raises(NotAllowedToExport):
        exported(dana, ContactsFormat.CSV)
    assert AuditEntry.objects.count() == 1
