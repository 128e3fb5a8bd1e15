"""An administrator invites somebody, who joins, is given a line, writes, and is let go."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import expect

from tests.journeys.cast import listen
from tests.journeys.screen import Chat
from tests.journeys.test_for_everybody import violations

pytestmark = pytest.mark.journey

PHONE = {"viewport": {"width": 390, "height": 844}}
DESK = {"viewport": {"width": 1440, "height": 900}}
NEW_PASSWORD = "harom-piros-alma"


@pytest.fixture
def ada(company, dana):
    company.stage.administrate(user=dana.id)
    return dana


def test_whoever_is_invited_chooses_a_password_and_sees_the_chat(company, ada, boti, mailbox, browser):
    company.texts(boti, "Hol a csomagom?")
    address = f"zoli-{uuid.uuid4().hex[:8]}@kontakt.example"
    page = ada.tab("/company/people/").is_live().page
    page.get_by_role("link", name="Invite", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("E-mail").fill("not an address")
    dialog.get_by_label("Name").fill("Kovács Zoltán")
    dialog.get_by_label("Support").select_option("May read and send")
    dialog.get_by_role("button", name="Send the invitation").click()
    expect(dialog.locator(".errorlist")).to_be_visible()
    assert violations(Chat(page, ada.url)) == []
    dialog.get_by_label("E-mail").fill(address)
    dialog.get_by_label("Language").select_option("English")
    dialog.get_by_role("button", name="Send the invitation").click()
    expect(page.locator("#people").get_by_text("Invited")).to_be_visible()

    letter = mailbox.letter_to(address)
    assert letter["Subject"] == "Kontakt Kft. invites you to its SMS messenger"
    link = re.search(r"http\S+/join/\S+", letter.get_content()).group()
    context = browser.new_context(locale="en-GB", **PHONE)
    his = context.new_page()
    listen(his, ada.problems, lambda: ada.expected)
    his.goto(link)
    assert violations(Chat(his, ada.url)) == []
    his.get_by_label("Password", exact=False).first.fill("rovid")
    his.get_by_label("Password once more").fill("rovid")
    his.get_by_role("button", name="Join").click()
    expect(his.locator(".errorlist")).to_be_visible()
    his.get_by_label("Password", exact=False).first.fill(NEW_PASSWORD)
    his.get_by_label("Password once more").fill(NEW_PASSWORD)
    his.get_by_role("button", name="Join").click()
    expect(his.locator("#rows")).to_contain_text("Hol a csomagom?")
    Chat(his, ada.url).is_live()

    # Let go: his open screen ends at once, and leads to the log-in.
    page.reload()
    page.get_by_role("link", name="Kovács Zoltán").click()
    expect(page.get_by_role("heading", name="Kovács Zoltán", level=1)).to_be_visible()
    Chat(page, ada.url).is_live()
    page.get_by_role("link", name="Deactivate").click()
    page.get_by_role("dialog").get_by_role("button", name="Deactivate").click()
    expect(page.locator("#people").get_by_text("Deactivated")).to_be_visible()
    expect(his.get_by_label("User name")).to_be_visible()
    context.close()


@pytest.mark.parametrize("options", [DESK, PHONE, DESK | {"color_scheme": "dark"}], ids=["desk", "phone", "dark"])
def test_axe_finds_nothing_on_the_companys_pages(ada, bela, options):
    tab = ada.device("/company/", **options)
    addresses = ["/company/", "/company/people/", f"/company/people/{bela.id}/", "/company/teams/", "/company/people/invite/"]
    for address in addresses:
        tab.page.goto(tab.url + address)
        assert violations(tab) == [], address
        assert not tab.ask("() => document.documentElement.scrollWidth > innerWidth"), address


def test_on_a_telephone_the_seldom_places_fold_away(ada):
    page = ada.device("/company/", **PHONE).page
    rail = page.get_by_role("navigation", name="Main menu")
    expect(rail.get_by_role("link", name="Settings")).to_be_hidden()
    rail.locator("summary").click()
    rail.get_by_role("link", name="Settings").click()
    expect(page.get_by_role("heading", name="Settings", level=1)).to_be_visible()


def test_a_company_that_saves_accents_says_so_where_one_writes(company, ada, boti):
    company.texts(boti, "Mikor nyitnak?")
    settings = ada.tab("/company/").is_live().page
    settings.get_by_label("Send texts without accents").check()
    settings.locator("main form").first.get_by_role("button", name="Save").click()
    expect(settings.get_by_label("Send texts without accents")).to_be_checked()
    tab = ada.tab().is_live().open("Mikor nyitnak?")
    accents = tab.page.locator("#composer [data-accents]")
    expect(accents).to_be_hidden()
    tab.composer.fill("Jó napot, nyolckor!")
    expect(accents).to_be_visible()
    assert violations(tab) == []
    tab.composer.press("Enter")
    expect(tab.bubble("Jo napot, nyolckor!")).to_be_visible()
    tab.composer.fill("Jó utat!")
    accents.get_by_label("Keep the accents").check()
    tab.composer.press("Enter")
    expect(tab.bubble("Jó utat!")).to_be_visible()
    tab.composer.fill("Jó étvágyat!")
    expect(accents.get_by_role("checkbox")).not_to_be_checked()
