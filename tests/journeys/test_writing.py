"""The composer: what is typed goes out once, is never lost, and its cost is told in time."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.cast import new_number

pytestmark = pytest.mark.journey


@pytest.fixture
def tab(company, dana, boti):
    company.thread(boti, "Kiss Boti")
    return dana.tab().is_live().open("Kiss Boti")


def test_shift_enter_breaks_the_line_and_enter_sends_both(company, tab):
    tab.composer.press_sequentially("Első")
    tab.composer.press("Shift+Enter")
    tab.composer.press_sequentially("Masodik")
    expect(tab.composer).to_have_value("Első\nMasodik")
    tab.composer.press("Enter")
    expect(tab.tick("Masodik")).to_have_attribute("aria-label", "Delivered")
    assert [text for _, text, _ in company.outgoing()] == ["Első\nMasodik"]
    assert tab.bubble("Masodik").locator(".bubble").evaluate("bubble => getComputedStyle(bubble).whiteSpace").startswith("pre")


def test_enter_that_ends_a_composition_does_not_send(company, tab):
    tab.composer.fill("にほん")
    tab.composer.evaluate(
        """area => {
            area.dispatchEvent(new CompositionEvent("compositionstart", { bubbles: true }));
            area.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true }));
            area.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", keyCode: 229, bubbles: true, cancelable: true }));
            area.dispatchEvent(new CompositionEvent("compositionend", { bubbles: true }));
        }"""
    )
    expect(tab.composer).to_have_value("にほん")
    expect(tab.bubble("にほん")).to_have_count(0)
    tab.composer.press("Enter")
    expect(tab.tick("にほん")).to_have_attribute("aria-label", "Delivered")
    assert len(company.outgoing()) == 1


def test_a_key_held_down_and_a_double_click_send_once(company, tab):
    tab.composer.fill("Egyszer")
    tab.page.keyboard.down("Enter")
    tab.page.keyboard.down("Enter")
    tab.page.keyboard.down("Enter")
    tab.page.keyboard.up("Enter")
    expect(tab.tick("Egyszer")).to_have_attribute("aria-label", "Delivered")
    tab.composer.fill("Kattintva")
    tab.page.get_by_role("button", name="Send", exact=True).dblclick()
    expect(tab.tick("Kattintva")).to_have_attribute("aria-label", "Delivered")
    assert [text for _, text, _ in company.outgoing()] == ["Egyszer", "Kattintva"]


def test_a_lost_answer_is_asked_for_again_and_makes_one_message(company, dana, tab):
    dana.may_hear("ERR_FAILED")
    lost = []

    def reach_the_server_and_lose_the_answer(route):
        if lost:
            return route.continue_()
        lost.append(route.fetch().status)
        return route.abort()

    tab.page.route("**/send/", reach_the_server_and_lose_the_answer)
    with tab.page.expect_response("**/send/"):
        tab.send("Pontosan egyszer")
    expect(tab.tick("Pontosan egyszer")).to_have_attribute("aria-label", "Delivered")
    expect(tab.bubble("Pontosan egyszer")).to_have_count(1)
    expect(tab.composer).to_have_value("")
    assert lost == [200]
    assert [text for _, text, _ in company.outgoing()] == ["Pontosan egyszer"]


def test_a_server_error_keeps_the_text_and_the_next_try_sends_it(company, dana, tab):
    dana.may_hear("status of 500")
    broken = [500]
    tab.page.route("**/send/", lambda route: route.fulfill(status=broken.pop()) if broken else route.continue_())
    tab.send("Megmarad")
    expect(tab.bubble("Megmarad")).to_have_count(1)
    expect(tab.tick("Megmarad")).to_have_attribute("aria-label", "Delivered")
    assert [text for _, text, _ in company.outgoing()] == ["Megmarad"]


def test_what_the_server_refuses_goes_back_into_the_composer(company, tab):
    text = "Árvíztűrő " * 80
    tab.send(text)
    expect(tab.page.locator("[data-problem]")).to_contain_text("10 at most. Your text is saved")
    expect(tab.composer).to_have_value(text.strip())
    expect(tab.bubble("Árvíztűrő")).to_have_count(0)
    assert company.outgoing() == []


COSTS = [
    ("a" * 119, ""),
    ("a" * 142, "142/160 · 1 SMS"),
    ("a" * 161, "161/306 · 2 SMS"),
    ("€" * 61, "122/160 · 1 SMS"),
    ("á" + "a" * 70 + "ő", "72/134 · 2 SMS · because of á, ő"),
    ("😀" * 35, "70/70 · 1 SMS · because of 😀"),
    ("a" * 1531, "1531/1683 · 11 SMS · too long: 10 SMS at most"),
]


def test_the_cost_is_told_when_it_begins_to_matter(tab):
    for text, said in COSTS:
        tab.composer.fill(text)
        expect(tab.page.locator("[data-cost]")).to_have_text(said)


def test_one_click_takes_the_accents_off_and_one_key_brings_them_back(company, tab):
    text = "Kedves Ügyfelünk! A megrendelt csomagját átadtuk a futárszolgálatnak, várhatóan holnap délelőtt érkezik, kérjük készítse elő az összeget."
    tab.composer.fill(text)
    expect(tab.page.locator("[data-cost]")).to_contain_text("3 SMS · because of á, ó, ő, í")
    saver = tab.page.get_by_role("button", name="Without accents: 1 SMS")
    saver.click()
    expect(tab.composer).to_have_value(re.compile("átadtuk".replace("á", "a")))
    expect(tab.composer).to_have_value(re.compile("Ügyfelünk"))
    expect(tab.page.locator("[data-cost]")).to_contain_text("1 SMS")
    expect(saver).to_be_hidden()
    tab.composer.press("Control+z")
    expect(tab.composer).to_have_value(text)


def test_a_draft_survives_reload_and_another_device_until_it_is_sent(company, dana, tab):
    with tab.page.expect_response("**/draft/"):
        tab.composer.press_sequentially("Félbehagyott")
    tab.page.reload()
    expect(tab.composer).to_have_value("Félbehagyott")
    laptop = dana.device().is_live()
    expect(laptop.row("Kiss Boti")).to_contain_text("Draft: Félbehagyott")
    laptop.open("Kiss Boti")
    expect(laptop.composer).to_have_value("Félbehagyott")
    laptop.composer.press("End")
    laptop.composer.press_sequentially(" mondat.")
    laptop.composer.press("Enter")
    expect(laptop.tick("Félbehagyott mondat.")).to_have_attribute("aria-label", "Delivered")
    laptop.page.reload()
    expect(laptop.composer).to_have_value("")
    expect(laptop.row("Kiss Boti").locator(".draft")).to_be_hidden()


def test_a_draft_begun_just_before_leaving_is_kept(tab):
    tab.composer.fill("Most indulok")
    tab.page.goto(tab.url + "/settings/")
    tab.page.goto(tab.url + "/")
    expect(tab.row("Kiss Boti")).to_contain_text("Draft: Most indulok")
    tab.open("Kiss Boti")
    expect(tab.composer).to_have_value("Most indulok")


def test_changing_the_conversation_keeps_each_draft_with_its_own(company, tab, dana):
    company.texts(new_number(), "Nagy Ilona vagyok")
    tab.composer.fill("Botinak írom")
    tab.open("Nagy Ilona vagyok")
    expect(tab.composer).to_have_value("")
    tab.composer.fill("Ilonának írom")
    expect(tab.row("Kiss Boti")).to_contain_text("Draft: Botinak írom")
    tab.open("Kiss Boti")
    expect(tab.composer).to_have_value("Botinak írom")
    tab.open("Ilonának írom")
    expect(tab.composer).to_have_value("Ilonának írom")
    assert company.outgoing() == []
