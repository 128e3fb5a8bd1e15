"""A person asks to be forgotten: an administrator erases them, and it shows on every screen and on the certificate."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.test_for_everybody import violations

pytestmark = pytest.mark.journey


def problems(tab) -> list[str]:
    """What axe finds, in the light and in the dark."""
    found = []
    for scheme in ("dark", "light"):
        tab.page.emulate_media(color_scheme=scheme)
        found += violations(tab)
    return found


def test_a_person_is_erased_and_every_screen_forgets_them(company, dana, bela, boti):
    company.stage.administrate(user=dana.id)
    company.thread(boti, "Kiss Boti", ["Titkos szöveg"], read_by=[dana, bela])
    his = bela.tab().is_live().open("Titkos szöveg")
    hers = dana.tab("/phonebook/").is_live()
    hers.page.locator("#contact-rows tr").filter(has_text="Kiss Boti").get_by_role("link").first.click()
    hers.page.get_by_text("They have agreed to messages…").click()
    hers.page.get_by_label("To what").fill("Newsletter")
    hers.page.locator("form", has=hers.page.get_by_label("To what")).get_by_label("Where they said so").fill("Form")
    hers.page.get_by_role("button", name="Keep it").click()
    expect(hers.page.locator("#privacy")).to_contain_text("Newsletter")
    assert problems(hers) == []

    hers.page.get_by_role("link", name="Erase this person…").click()
    assert problems(hers) == []
    hers.page.get_by_label("How were you asked for it?").select_option("letter")
    hers.page.get_by_label("Type the last four digits of the number").fill(boti[-4:])
    hers.page.get_by_role("button", name="Continue").click()
    hers.page.get_by_role("button", name="Erase for good").click()
    expect(hers.page).to_have_url(re.compile("/company/privacy/erasures/"))

    # The task worker does it, and tells.
    expect(his.page.locator("#head h2")).to_have_text("Erased contact", timeout=30_000)
    expect(his.bubbles).to_have_text(re.compile("Erased"))
    expect(his.page.locator("body")).not_to_contain_text("Titkos")
    hers.visit(hers.page.url.removeprefix(hers.url))
    expect(hers.page.locator(".erasure-facts")).to_contain_text("By letter")
    expect(hers.page.get_by_role("button", name="Print")).to_be_visible()
    assert problems(hers) == []
    hers.visit("/company/privacy/")
    expect(hers.page.get_by_role("heading", name="People who were erased")).to_be_visible()
    assert problems(hers) == []

    company.texts(boti, "Itt vagyok megint")
    expect(his.row("Itt vagyok megint")).to_be_visible()
