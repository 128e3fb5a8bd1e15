"""The customer's phone is off: the bubble says so in plain words, and what can be done about it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey


@pytest.fixture
def failed(company, dana, bela, boti):
    """Dana's and Béla's tabs, with a message that did not arrive."""
    company.thread(boti, "Kiss Boti", read_by=[dana, bela])
    company.stage.phone(number=boti, is_on=False)
    hers, his = dana.tab().is_live().open("Kiss Boti"), bela.tab().is_live().open("Kiss Boti")
    hers.page.bring_to_front()
    hers.send("Megérkezett?")
    for tab in (hers, his):
        expect(tab.bubble("Megérkezett?")).to_have_class(re.compile("failed"))
    return hers, his


def test_it_says_why_in_both_browsers_and_marks_the_row(failed):
    for tab in failed:
        trouble = tab.bubble("Megérkezett?").locator(".trouble")
        expect(trouble).to_contain_text("Not delivered:")
        expect(trouble).to_contain_text("the phone could not be reached")
        for name in ("Retry", "Edit", "Delete"):
            expect(trouble.get_by_role("button", name=name)).to_be_visible()
        expect(tab.row("Kiss Boti").locator("a.row")).to_have_class(re.compile("failed"))


def test_retry_is_a_new_attempt_on_the_same_bubble(company, failed, boti):
    hers, _his = failed
    name = hers.bubble("Megérkezett?").get_attribute("id")
    company.stage.phone(number=boti, is_on=True)
    hers.bubble("Megérkezett?").get_by_role("button", name="Retry").click()
    for tab in failed:
        expect(tab.tick("Megérkezett?")).to_have_attribute("aria-label", "Delivered")
        expect(tab.bubble("Megérkezett?")).to_have_attribute("id", name)
        expect(tab.bubble("Megérkezett?").locator(".trouble")).to_have_count(0)
        expect(tab.row("Kiss Boti").locator("a.row")).not_to_have_class(re.compile("failed"))
    assert [text for _, text, _ in company.outgoing()] == ["Megérkezett?"]


def test_edit_puts_the_text_back_into_the_composer(failed):
    hers, his = failed
    hers.bubble("Megérkezett?").get_by_role("button", name="Edit").click()
    expect(hers.composer).to_have_value("Megérkezett?")
    expect(hers.composer).to_be_focused()
    for tab in failed:
        expect(tab.bubble("Megérkezett?")).to_have_count(0)
    expect(his.composer).to_have_value("")
    hers.page.reload()
    expect(hers.composer).to_have_value("Megérkezett?")


def test_delete_removes_it_in_both_browsers_after_asking(company, failed):
    hers, _his = failed
    hers.page.once("dialog", lambda question: question.dismiss())
    hers.bubble("Megérkezett?").get_by_role("button", name="Delete").click()
    expect(hers.bubble("Megérkezett?")).to_have_count(1)
    hers.page.once("dialog", lambda question: question.accept())
    hers.bubble("Megérkezett?").get_by_role("button", name="Delete").click()
    for tab in failed:
        expect(tab.bubble("Megérkezett?")).to_have_count(0)
        expect(tab.row("Kiss Boti")).not_to_contain_text("Megérkezett?")
        expect(tab.row("Kiss Boti").locator("a.row")).not_to_have_class(re.compile("failed"))
    assert company.outgoing() == []
