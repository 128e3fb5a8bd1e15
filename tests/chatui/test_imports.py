"""The pages of an import: who gets in, what each step says, and what is refused."""

from __future__ import annotations

import csv
import io
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from chatui import rendering
from server.accounts.models import AuditEntry, Role
from server.contacts.importing.asking import imports_of
from server.contacts.importing.working import work_on
from server.contacts.models import Contact, ContactImport, Tag
from server.events.models import Event, Kind
from tests.conftest import BOTI, NOW, _user
from tests.doors import FRAMES, Browser

pytestmark = pytest.mark.django_db
CSV = "Név;Telefon\nKiss Éva;06301234567\nRossz;12\n"


@pytest.fixture(autouse=True)
def imports_folder(settings, tmp_path):
    imports = settings.STORAGES["imports"] | {"OPTIONS": {"location": tmp_path / "imports"}}
    settings.STORAGES = settings.STORAGES | {"imports": imports}
    return tmp_path / "imports"


def handed_in(browser: Browser, content: str | bytes = CSV, name: str = "lista.csv"):
    content = content.encode() if isinstance(content, str) else content
    return browser.post("/phonebook/import/", {"file": SimpleUploadedFile(name, content)})


def work() -> ContactImport:
    one = ContactImport.objects.order_by("-pk")[0]
    work_on(import_id=one.pk)
    one.refresh_from_db()
    return one


@pytest.fixture
def checked(sam) -> tuple[Browser, str]:
    """sam's browser at an import that was tried out, and its address."""
    browser = Browser(sam)
    address = handed_in(browser).url
    work()
    browser.post(address + "match/", {"column-0": "name", "column-1": "number", "heading": "1", "mode": "fill", "tag": "VIP"})
    work()
    return browser, address


def test_the_road_from_a_file_to_contacts_by_forms_alone(checked):
    browser, address = checked
    page = browser.get(address).text
    assert "This would change" in page
    assert "This is not a telephone number." in page
    assert not Contact.objects.exists()
    assert browser.post(address + "start/").status_code == 303
    assert "The contacts are being imported" in browser.get(address).text
    assert '<meta http-equiv="refresh"' in browser.get(address).text
    assert work().state == "done"
    assert "The contacts are in the phone book" in browser.get(address).text
    assert Contact.objects.get().tags.get().name == "VIP"
    assert "1 new, 0 changed, 0 the same, 1 with an error" in browser.get("/phonebook/import/").text
    assert "Undo this import?" in browser.get(address + "undo/").text
    browser.post(address + "undo/")
    work()
    assert "1 numbers were deleted" in browser.get(address).text
    assert not Contact.objects.exists()


@pytest.mark.parametrize("role", [Role.COLLEAGUE, Role.AUDITOR])
def test_others_than_supervisors_and_administrators_are_told_that_it_is_not_for_them(role, checked, kontakt):
    _browser, address = checked
    other = Browser(_user("other", role, kontakt))
    for path in ("/phonebook/import/", address, address + "undo/", address + "errors/"):
        assert other.get(path).status_code == 403, path
    assert handed_in(other).status_code == 403
    for act in ("match", "start", "cancel", "undo"):
        assert other.post(f"{address}{act}/").status_code == 403, act


def test_another_companys_administrator_finds_nothing(checked, rival):
    _browser, address = checked
    stranger = Browser(_user("rita", Role.ADMINISTRATOR, rival))
    for path in (address, address + "undo/", address + "errors/"):
        assert stranger.get(path).status_code == 404
    for act in ("match", "start", "cancel", "undo"):
        assert stranger.post(f"{address}{act}/").status_code == 404
    assert "lista.csv" not in stranger.get("/phonebook/import/").text


def test_another_supervisor_of_the_company_may_go_on_with_it(checked, ada):
    _browser, address = checked
    browser = Browser(ada)
    assert "data-foreign" in browser.get(address).text
    browser.post(address + "start/")
    assert work().state == "done"


def test_what_is_refused_says_why_and_keeps_nothing(sam, imports_folder):
    browser = Browser(sam)
    assert "Choose a file first." in browser.post("/phonebook/import/").text
    answer = handed_in(browser, bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600, "regi.xls")
    assert answer.status_code == 422
    assert "old Excel workbook" in answer.text
    assert not imports_folder.exists()


def test_one_company_leaves_room_for_the_others(sam, monkeypatch, imports_folder):
    browser = Browser(sam)
    monkeypatch.setattr("server.contacts.importing.asking.MOST_UNFINISHED", 2)
    assert [handed_in(browser).status_code for _ in range(3)] == [303, 303, 422]
    one = ContactImport.objects.first()
    browser.post(f"/phonebook/import/{one.uuid}/cancel/")
    monkeypatch.setattr("server.contacts.importing.files.LEAST_FREE", 1 << 62)
    full = handed_in(browser)
    assert (full.status_code, "too little room" in full.text) == (422, True)
    assert ContactImport.objects.count() == 2
    assert len(list(imports_folder.iterdir())) == 1


