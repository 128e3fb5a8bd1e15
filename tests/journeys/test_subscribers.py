"""The operator makes a company and switches its services; a company asks for what it lacks and gets it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.test_for_everybody import violations

pytestmark = pytest.mark.journey

DEVICES = {
    "desk, light": {"viewport": {"width": 1440, "height": 900}},
    "phone, dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}


@pytest.fixture(params=DEVICES, ids=str)
def device(request) -> dict:
    return DEVICES[request.param]


def test_a_company_is_made_and_gets_sms(olga, device):
    olga.options = device
    tab = olga.tab("/operator/")
    page = tab.page
    assert violations(tab) == []

    page.get_by_role("link", name="New subscriber").first.click()
    page.get_by_label("Name").first.fill("Őszi Rózsa Kft.")
    page.get_by_label("Time zone").fill("Europe/Budapset")
    page.get_by_role("button", name="Make subscriber").click()
    expect(page.get_by_text("This is not a time zone")).to_be_visible()
    expect(page.get_by_label("Name").first).to_have_value("Őszi Rózsa Kft.")
    assert violations(tab) == []
    page.get_by_label("Time zone").fill("Europe/Budapest")
    page.get_by_role("button", name="Make subscriber").click()

    expect(page.get_by_role("heading", name="Őszi Rózsa Kft.")).to_be_visible()
    assert violations(tab) == []
    sms = page.locator(".switch").filter(has_text="SMS").first
    sms.get_by_text("Switch on…").click()
    sms.get_by_role("button", name="Switch SMS on").click()
    expect(sms.get_by_text("This field is required")).to_be_visible()
    assert violations(tab) == []
    sms.get_by_label("Reason").fill("The contract is signed")
    sms.get_by_role("button", name="Switch SMS on").click()
    expect(page.get_by_role("region", name="What was switched when")).to_contain_text("The contract is signed")

    page.goto(f"{tab.url}/operator/?q=oszi rozsa")
    row = page.locator("tr").filter(has_text="Őszi Rózsa Kft.")
    expect(row.first).to_contain_text("No line yet")


def test_a_company_asks_for_chat_and_has_it_on_the_open_page(company, dana, olga, boti, device):
    company.thread(boti, "Kiss Boti")
    record = olga.tab(f"/operator/subscribers/{company.id}/").page
    chat = record.locator(".switch").nth(1)
    chat.get_by_text("Switch off…").click()
    chat.get_by_label("Reason").fill("Not in the contract")
    chat.get_by_role("button", name="Switch Chat off").click()
    expect(record.locator(".toast")).to_contain_text("on every screen")

    dana.options = device
    tab = dana.tab("/messages/")
    tab.until("() => window.fonal")
    tab.page.get_by_role("link", name="What is Chat?").click()
    expect(tab.dialog.get_by_role("heading", name="What is Chat?")).to_be_visible()
    assert violations(tab) == []
    tab.dialog.get_by_label("Remark").fill("There are four of us now")
    tab.dialog.get_by_role("button", name="Request activation").click()
    expect(tab.page.locator(".toast")).to_contain_text("Your SMS provider has been told")
    tab.until("() => window.fonal")

    olga.options = device
    queue = olga.tab("/operator/requests/")
    asked = queue.page.get_by_role("article").filter(has_text="There are four of us now")
    asked.get_by_text("Switch on…").click()
    expect(asked.get_by_label("Reason")).to_have_value(re.compile("Asked for by Dana"))
    assert violations(queue) == []
    asked.get_by_role("button", name="Switch Chat on").click()
    expect(asked).to_have_count(0)
    assert violations(queue) == []
    menu = tab.page.get_by_role("navigation", name="Main menu")
    expect(menu.get_by_role("link", name="Chat")).to_be_visible()


def test_without_sms_the_page_says_what_it_would_be(company, dana, olga, device):
    record = olga.tab(f"/operator/subscribers/{company.id}/").page
    sms = record.locator(".switch").first
    sms.get_by_text("Switch off…").click()
    expect(sms.get_by_text("Nothing is lost")).to_be_visible()
    sms.get_by_label("Reason").fill("They have not paid")
    sms.get_by_role("button", name="Switch SMS off").click()
    expect(record.locator(".toast")).to_contain_text("on every screen")

    dana.options = device
    dana.may_hear("status of 403")
    tab = dana.tab("/")
    tab.until("() => window.fonal")
    assert violations(tab) == []
    tab.page.get_by_label("Remark").fill("We have paid now")
    tab.page.get_by_role("button", name="Request activation").click()
    expect(tab.page.get_by_text("It has been asked for")).to_be_visible()
    assert violations(tab) == []
