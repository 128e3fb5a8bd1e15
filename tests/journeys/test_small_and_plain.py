"""On a telephone, on a small laptop, and in a browser without scripts."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def is_too_wide(tab) -> bool:
    return tab.ask("() => document.documentElement.scrollWidth > innerWidth")


def test_on_a_telephone_the_list_is_a_screen_of_its_own(company, dana, boti):
    company.thread(
        boti, "Kiss Boti", ["Egy nagyonhosszúszóközöknélküliszövegamitőlnemszabadszétesnieaképernyőnekmertmindenbelefér" * 2]
    )
    tab = dana.device(**PHONE).is_live()
    expect(tab.rows.first).to_be_visible()
    assert not is_too_wide(tab)
    tab.row("Kiss Boti").locator("a.row").tap()
    expect(tab.composer).to_be_in_viewport()
    expect(tab.rows.first).to_be_hidden()
    assert not is_too_wide(tab)
    tab.page.locator("#head summary").tap()
    expect(tab.page.locator("#head .sheet").get_by_role("link", name="Edit contact")).to_be_visible()
    tab.page.locator("#head summary").tap()
    # On touch, Enter breaks the line.
    tab.composer.fill("Első sor")
    tab.composer.press("Enter")
    tab.composer.press_sequentially("Második sor")
    expect(tab.composer).to_have_value("Első sor\nMásodik sor")
    tab.page.get_by_role("button", name="Send", exact=True).tap()
    expect(tab.tick("Második sor")).to_have_attribute("aria-label", "Delivered")
    tab.page.get_by_role("link", name="Back to the list").tap()
    expect(tab.rows.first).to_be_visible()
    expect(tab.page.locator("#composer")).to_be_hidden()
    tab.row("Kiss Boti").locator("a.row").tap()
    expect(tab.composer).to_be_visible()
    tab.page.go_back()
    expect(tab.rows.first).to_be_visible()
    for path in ("/messages/", "/settings/", "/messages/new/"):
        tab.page.goto(tab.url + path)
        assert not is_too_wide(tab), path
    tab.page.goto(tab.url)
    dialog = tab.new_message()
    expect(dialog.get_by_role("button", name="Send")).to_be_in_viewport()
    assert not is_too_wide(tab)


def test_nothing_sticks_out_at_any_width(company, dana, boti):
    thread = company.thread(boti, "Nagyonhosszúnevű Ügyfél-Kovácsházi Magdolna Zsuzsanna", ["Szia!"])
    tab = dana.tab(f"/conversations/{thread['id']}/").is_live()
    for width in (1440, 1024, 700, 390, 320):
        tab.page.set_viewport_size({"width": width, "height": 700})
        expect(tab.composer).to_be_in_viewport()
        assert not is_too_wide(tab), width
        outside = tab.ask(
            """() => [...document.querySelectorAll("#head button, #head summary, #composer button")]
                .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.outerHTML)"""
        )
        assert outside == [], width


def test_without_scripts_one_can_log_in_read_answer_and_finish(company, bela, dana, boti):
    company.thread(boti, "Kiss Boti", ["Hol a csomagom?"])
    tab = dana.device("/login/", java_script_enabled=False)
    tab.page.context.clear_cookies()
    tab.page.goto(tab.url + "/login/")
    tab.page.get_by_label("User name").fill(dana.username)
    tab.page.get_by_label("Password").fill("tavaszi-szel-vizet")
    tab.page.locator("main").get_by_role("button").click()
    tab.row("Kiss Boti").get_by_role("link").click()
    expect(tab.bubble("Hol a csomagom?")).to_be_visible()
    tab.composer.fill("Holnap érkezik.")
    tab.page.get_by_role("button", name="Send", exact=True).click()
    expect(tab.bubble("Holnap érkezik.")).to_be_visible()
    expect(tab.composer).to_have_value("")
    tab.act("Take it")
    expect(tab.thread).to_contain_text("Dana Kis took it")
    tab.composer.fill("Raktáron van")
    tab.page.get_by_role("button", name="Save as an internal note").click()
    expect(tab.thread.locator(".note")).to_contain_text("Raktáron van")
    tab.act("Done")
    expect(tab.thread).to_contain_text("Dana Kis marked it done")
    tab.page.get_by_role("link", name="New message").first.click()
    tab.page.get_by_label("Recipient", exact=True).fill("12")
    tab.page.get_by_role("textbox", name="Message").fill("Új szöveg")
    tab.page.get_by_role("button", name="Send").click()
    expect(tab.page.get_by_role("alert")).to_contain_text("Write it like 36301234567")
    tab.page.get_by_label("Recipient", exact=True).fill(boti)
    tab.page.get_by_role("button", name="Send").click()
    expect(tab.bubble("Új szöveg")).to_be_visible()
    tab.page.get_by_role("link", name="Messages").first.click()
    expect(tab.page.get_by_role("row").filter(has_text="Új szöveg")).to_be_visible()
    tab.page.get_by_role("link", name="Settings").click()
    tab.page.get_by_role("button", name="Log out", exact=True).click()
    expect(tab.page.get_by_label("Password")).to_be_visible()
    assert [text for _, text, _ in company.outgoing()] == ["Holnap érkezik.", "Új szöveg"]


def test_without_scripts_a_double_click_sends_once(company, dana, boti):
    company.thread(boti, "Kiss Boti", ["Egy", "Kettő"])
    tab = dana.device(java_script_enabled=False)
    tab.row("Kiss Boti").get_by_role("link").click()
    tab.composer.fill("Nem megy kétszer")
    tab.page.get_by_role("button", name="Send", exact=True).dblclick()
    expect(tab.bubble("Nem megy kétszer")).to_have_count(1)
    expect(tab.composer).to_have_value("")
    assert len(company.outgoing()) == 1