def test_too_many_bytes_are_refused_before_they_are_taken_apart(sam):
    answer = Browser(sam).generic("POST", "/phonebook/import/", b"", CONTENT_LENGTH="30000000")
    assert answer.status_code == 413
    assert "too large" in answer.text


def test_a_form_of_another_site_hands_nothing_in(sam):
    browser = Browser(sam, enforce_csrf_checks=True)
    assert handed_in(browser).status_code == 403
    assert not ContactImport.objects.exists()


def test_a_file_that_only_the_worker_can_refuse_says_so_on_its_page(sam):
    browser = Browser(sam)
    address = handed_in(browser, "a;b\n" + ";".join("x" * 100)).url
    work()
    page = browser.get(address).text
    assert "Row 2 has more than 60 columns" in page
    assert "Nothing was written into the phone book." in page


def test_without_numbers_it_does_not_go_on(sam):
    browser = Browser(sam)
    address = handed_in(browser).url
    work()
    answer = browser.post(address + "match/", {"column-0": "name", "column-1": "", "mode": "fill"})
    assert answer.status_code == 422
    assert "without a number there is no contact" in answer.text
    assert browser.post(address + "match/", {"column-1": "number", "mode": "whatever"}).status_code == 422


def test_the_columns_may_be_chosen_again(checked):
    browser, address = checked
    assert "What do the columns hold?" in browser.get(address + "?match=1").text
    browser.post(address + "match/", {"column-0": "company", "column-1": "number", "heading": "1", "mode": "fill", "tag": ""})
    assert work().tag == ""


def test_a_step_that_somebody_else_has_taken_is_not_taken_twice(checked):
    browser, address = checked
    browser.post(address + "start/")
    browser.post(address + "start/")
    assert "at another step by now" in browser.get(address).text
    work()
    browser.post(address + "cancel/")
    assert "at another step by now" in browser.get(address).text
    assert Contact.objects.count() == 1


def test_the_errors_are_a_file_without_formulas(sam):
    browser = Browser(sam)
    address = handed_in(browser, 'Név;Telefon\nKiss Éva;"=1+1"\n').url
    work()
    browser.post(address + "match/", {"column-0": "name", "column-1": "number", "heading": "1", "mode": "fill"})
    work()
    answer = browser.get(address + "errors/")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text))) == [
        ["Row", "Column", "Value", "Reason"],
        ["2", "Telefon", "'=1+1", "This is not a telephone number."],
    ]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_files_name_and_texts_are_only_text(sam):
    browser = Browser(sam)
    address = handed_in(browser, "Név;Telefon\n<b>x</b>;06301234567\n", "<img src=x>.csv").url
    work()
    assert "&lt;img" in browser.get("/phonebook/import/").text
    assert "&lt;b&gt;x" in browser.get(address).text


def test_frames_say_how_far_it_is_to_its_person_alone(checked, sam):
    browser, address = checked
    browser.post(address + "start/")
    work()
    told = Event.objects.filter(kind=Kind.IMPORT_CHANGED)
    assert {event.user_id for event in told} == {sam.pk}
    frames = [frame for frame in rendering.frames_for(list(told), ["en"])["en"] if "live-import" in frame.text]
    assert [frame.user_id for frame in frames] == [sam.pk]
    assert 'state="done"' in frames[0].text
    assert (
        browser.get(address, headers=FRAMES).text.startswith("\n<section")
        or "<html" not in browser.get(address, headers=FRAMES).text
    )


# --- The way out
def test_the_list_as_it_is_filtered_becomes_a_file(sam, boti, kontakt):
    browser = Browser(sam)
    other = Contact.objects.create(subscriber=kontakt, number="+36301234567", name="Nagy Pál", created_at=NOW)
    vip = Tag.objects.create(subscriber=kontakt, name="VIP")
    other.tags.add(vip)
    assert "2 contacts" in browser.get("/phonebook/export/").text

    def rows(query: str) -> list[str]:
        answer = browser.get(f"/phonebook/export/?format=csv&{query}")
        return [row[0] for row in csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig")))][1:]

    assert rows("") == ["Kiss Boti", "Nagy Pál"]
    assert rows("q=boti") == ["Kiss Boti"]
    assert rows(f"tag={vip.pk}") == ["Nagy Pál"]
    assert AuditEntry.objects.filter(action="contacts.exported").count() == 3


def test_who_may_not_take_messages_away_may_not_take_contacts(dana, kontakt, boti, rival):
    browser = Browser(dana)
    assert browser.get("/phonebook/export/?format=xlsx").status_code == 403
    kontakt.colleagues_may_export = True
    kontakt.save()
    assert browser.get("/phonebook/export/?format=xlsx").status_code == 200
    rita = Browser(_user("rita", Role.ADMINISTRATOR, rival))
    text = b"".join(rita.get("/phonebook/export/?format=vcf").streaming_content).decode()
    assert BOTI not in text


def test_past_imports_are_a_page_of_few_queries(checked, kontakt, sam, django_assert_max_num_queries):
    for _ in range(5):
        one = imports_of(kontakt)[0]
        one.pk, one.uuid = None, uuid.uuid4()
        one.save()
    browser, _address = checked
    with django_assert_max_num_queries(22):
        browser.get("/phonebook/import/")
