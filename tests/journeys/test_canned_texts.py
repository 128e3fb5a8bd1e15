"""Canned texts: written once on the settings page, brought out in a conversation by / or #."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey


@pytest.fixture
def tab(company, dana, boti):
    company.thread(boti, "Kiss Boti")
    page = dana.tab("/settings/").page
    for title, body in (("Thanks", "Thank you, {name}!"), ("Átvétel", "Hétköznap 9 és 18 óra között.")):
        page.get_by_text("New canned text").click()
        text = page.locator(".canned-text").last
        text.get_by_label("Title").fill(title)
        text.get_by_label("Text").fill(body)
        text.get_by_role("button", name="Save").click()
        expect(page.locator(".canned-text").filter(has_text=body)).to_be_visible()
    page.close()
    return dana.tab().is_live().open("Kiss Boti")


def picker(tab):
    return tab.page.locator("[data-canned]")


def test_a_slash_in_an_empty_answer_brings_them_out_and_enter_writes_one(company, tab):
    tab.composer.press_sequentially("/")
    expect(picker(tab).get_by_role("option")).to_have_count(2)
    tab.page.keyboard.type("thank")
    expect(picker(tab).get_by_role("option")).to_have_count(1)
    tab.page.keyboard.press("Enter")
    expect(tab.composer).to_have_value("Thank you, Kiss Boti!")
    expect(tab.composer).to_be_focused()
    expect(picker(tab)).to_be_hidden()
    tab.page.keyboard.press("Control+z")
    expect(tab.composer).to_have_value("")
    assert company.outgoing() == []


def test_the_arrows_choose_and_what_is_chosen_is_sent_only_by_enter_in_the_answer(company, tab):
    tab.composer.press_sequentially("/")
    expect(picker(tab).get_by_role("option", selected=True)).to_contain_text("Átvétel")
    tab.page.keyboard.press("ArrowDown")
    expect(picker(tab).get_by_role("option", selected=True)).to_contain_text("Thanks")
    tab.page.keyboard.press("Enter")
    expect(tab.composer).to_have_value("Thank you, Kiss Boti!")
    tab.page.keyboard.press("Enter")
    expect(tab.tick("Thank you, Kiss Boti!")).to_have_attribute("aria-label", "Delivered")
    assert [text for _, text, _ in company.outgoing()] == ["Thank you, Kiss Boti!"]


def test_the_button_adds_one_to_what_is_written(tab):
    tab.composer.fill("Szia!")
    tab.page.get_by_role("button", name="Canned texts").click()
    picker(tab).get_by_role("option").filter(has_text="Átvétel").click()
    expect(tab.composer).to_have_value("Szia! Hétköznap 9 és 18 óra között.")
    expect(tab.page.locator("[data-cost]")).to_contain_text("because of")


def test_escape_goes_back_to_the_answer_and_a_second_slash_is_just_a_slash(tab):
    tab.composer.press_sequentially("/")
    expect(picker(tab)).to_be_visible()
    tab.page.keyboard.press("Escape")
    expect(picker(tab)).to_be_hidden()
    expect(tab.composer).to_be_focused()
    tab.page.keyboard.type("//h")
    expect(tab.composer).to_have_value("/h")
    tab.composer.fill("1")
    tab.composer.press_sequentially("/2")
    expect(tab.composer).to_have_value("1/2")


def test_titles_are_found_without_their_accents_and_nothing_found_says_so(tab):
    tab.page.get_by_role("button", name="Canned texts").click()
    expect(picker(tab).get_by_role("option")).to_have_count(2)
    tab.page.keyboard.type("atvet")
    expect(picker(tab).get_by_role("option")).to_have_text(["ÁtvételHétköznap 9 és 18 óra között."])
    tab.page.keyboard.type("x")
    expect(picker(tab)).to_contain_text("No such canned text")
    tab.page.keyboard.press("Enter")
    expect(tab.composer).to_have_value("")


def test_a_broken_connection_is_told_and_the_answer_stays(dana, tab):
    dana.may_hear("ERR_FAILED")
    tab.page.route("**/canned/", lambda route: route.abort())
    tab.composer.fill("Megmarad")
    tab.page.get_by_role("button", name="Canned texts").click()
    expect(tab.page.locator(".toast.bad")).to_contain_text("No answer from the server")
    expect(tab.composer).to_have_value("Megmarad")
    expect(tab.composer).to_be_focused()
