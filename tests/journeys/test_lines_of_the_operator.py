"""The operator makes a line, sees its set-up check turn green, and gives it limits and a new address."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.cast import new_number
from tests.journeys.test_for_everybody import violations

pytestmark = pytest.mark.journey

DEVICES = {
    "desk, light": {"viewport": {"width": 1440, "height": 900}},
    "phone, dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}


@pytest.mark.parametrize("device", DEVICES.values(), ids=list(DEVICES))
def test_a_line_is_made_checked_and_limited(olga, company, boti, device):
    olga.options = device
    number = new_number()
    tab = olga.tab(f"/operator/lines/new/?subscriber={company.id}")
    page = tab.page
    assert violations(tab) == []

    page.get_by_label("Number or sender name").fill("0690123")
    page.get_by_label("Label").fill("Warehouse")
    page.get_by_label("Provider").select_option("simulator")
    page.get_by_label("Auth token").fill("a-token-that-nobody-sees-again")
    page.get_by_role("button", name="Make line").click()
    expect(page.get_by_text("Neither a telephone number nor a sender name")).to_be_visible()
    assert "a-token-that-nobody-sees-again" not in page.content()
    assert violations(tab) == []
    page.get_by_label("Number or sender name").fill(number)
    page.get_by_label("Auth token").fill("a-token-that-nobody-sees-again")
    page.get_by_role("button", name="Make line").click()

    expect(page.get_by_text("The number belongs to the account.")).to_be_visible()
    key = re.search(r"/gateway/simulator/([^/]+)/messages/", page.locator("#address-messages").inner_text())[1]
    company.lines.append({"number": number, "key": key})
    live = page.locator("#live-steps")
    expect(live.locator(".step.ok")).to_have_count(0)
    assert violations(tab) == []
    page.get_by_label("Phone number").fill(boti)
    page.get_by_role("button", name="Send a test").click()
    # Both turn green by themselves.
    expect(live.get_by_text("The test was delivered.")).to_be_visible(timeout=20_000)
    company.texts(boti, "Szia!", line=-1)
    expect(live.get_by_text("An SMS came in, with a good signature.")).to_be_visible(timeout=20_000)
    assert violations(tab) == []

    page.get_by_role("navigation", name="Line").get_by_role("link", name="Settings").click()
    page.get_by_label("Messages a day").fill("5")
    page.get_by_role("checkbox", name="Austria").check()
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_text("To mobiles of: Austria, Hungary")).to_be_visible()
    # Without what has gone out before it was limited.
    expect(page.get_by_text("Today: 0 of 5")).to_be_visible()
    assert violations(tab) == []
    page.get_by_role("link", name="New address…").click()
    expect(page.get_by_role("heading", name="A new address for Warehouse?")).to_be_visible()
    assert violations(tab) == []
    page.get_by_role("button", name="New address").click()
    expect(page.get_by_text("The line has a new address")).to_be_visible()

    page.get_by_role("navigation", name="Line").get_by_role("link", name="Health").click()
    expect(page.get_by_role("heading", name="Signs of life")).to_be_visible()
    assert violations(tab) == []
    page.goto(f"{tab.url}/operator/lines/?q=warehouse")
    expect(page.locator("tr").filter(has_text="Warehouse").first).to_be_visible()
    page.get_by_label("Search lines").fill("nothing like it")
    expect(page.get_by_text("No line found")).to_be_visible()
    assert violations(tab) == []
