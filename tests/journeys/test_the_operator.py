"""The operator switches a company's services, and helps it under the eyes of all; an auditor looks on."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.screen import Chat
from tests.journeys.test_for_everybody import violations

pytestmark = pytest.mark.journey


def switch(olga, company, service: str, *, on: bool) -> None:
    """By the operator's own door, as the form on the company's page does."""
    address = f"{olga.url}/operator/subscribers/{company.id}/"
    web = olga.contexts[0].request if olga.contexts else olga.tab("/operator/").page.request
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', web.get(address).text()).group(1)
    form = {"csrfmiddlewaretoken": token, "service": service, "state": "on" if on else "off", "because": "As they asked"}
    assert web.post(f"{address}services/", form=form, headers={"Referer": address}).ok


def menu(tab: Chat):
    return tab.page.get_by_role("navigation", name="Main menu").get_by_role("link")


def test_menus_come_and_go_on_every_open_page(company, dana, olga, boti):
    company.thread(boti, "Kiss Boti")
    # Pages that end are asked for what they may no longer have.
    dana.may_hear("status of 403")
    tabs = [dana.tab(path).is_live() for path in ("/", "/messages/", "/settings/")]
    for tab in tabs:
        expect(menu(tab).filter(has_text="Chat")).to_be_visible()

    switch(olga, company, "chat", on=False)
    for tab in tabs:
        expect(menu(tab).filter(has_text="Messages")).to_be_visible()
        expect(menu(tab).filter(has_text="Chat")).to_have_count(0)

    switch(olga, company, "sms", on=False)
    for tab in tabs:
        expect(menu(tab).filter(has_text="Messages")).to_have_count(0)
    expect(tabs[1].page.get_by_role("heading", name="SMS is not switched on for your company")).to_be_visible()
    company.texts(boti, "Is anybody there?")

    switch(olga, company, "sms", on=True)
    expect(tabs[1].page.get_by_text("Is anybody there?").first).to_be_visible()
    switch(olga, company, "chat", on=True)
    for tab in tabs:
        expect(menu(tab).filter(has_text="Chat")).to_be_visible()


@pytest.mark.parametrize("device", [{}, {"viewport": {"width": 390, "height": 844}}], ids=["desk", "phone"])
def test_support_is_said_on_every_page_until_it_ends_in_all_tabs(company, dana, olga, boti, device):
    company.thread(boti, "Kiss Boti")
    company.stage.administrate(user=dana.id)
    olga.options = device
    tab = olga.tab(f"/operator/subscribers/{company.id}/act-as/")
    tab.page.get_by_label("Why you act").fill("They asked for help")
    tab.page.get_by_role("button", name="Begin").click()
    banner = tab.page.get_by_role("complementary", name="Support")
    expect(banner).to_contain_text("Kontakt Kft.")
    tab.is_live().open("Kiss Boti")
    expect(banner).to_be_in_viewport()
    other = olga.tab("/messages/").is_live()
    expect(other.page.get_by_role("complementary", name="Support")).to_be_in_viewport()
    assert violations(other) == []
    hers = dana.tab().is_live().open("Kiss Boti")
    tab.composer.press_sequentially("We look into it")
    expect(hers.page.locator("[data-typists]")).to_contain_text("Olga")

    banner.get_by_role("button", name="End").click()

    expect(tab.page).to_have_url(re.compile(f"/operator/subscribers/{company.id}/"))
    expect(other.page).to_have_url(re.compile("/operator/"))
    expect(other.page.get_by_role("complementary", name="Support")).to_have_count(0)


def test_an_auditor_is_offered_nothing_that_would_be_refused(company, dana, bela, boti):
    company.thread(boti, "Kiss Boti")
    company.stage.audit(user=dana.id)
    tab = dana.tab().is_live().open("Kiss Boti")

    expect(tab.page.get_by_text("You read only")).to_be_visible()
    expect(tab.composer).to_have_count(0)
    expect(tab.page.get_by_role("button", name="Done")).to_have_count(0)
    expect(tab.page.get_by_role("link", name="New message")).to_have_count(0)
    for key in ("e", "a", "c", "r"):
        tab.page.keyboard.press(key)
    expect(tab.dialog).to_be_hidden()
    expect(tab.page.locator("#head details[open]")).to_have_count(0)
    tab.page.locator("#head summary").click()
    expect(tab.page.locator("#head").get_by_role("button", name="Mark as unread")).to_be_visible()
    # It comes when the menu opens.
    expect(tab.page.locator("#head .sheet form[action$='/assign/']").first).to_be_attached()
    expect(tab.page.locator("#head .sheet").get_by_text("Hand over to")).to_be_hidden()
    tab.page.keyboard.press("Escape")
    # What comes live is drawn for all: not its buttons.
    his = bela.tab().is_live().open("Kiss Boti")
    his.act("Take it")
    expect(tab.thread.locator(".event")).to_be_visible()
    company.texts(boti, "Thank you!")
    expect(tab.bubble("Thank you!")).to_be_visible()
    expect(tab.page.get_by_role("button", name="Done")).to_have_count(0)
    assert violations(tab) == []
