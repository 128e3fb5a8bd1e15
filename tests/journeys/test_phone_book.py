"""The phone book: a name shows at once everywhere, a number finds its owner, a sender is blocked and comes back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.cast import new_number
from tests.journeys.test_for_everybody import violations

pytestmark = pytest.mark.journey


def entry_of(tab, name: str):
    return tab.page.locator("#contact-rows tr").filter(has_text=name)


def test_a_rename_is_seen_at_once_in_the_list_the_thread_its_panel_messages_and_the_phone_book(company, dana, bela, boti):
    company.thread(boti, "Kiss Boti", ["Itt vagyok."], read_by=[dana, bela])
    his, book = bela.tab().is_live().open("Itt vagyok."), bela.tab("/phonebook/").is_live()
    messages = bela.tab("/messages/").is_live()
    hers = dana.tab("/phonebook/").is_live()
    entry_of(hers, "Kiss Boti").get_by_role("link").first.click()
    hers.page.get_by_label("Name", exact=True).fill("Új Név")
    hers.page.get_by_label("Company").fill("Bolt Bt.")
    hers.page.get_by_role("button", name="Save").click()
    expect(hers.page.locator("h1")).to_have_text("Új Név")
    expect(his.row("Új Név")).to_be_visible()
    expect(his.page.locator("#head h2")).to_have_text("Új Név")
    expect(his.page.locator("#person")).to_contain_text("Bolt Bt.")
    expect(messages.page.locator("#history-rows .partner strong").first).to_have_text("Új Név")
    expect(entry_of(book, "Új Név")).to_contain_text("Bolt Bt.")
    # Its place in the list may be another now: that is offered, not done under the eye.
    expect(book.page.locator("[data-changed]")).to_be_visible()


def test_who_is_this_is_answered_with_somebody_who_is_known(company, dana, bela, boti):
    other = new_number()
    company.thread(boti, "Kiss Boti", ["Szia!"], read_by=[dana, bela])
    company.thread(other, "", ["Ez az új számom."], read_by=[dana, bela])
    hers, his = dana.tab().is_live().open("Ez az új számom."), bela.tab().is_live()
    hers.page.locator("#head").get_by_role("link", name="Who is this?").click()
    hers.dialog.get_by_label("Or another number").fill("boti")
    hers.dialog.get_by_role("button", name=re.compile("Kiss Boti")).click()
    expect(hers.page.locator("#head h2")).to_have_text("Kiss Boti")
    expect(his.row("Kiss Boti")).to_have_count(2)


def test_a_blocked_sender_is_hidden_from_everybody_and_comes_back_as_he_was(company, dana, bela, boti):
    company.thread(boti, "Kiss Boti", ["Nyertél!"], read_by=[dana, bela])
    hers, his = dana.tab().is_live().open("Nyertél!"), bela.tab().is_live().open("Nyertél!")
    hers.page.locator("#head summary").click()
    hers.page.locator("#head .sheet").get_by_role("link", name="Block…").click()
    hers.dialog.get_by_role("button", name="Block").click()
    expect(hers.page.locator("#toasts")).to_contain_text("is blocked")
    expect(his.row("Kiss Boti")).to_have_count(0)
    expect(his.page.locator("#banner")).to_contain_text("This contact is blocked")
    expect(his.composer).to_be_hidden()
    company.texts(boti, "Kattints ide!")
    # Whoever looks into the thread sees it; nobody is told of it.
    expect(his.bubble("Kattints ide!")).to_be_visible()
    expect(his.rows.filter(has_text="Kattints")).to_have_count(0)
    hers.is_live()
    expect(hers.rows.filter(has_text="Kattints")).to_have_count(0)
    his.page.locator("#banner").get_by_role("button", name="Unblock").click()
    for tab in (hers, his):
        expect(tab.row("Kattints ide!")).to_be_visible()
        expect(tab.row("Kattints ide!").locator(".row")).not_to_have_class(re.compile("unread"))
    expect(his.composer).to_be_visible()


def test_without_scripts_an_entry_is_made_found_merged_and_deleted(company, dana, boti):
    other = new_number()
    tab = dana.device("/phonebook/", java_script_enabled=False)
    for name, number in (("Kiss Boti", boti), ("B. Kiss", other)):
        tab.page.goto(f"{tab.url}/phonebook/new/")
        tab.page.get_by_label("Name", exact=True).fill(name)
        tab.page.get_by_label("Phone number").first.fill(number)
        tab.page.get_by_role("button", name="Save").click()
        expect(tab.page.locator("h1")).to_have_text(name)
    tab.page.locator("main .menu summary").click()
    tab.page.get_by_role("link", name="Merge with…").click()
    tab.page.get_by_label("With whom?").fill("boti")
    tab.page.get_by_role("button", name="Search").click()
    tab.page.get_by_role("button", name=re.compile("Kiss Boti")).click()
    tab.page.get_by_role("radio", name=re.compile("Kiss Boti")).check()
    tab.page.get_by_role("button", name="Merge").click()
    expect(tab.page.locator("h1")).to_have_text("Kiss Boti")
    expect(tab.page.locator(".reached li")).to_have_count(2)
    tab.page.goto(f"{tab.url}/phonebook/?q={other[-7:]}")
    expect(entry_of(tab, "Kiss Boti")).to_have_count(1)
    entry_of(tab, "Kiss Boti").get_by_role("link").first.click()
    tab.page.locator("main .menu summary").click()
    tab.page.get_by_role("link", name="Delete from the phone book…").click()
    tab.page.get_by_role("button", name="Delete").click()
    expect(tab.page.locator(".empty")).to_contain_text("The phone book is empty")


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_phone_book(company, dana, boti, width, scheme):
    company.thread(boti, "Kiss Boti", ["Szia!"])
    tab = dana.device("/phonebook/", color_scheme=scheme, viewport={"width": width, "height": 900})
    assert violations(tab) == []
    entry_of(tab, "Kiss Boti").get_by_role("link").first.click()
    tab.page.get_by_label("Tag", exact=True).first.fill("vip")
    tab.page.get_by_role("button", name="Save").click()
    expect(tab.page.locator(".whom .tagged")).to_have_text("vip")
    assert violations(tab) == []
    tab.page.locator("main .menu summary").click()
    tab.page.get_by_role("link", name="Block…").click()
    tab.page.get_by_role("button", name="Block").click()
    expect(tab.page.locator(".notice.blocked")).to_be_visible()
    assert violations(tab) == []
    tab.page.goto(f"{tab.url}/phonebook/?view=blocked")
    expect(entry_of(tab, "Kiss Boti")).to_be_visible()
    assert violations(tab) == []
