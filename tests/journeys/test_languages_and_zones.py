"""Hungarian and English by user, and every time in the viewer's own zone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.cast import new_number

pytestmark = pytest.mark.journey

# Words of the English screens that are no Hungarian ones.
ENGLISH = re.compile(
    r"\b(Chat|Messages?|Settings|Log (in|out)|New message|Search|All|Mine|Needs reply|Done|Reopen|Take it|With me|Hand over|Retry|Edit"
    r"|Delete|Send|Sent|Delivered|Not (sent|delivered)|Queued|Failed|Today|Yesterday|yesterday|Add to phone book|Details|Line|Country"
    r"|First message|Write an SMS|Enter sends|Discard|Recipient|From|Language|Password|Save|Keyboard|conversations?|You:|Draft"
    r"|took it|marked it|Direction|Time|Who|Status|Incoming|Outgoing|Received|Waiting|Show|Play|Try|Close|Cancel|Colleague"
    r"|the|and|with|your|this)\b"
)
TEXTS = """() => {
    const said = [document.title];
    for (const element of document.querySelectorAll("body *")) {
        if (element.closest("script, style, [lang=en], option")) continue;
        for (const name of ["aria-label", "title", "placeholder"]) if (element.hasAttribute(name)) said.push(element.getAttribute(name));
        for (const node of element.childNodes) if (node.nodeType === Node.TEXT_NODE && node.textContent.trim()) said.push(node.textContent.trim());
    }
    return [...new Set([...said, ...Object.values(document.getElementById("words")?.dataset ?? {})])];
}"""


def english_in(tab) -> list[str]:
    return [text for text in tab.ask(TEXTS) if ENGLISH.search(text)]


def test_a_hungarian_sees_hungarian_everywhere(found_company, boti):
    company = found_company(language="hu", people={"dana": "Kis Dóra", "bela": "Nagy Béla"})
    dora, bela = company.people["dana"], company.people["bela"]
    company.thread(
        boti, "Kiss Boti", [{"body": "Jó napot!", "minutes_ago": 2000}, {"body": "Köszönöm!", "minutes_ago": 4, "by": bela.id}]
    )
    tab = dora.tab().is_live()
    expect(tab.page.locator("html")).to_have_attribute("lang", "hu")
    company.stage.phone(number=boti, is_on=False)
    tab.open("Kiss Boti").send("Megjött?")
    expect(tab.bubble("Megjött?")).to_have_class(re.compile("failed"))
    tab.page.locator("#head").get_by_role("button").first.click()
    expect(tab.thread.locator(".event")).to_have_count(1)
    company.texts(boti, "Mi újság?")
    expect(tab.bubble("Mi újság?")).to_be_visible()
    tab.page.locator("#head summary").click()
    expect(tab.page.locator("#head .sheet form")).not_to_have_count(1)
    assert english_in(tab) == []
    tab.page.keyboard.press("Escape")
    company.texts(boti, "STOP")
    expect(tab.page.locator("#banner strong")).to_be_visible()
    assert english_in(tab) == []
    tab.page.locator("#segments").get_by_role("link").nth(1).click()
    tab.page.locator("[data-key=new]").first.click()
    tab.dialog.locator("#id_to").fill("12")
    tab.dialog.locator("#id_body").fill("x")
    tab.dialog.locator("button.primary").click()
    expect(tab.dialog.get_by_role("alert")).to_be_visible()
    assert english_in(tab) == []
    for path in ("/messages/", "/settings/", "/messages/new/"):
        tab.page.goto(tab.url + path)
        assert english_in(tab) == [], path
    stranger = dora.device(locale="hu-HU")
    stranger.page.context.clear_cookies()
    stranger.page.goto(tab.url + "/login/?next=/messages/")
    assert english_in(stranger) == []


def test_each_colleague_has_a_language_of_their_own_live_too(found_company, boti):
    company = found_company()
    hers, bela = company.people["dana"].tab().is_live(), company.people["bela"]
    settings = bela.tab("/settings/")
    settings.page.locator("select[name=language]").select_option("hu")
    settings.page.locator("form").filter(has=settings.page.locator("[name=language]")).get_by_role("button").click()
    expect(settings.page.locator("html")).to_have_attribute("lang", "hu")
    his = bela.tab().is_live()
    company.texts(boti, "Jó napot!")
    hers.open("Jó napot!")
    his.open("Jó napot!")
    hers.act("Take it")
    expect(hers.thread).to_contain_text("Dana Kis took it")
    expect(his.thread.locator(".event")).to_contain_text("Dana Kis")
    expect(his.thread.locator(".event")).not_to_contain_text("took it")


def test_before_logging_in_the_language_can_be_chosen(company, dana):
    tab = dana.tab("/settings/")
    tab.page.get_by_role("button", name="Log out", exact=True).click()
    tab.page.get_by_role("button", name="Magyar").click()
    expect(tab.page.locator("html")).to_have_attribute("lang", "hu")
    tab.page.get_by_role("button", name="English").click()
    expect(tab.page.get_by_label("User name")).to_be_visible()


def test_times_are_the_viewers_own(company, dana, bela):
    number = new_number()
    said = [{"body": "Tegnap vagy ma?", "minutes_ago": 60 * 24 + 7}, {"body": "Mindegy.", "minutes_ago": 3}]
    thread = company.thread(number, "Kiss Boti", said)
    budapest = dana.device(f"/conversations/{thread['id']}/", timezone_id="Europe/Budapest").is_live()
    new_york = bela.device(f"/conversations/{thread['id']}/", timezone_id="America/New_York").is_live()
    for tab in (budapest, new_york):
        # What the page shows is what this browser's own clock says.
        wrong = tab.ask(
            """() => [...document.querySelectorAll("time[data-format=clock]")].filter((time) => {
                const at = new Date(time.dateTime);
                return time.textContent !== `${at.getHours()}:${String(at.getMinutes()).padStart(2, "0")}`;
            }).length"""
        )
        assert wrong == 0
        days = tab.ask("() => [...document.querySelectorAll('#thread .day')].map((line) => [line.dataset.day, line.textContent])")
        keys = tab.ask(
            """() => [...new Set([...document.querySelectorAll("#thread .message")].map((one) => {
                const at = new Date(Number(one.dataset.at));
                return new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 10);
            }))]"""
        )
        assert [day for day, _ in days] == keys
    company.texts(number, "Most jött")
    for tab in (budapest, new_york):
        expect(tab.bubble("Most jött")).to_be_visible()
    clocks = [tab.bubble("Most jött").locator("time").inner_text().split(":") for tab in (budapest, new_york)]
    assert (int(clocks[0][0]) - int(clocks[1][0])) % 24 == 6
    assert clocks[0][1] == clocks[1][1]
