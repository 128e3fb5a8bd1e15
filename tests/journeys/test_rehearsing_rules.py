"""A rule is rehearsed on real calls before it is trusted, tried out for two days, and seen in the picture of all rules."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.test_for_everybody import violations
from tests.journeys.test_small_and_plain import PHONE, is_too_wide

pytestmark = pytest.mark.journey


@pytest.fixture
def boss(company, dana, bela):
    """Dana administers the company; whoever is on duty hears of missed calls."""
    company.stage.administrate(user=dana.id)
    told = {"trigger": "missed", "steps": [{"who": "on_duty", "channel": "browser"}]}
    company.stage.call_rules(line=company.line, teams={}, rules=[told], emails={})
    return dana


def test_from_the_editor_over_the_trial_to_the_picture(boss, company, boti):
    company.calls(boti, "missed")
    tab = boss.tab("/call-logic/").is_live()
    tab.page.locator("[data-rule] h2 a").click()
    with tab.page.context.expect_page() as opened:
        tab.page.get_by_role("button", name="Rehearse").click()
    rehearsal = opened.value
    expect(rehearsal.get_by_text("not saved", exact=True)).to_be_visible()
    expect(rehearsal.get_by_role("row", name="Béla")).to_contain_text("1")
    rehearsal.close()

    tab.page.get_by_role("link", name="48-hour trial").click()
    expect(tab.page.get_by_text("of 1 calls")).to_be_visible()
    assert violations(tab) == []
    # By keyboard: the notice of the call may lie over it.
    tab.page.get_by_role("button", name="Begin the trial").press("Enter")
    expect(tab.page.get_by_text("the rule sends by itself")).to_be_visible()

    tab.page.goto(tab.page.url.split("/call-logic/")[0] + "/call-logic/picture/")
    expect(tab.page.locator(".flow.wide")).to_contain_text("Tried out: sends nothing")
    assert violations(tab) == []


def test_on_a_telephone_nothing_stands_out(boss, company, boti):
    company.calls(boti, "missed")
    tab = boss.device("/call-logic/picture/", **PHONE).is_live()
    expect(tab.page.locator(".flow.narrow")).to_be_visible()
    expect(tab.page.locator(".flow.wide")).to_be_hidden()
    assert not is_too_wide(tab)
    box = tab.page.locator(".flow.narrow").bounding_box()
    assert box["x"] + box["width"] <= tab.page.viewport_size["width"]
