"""A customer texts STOP: the composer gives way to the reason, in every open browser, until START."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey


def test_stop_takes_the_composer_away_live_and_start_brings_it_back(company, dana, bela, boti):
    company.thread(boti, "Kiss Boti", read_by=[dana, bela])
    tabs = dana.tab().is_live().open("Kiss Boti"), bela.tab().is_live().open("Kiss Boti")
    tabs[0].composer.fill("Akciónk van")
    company.texts(boti, "Stop!")
    for tab in tabs:
        expect(tab.page.locator("#banner")).to_contain_text("This number asked for no more messages")
        expect(tab.page.locator("#banner")).to_contain_text("“Stop!”")
        expect(tab.composer).to_be_hidden()
        expect(tab.thread).to_contain_text("Asked for no more messages")
        expect(tab.row("Kiss Boti").locator(".clock")).to_have_count(0)
    company.texts(boti, "START")
    for tab in tabs:
        expect(tab.composer).to_be_visible()
        expect(tab.page.locator("#banner")).to_be_empty()
        expect(tab.thread).to_contain_text("Asked for messages again")
    expect(tabs[0].composer).to_have_value("Akciónk van")
    tabs[0].page.bring_to_front()
    tabs[0].composer.press("Enter")
    # The customer wrote meanwhile: looked at, and sent.
    tabs[0].page.get_by_role("button", name="Still send").click()
    expect(tabs[1].tick("Akciónk van")).to_have_attribute("aria-label", "Delivered")


def test_a_text_sent_in_the_same_moment_as_stop_is_refused_and_kept(company, dana, boti):
    company.thread(boti, "Kiss Boti")
    tab = dana.tab().is_live().open("Kiss Boti")
    held = []
    tab.page.route("**/send/", lambda route: held.append(route))
    with tab.page.expect_request("**/send/"):
        tab.send("Keresztbe írtunk")
    company.texts(boti, "LEÁLL")
    company.texts(boti, "STOP")
    expect(tab.page.locator("#banner")).to_contain_text("This number asked for no more messages")
    held[0].continue_()
    expect(tab.bubble("Keresztbe írtunk")).to_have_count(0)
    company.texts(boti, "START")
    expect(tab.composer).to_have_value("Keresztbe írtunk")
    assert company.outgoing() == []
