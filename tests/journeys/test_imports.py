"""Contacts from a file: handed in, matched, tried out, imported while one watches, and taken back; and the way out."""

from __future__ import annotations

import re
from itertools import count

import pytest
from playwright.sync_api import expect

from tests.journeys.test_for_everybody import violations

pytestmark = pytest.mark.journey
PHONE = {"viewport": {"width": 390, "height": 844}}
_fresh = count()


def lines(many: int = 3) -> str:
    people = "".join(f"Ember;Tamás {n};Cég {n};06 20 {3_000_000 + next(_fresh)};e{n}@example.hu\n" for n in range(many))
    return f"Vezetéknév;Keresztnév;Cég;Mobil;E-mail\n{people}Nagy;Pál;;3.63E+10;\n"


def hand_in(tab, content: str, name: str = "Ügyfelek.csv"):
    tab.page.locator("[name=file]").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content.encode()})
    tab.page.get_by_role("button", name="Upload").click()
    expect(tab.page.locator("[data-state=read]")).to_be_visible()


def is_too_wide(tab) -> bool:
    return tab.ask("() => document.documentElement.scrollWidth > innerWidth")


@pytest.mark.parametrize("options", [{}, PHONE | {"color_scheme": "dark"}], ids=["at a desk", "on a telephone in the dark"])
def test_a_file_becomes_contacts_and_goes_again(company, dana, options):
    company.stage.promote(user=dana.id)
    tab = dana.device("/phonebook/import/", **options).is_live()
    assert violations(tab) == []
    hand_in(tab, lines())
    chosen = tab.page.locator(".matching select")
    assert [each.input_value() for each in chosen.all()] == ["family", "given", "company", "number", "email"]
    assert violations(tab) == []
    assert not is_too_wide(tab)
    tab.page.get_by_label("A tag for all of them").fill("Tavasz")
    tab.page.get_by_role("button", name="Check").click()
    # The task worker reads it.
    expect(tab.page.get_by_role("heading", name="This would change")).to_be_visible(timeout=30_000)
    expect(tab.page.locator(".counts")).to_have_text(re.compile(r"New\s*3\s*Changed\s*0\s*The same\s*0\s*Errors\s*1"))
    expect(tab.page.locator(".faults")).to_contain_text("Row 5")
    expect(tab.page.locator(".faults")).to_contain_text("its last digits are lost")
    expect(tab.page.locator(".changes")).to_contain_text("Ember Tamás 0")
    assert violations(tab) == []
    assert not is_too_wide(tab)
    with tab.page.expect_download() as told:
        tab.page.get_by_role("link", name="All as CSV").click()
    assert re.fullmatch(r"fonal-import-errors-\d{4}-\d\d-\d\d\.csv", told.value.suggested_filename)
    tab.page.get_by_role("button", name="Import", exact=True).click()
    expect(tab.page.get_by_role("heading", name="The contacts are in the phone book")).to_be_visible()
    # Everybody's pages load anew when many names have changed: the click must not come in between.
    tab.is_live()
    assert violations(tab) == []
    tab.visit("/phonebook/?q=tamás")
    expect(tab.page.get_by_role("main")).to_contain_text("Ember Tamás 2")
    tab.visit("/phonebook/import/")
    tab.is_live()
    tab.page.get_by_role("link", name="Undo").click()
    assert violations(tab) == []
    tab.dialog.get_by_role("button", name="Undo the import").click()
    expect(tab.page.get_by_role("heading", name="The import was undone")).to_be_visible()
    expect(tab.page.locator(".import")).to_contain_text("3 numbers were deleted, 0 are as they were before.")
    assert not is_too_wide(tab)
    tab.visit("/phonebook/?q=tamás")
    expect(tab.page.get_by_role("main")).not_to_contain_text("Ember Tamás")


def test_a_large_one_is_followed_and_can_be_stopped(company, dana):
    company.stage.promote(user=dana.id)
    tab = dana.tab("/phonebook/import/").is_live()
    hand_in(tab, lines(10_000))
    tab.page.get_by_role("button", name="Check").click()
    tab.page.get_by_role("button", name="Import", exact=True).click()
    # The figures move without anybody's doing.
    expect(tab.page.locator("[data-state=running] [data-figures]")).to_have_text(re.compile(r"[\d,]*\d00 of 10,001 rows"))
    tab.page.get_by_role("button", name="Stop").click()
    expect(tab.page.get_by_role("heading", name="The import was stopped")).to_be_visible()
    expect(tab.page.locator(".import")).to_contain_text("What was imported by then is in the phone book.")
    expect(tab.page.get_by_role("link", name="Undo")).to_be_visible()


def test_without_scripts_it_is_forms_and_pages(company, dana):
    company.stage.promote(user=dana.id)
    tab = dana.device("/phonebook/import/", java_script_enabled=False)
    page = tab.page
    page.locator("[name=file]").set_input_files({"name": "a.vcf", "mimeType": "text/vcard", "buffer": card().encode()})
    page.get_by_role("button", name="Upload").click()
    # The page asks again by itself.
    expect(page.get_by_role("heading", name="How shall it be imported?")).to_be_visible(timeout=15_000)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("heading", name="This would change")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", name="The contacts are in the phone book")).to_be_visible(timeout=15_000)
    page.get_by_role("link", name="Undo").click()
    page.get_by_role("button", name="Undo the import").click()
    expect(page.get_by_role("heading", name="The import was undone")).to_be_visible(timeout=15_000)


def card() -> str:
    return f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Kiss Éva\r\nTEL:+36203{next(_fresh):06}\r\nEND:VCARD\r\n"


def test_the_phone_book_leaves_as_a_file(company, dana, boti, tmp_path):
    company.stage.promote(user=dana.id)
    company.thread(boti, "Kiss Boti")
    tab = dana.tab("/phonebook/export/").is_live()
    assert violations(tab) == []
    tab.page.get_by_label("CSV").check()
    with tab.page.expect_download() as told:
        tab.page.get_by_role("button", name="Export").click()
    assert re.fullmatch(r"fonal-phone-book-\d{4}-\d\d-\d\d\.csv", told.value.suggested_filename)
    told.value.save_as(tmp_path / "a.csv")
    assert f"Kiss Boti,,'{boti}" in (tmp_path / "a.csv").read_text("utf-8-sig")
