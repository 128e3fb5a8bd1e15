"""What callers of a line hear is written in a real browser: told while it is written, mended where it is wrong, without scripts."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.test_for_everybody import violations
from tests.journeys.test_small_and_plain import PHONE, is_too_wide

pytestmark = pytest.mark.journey


@pytest.fixture
def boss(company, dana, bela, boti):
    """Dana administers the company; Béla has a phone of his own."""
    company.stage.administrate(user=dana.id)
    company.stage.own_phone(user=bela.id, number=boti)
    return dana


@pytest.fixture
def place(company) -> str:
    return f"/call-logic/flows/{company.line}/"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_the_caller_hears_is_told_while_it_is_written(company, boss, bela, place, scheme):
    tab = boss.device(place, color_scheme=scheme).is_live()
    page, heard = tab.page, tab.page.locator("#heard")
    page.get_by_label("Greeting", exact=True).fill("Hello, this is Kontakt.")
    expect(heard).to_contain_text("Hello, this is Kontakt.")
    page.get_by_label(bela.name).check()
    expect(heard).to_contain_text(f"it rings at once at: {bela.name}")
    page.get_by_role("button", name="Add a key").click()
    page.get_by_label("What the menu says of it").fill("For our address, press one.")
    page.get_by_label("Then").select_option("the call is over")
    page.get_by_label("What is said when it is pressed").fill("It is on its way.")
    expect(heard).to_contain_text("It is on its way.")
    page.get_by_label("Other numbers, one in a line").fill(company.lines[0]["number"])
    page.get_by_label("What the menu says of it").press("Enter")
    expect(page.get_by_text("a call would go round in circles")).to_be_visible()
    assert violations(tab) == []
    page.get_by_label("Other numbers, one in a line").fill("")
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_text("callers of Support hear this from now on")).to_be_visible()
    expect(page.get_by_label(bela.name)).to_be_checked()
    expect(heard).to_contain_text("It is on its way.")


def test_a_menu_is_written_on_a_phone_without_scripts(company, boss, place):
    tab = boss.device(place, java_script_enabled=False, **PHONE)
    page = tab.page
    for says in ("For sales, press one.", "For support, press two."):
        page.get_by_role("button", name="Add a key").click()
        page.get_by_label("What the menu says of it").last.fill(says)
    page.get_by_role("button", name="Key 1: take out").click()
    page.get_by_role("button", name="Save").last.click()
    expect(page.locator("#heard")).to_contain_text("For support, press two.")
    expect(page.locator("#heard")).not_to_contain_text("For sales")
    assert not is_too_wide(tab)
