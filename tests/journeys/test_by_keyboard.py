"""Everything by keyboard alone; single letters only outside fields."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.cast import new_number

pytestmark = pytest.mark.journey


@pytest.fixture
def tab(company, dana):
    """Three conversations; Anna's, the second, waits for an answer."""
    company.thread(
        new_number(),
        "Cili",
        [{"body": "Ok", "minutes_ago": 9}, {"body": "Rendben", "minutes_ago": 8, "by": dana.id}],
        read_by=[dana],
    )
    company.thread(new_number(), "Anna", [{"body": "Mikor?", "minutes_ago": 5}])
    company.thread(
        new_number(),
        "Bea",
        [{"body": "Ok", "minutes_ago": 3}, {"body": "Rendben", "minutes_ago": 2, "by": dana.id}],
        read_by=[dana],
    )
    tab = dana.tab().is_live()
    expect(tab.rows).to_have_text([re.compile("Bea"), re.compile("Anna"), re.compile("Cili")])
    return tab


def test_a_whole_working_day_without_a_mouse(company, dana, tab):
    press = tab.page.keyboard.press
    press("j")
    expect(tab.row("Bea").locator("a.row")).to_be_focused()
    press("j")
    press("j")
    expect(tab.row("Cili").locator("a.row")).to_be_focused()
    press("k")
    press("Enter")
    expect(tab.page.locator("#head h2")).to_have_text("Anna")
    expect(tab.composer).to_be_focused()
    # In the field letters are letters.
    tab.page.keyboard.type("jkcne/?")
    expect(tab.composer).to_have_value("jkcne/?")
    press("Control+a")
    press("Backspace")
    press("Escape")
    expect(tab.composer).not_to_be_focused()
    press("r")
    expect(tab.composer).to_be_focused()
    tab.page.keyboard.type("Ma este.")
    press("Enter")
    expect(tab.tick("Ma este.")).to_have_attribute("aria-label", "Delivered")
    press("Escape")
    press("e")
    expect(tab.row("Anna")).to_have_count(0)
    press("/")
    expect(tab.page.get_by_role("searchbox")).to_be_focused()
    tab.page.keyboard.type("cili")
    expect(tab.rows).to_have_count(1)
    press("Escape")
    press("?")
    expect(tab.dialog).to_contain_text("next one waiting for a reply")
    press("Escape")
    expect(tab.dialog).to_be_hidden()
    press("c")
    expect(tab.dialog.get_by_label("Recipient", exact=True)).to_be_focused()
    press("Escape")
    expect(tab.dialog).to_be_hidden()


def test_next_waiting_assign_and_unread(company, dana, tab):
    press = tab.page.keyboard.press
    with tab.page.expect_response("**/read/"):
        press("n")
    expect(tab.page.locator("#head h2")).to_have_text("Anna")
    expect(tab.row("Anna").locator("[data-unread]")).to_be_empty()
    press("Escape")
    press("a")
    expect(tab.page.locator("#head .sheet")).to_be_visible()
    me = tab.page.locator("#head .sheet").get_by_role("button", name="Dana Kis (me)")
    expect(me).to_be_visible()
    expect(tab.page.locator("#head .sheet button").first).to_be_focused()
    press("Escape")
    expect(tab.page.locator("#head .sheet")).to_be_hidden()
    press("u")
    expect(tab.row("Anna").locator("[data-unread]")).to_have_text("1")
    expect(tab.page).to_have_title(re.compile(r"^\(1\)"))


def test_keys_of_the_browser_and_hungarian_letters_are_left_alone(tab):
    press = tab.page.keyboard.press
    press("Alt+c")
    press("Control+Alt+e")
    expect(tab.dialog).to_be_hidden()
    expect(tab.rows).to_have_count(3)


def test_tab_goes_through_list_thread_and_composer_in_order(tab):
    tab.open("Anna")
    tab.page.locator("[data-key=new]").focus()
    seen = []
    for _ in range(24):
        tab.page.keyboard.press("Tab")
        seen.append(
            tab.ask(
                "() => document.activeElement.closest('.inbox, #head, #thread, #composer, #person, .rail')?.className || document.activeElement.closest('[id]')?.id"
            )
        )
    order = [part for n, part in enumerate(seen) if n == 0 or seen[n - 1] != part]
    assert order[:2] == ["inbox", "head"], order
    assert [part for part in order if part in ("thread", "thread lively", "composer")][-1] == "composer", order
