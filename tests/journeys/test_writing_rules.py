"""The rules of call logic in a real browser: written by keyboard alone, put into order, taken back, small, dark, without scripts."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.test_for_everybody import violations
from tests.journeys.test_small_and_plain import PHONE, is_too_wide

pytestmark = pytest.mark.journey


@pytest.fixture
def boss(company, dana, bela):
    """Dana administers the company; Béla is the English team."""
    company.stage.administrate(user=dana.id)
    company.stage.call_rules(line=company.line, teams={"English team": [bela.id]}, rules=[], emails={})
    return dana


@pytest.fixture
def two_rules(company, boss, bela):
    told = {"trigger": "missed", "steps": [{"who": "on_duty"}]}
    company.stage.call_rules(line=company.line, teams={"Others": [bela.id]}, rules=[told, told | {"trigger": "busy"}], emails={})
    return boss


def tab_to(tab, place) -> None:
    """By the Tab key alone."""
    for _press in range(120):
        if place.evaluate("element => element === document.activeElement"):
            return
        tab.page.keyboard.press("Tab")
    raise AssertionError("The Tab key does not come here.")


def names(tab):
    return tab.page.locator("[data-rule] h2 a")


def test_the_rule_of_the_brochure_is_written_by_keyboard_alone(boss, company):
    tab = boss.tab("/call-logic/rules/new/").is_live()
    page, press = tab.page, tab.page.keyboard.press
    sentence = page.locator("[data-sketch=sentence] .sentence")
    tab_to(tab, page.get_by_role("checkbox", name="Caller's country"))
    press("Space")
    expect(sentence).to_contain_text("When a call from abroad is missed")
    tab_to(tab, page.get_by_role("combobox", name="Who is told"))
    page.keyboard.type("teams")
    tab_to(tab, page.get_by_role("combobox", name="How", exact=True))
    page.keyboard.type("SMS")
    tab_to(tab, page.get_by_role("checkbox", name="English team"))
    press("Space")
    tab_to(tab, page.get_by_role("radio", name="The usual text"))
    press("ArrowRight")
    area = page.get_by_role("textbox", name="Text, English")
    tab_to(tab, area)
    page.keyboard.type("Missed: ")
    tab_to(tab, page.locator("summary:visible", has_text="Insert"))
    press("Enter")
    tab_to(tab, page.get_by_role("button", name="{caller}", exact=True).first)
    press("Enter")
    expect(area).to_have_value("Missed: {caller}")
    expect(area).to_be_focused()
    expect(sentence).to_have_text("When a call from abroad is missed, tell English team by SMS: Missed: {caller}.")
    assert violations(tab) == []
    tab_to(tab, page.get_by_role("textbox", name="What your people call it"))
    page.keyboard.type("From abroad")
    press("Enter")
    expect(names(tab)).to_have_text(["From abroad"])
    expect(page.locator("[data-rule] .sentence")).to_contain_text("When a call from abroad is missed, tell English team by SMS")
    assert violations(tab) == []


def test_mistakes_are_said_where_they_are_and_nothing_is_lost(boss):
    boss.may_hear("status of 422")
    tab = boss.tab("/call-logic/rules/new/?from=key").is_live()
    tab.page.get_by_role("textbox", name="Text, English").fill("Thanks, {calller}!")
    tab.page.get_by_role("textbox", name="Which key or keys").fill("x")
    expect(tab.page.get_by_text("Did you mean {caller}?")).to_be_visible()
    tab.page.get_by_role("button", name="Save").last.click()
    expect(tab.page.get_by_role("alert")).to_contain_text("Not saved yet")
    expect(tab.page.get_by_role("textbox", name="Which key or keys")).to_be_focused()
    expect(tab.page.get_by_role("textbox", name="Text, English")).to_have_value("Thanks, {calller}!")
    assert violations(tab) == []


def test_steps_come_and_go_and_leaving_asks_first(boss):
    tab = boss.tab("/call-logic/rules/new/").is_live()
    tab.page.get_by_role("textbox", name="What your people call it").fill("Two steps")
    tab.page.get_by_role("button", name="And then…").click()
    expect(tab.page.locator("[data-step]")).to_have_count(2)
    expect(tab.page.locator("[data-step]").last.get_by_role("combobox", name="Who is told")).to_be_focused()
    asked = []
    tab.page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    tab.page.get_by_role("link", name="Back to the rules").click(no_wait_after=True)
    expect(tab.page.get_by_role("textbox", name="What your people call it")).to_have_value("Two steps")
    assert asked == ["beforeunload"]
    tab.page.get_by_role("button", name="Step 1: take out").click()
    expect(tab.page.locator("[data-step]")).to_have_count(1)
    tab.page.get_by_role("button", name="Save").last.click()
    expect(names(tab)).to_have_text(["Two steps"])


def test_rules_are_put_into_order_by_keys_and_by_dragging_and_a_change_is_taken_back(two_rules):
    tab = two_rules.tab("/call-logic/").is_live()
    first, second = names(tab).all_inner_texts()
    tab.page.get_by_role("button", name=f"Move down: {first}").focus()
    tab.page.keyboard.press("Alt+ArrowDown")
    expect(names(tab)).to_have_text([second, first])
    # At the end there is no further down; the keyboard stays with the rule.
    expect(tab.page.get_by_role("button", name=f"Move up: {first}")).to_be_focused()
    with tab.page.expect_response("**/move/"):
        tab.page.locator("[data-drag]").last.drag_to(tab.page.locator("[data-rule]").first, target_position={"x": 60, "y": 4})
    expect(names(tab)).to_have_text([first, second])
    tab.page.reload()
    expect(names(tab)).to_have_text([first, second])
    names(tab).first.click()
    tab.page.get_by_role("textbox", name="What your people call it").fill("Called otherwise")
    tab.page.get_by_role("button", name="Save").last.click()
    expect(names(tab)).to_have_text(["Called otherwise", second])
    tab.page.get_by_role("button", name="Undo").click()
    expect(names(tab)).to_have_text([first, second])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_telephone_all_of_it_fits(two_rules, scheme):
    tab = two_rules.device("/call-logic/", **PHONE, color_scheme=scheme).is_live()
    assert not is_too_wide(tab)
    assert violations(tab) == []
    for path in ("/call-logic/rules/new/?from=promise", "/call-logic/nodes/", "/call-logic/limits/"):
        tab.page.goto(tab.url + path)
        assert not is_too_wide(tab), path
        assert violations(tab) == []
    expect(tab.page.locator(".tabs.places [aria-current]")).to_be_in_viewport(ratio=1)


def test_without_scripts_a_rule_is_written_ordered_and_deleted(two_rules):
    tab = two_rules.device("/call-logic/", java_script_enabled=False)
    first, second = names(tab).all_inner_texts()
    tab.page.get_by_role("button", name=f"Move up: {second}").click()
    expect(names(tab)).to_have_text([second, first])
    tab.page.get_by_role("link", name="New rule").click()
    tab.page.get_by_role("textbox", name="What your people call it").fill("Plain")
    tab.page.get_by_role("button", name="And then…").click()
    expect(tab.page.locator("[data-step]")).to_have_count(2)
    tab.page.get_by_role("button", name="Save").last.click()
    expect(names(tab)).to_have_text([second, first, "Plain"])
    names(tab).last.click()
    tab.page.get_by_role("button", name="Delete this rule").click()
    expect(names(tab)).to_have_text([second, first])
    tab.page.get_by_role("button", name="Undo").click()
    expect(names(tab)).to_have_text([second, first, "Plain"])


def test_the_red_switch_is_seen_at_once_by_everybody(two_rules, bela):
    his = bela.tab("/").is_live()
    hers = two_rules.tab("/call-logic/limits/").is_live()
    hers.page.get_by_role("button", name="Stop all automatic sending").click()
    expect(his.page.locator(".stopped-bar")).to_contain_text("All automatic sending is stopped")
    assert violations(hers) == []
    hers.page.locator(".stopped-bar").get_by_role("button", name="Resume sending").click()
    expect(his.page.locator(".stopped-bar")).to_have_count(0)
