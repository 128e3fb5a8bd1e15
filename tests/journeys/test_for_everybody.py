"""axe finds nothing, light or dark, on any page."""

from __future__ import annotations

from importlib.resources import files

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
# What is still fading in has another contrast.
RUN = """async () => {
    await Promise.allSettled(document.getAnimations().map((one) => one.finished));
    return axe.run(document, { resultTypes: ["violations"] });
}"""


def violations(tab) -> list[str]:
    # What can be seen may still lack the last of its style sheets.
    tab.page.wait_for_load_state("load")
    # As evaluated text it runs under our strict CSP, which lets no foreign script in.
    tab.page.evaluate(AXE)
    found = tab.page.evaluate(RUN)["violations"]
    return [
        f"{each['id']}: {node['html'][:200]} ({node['any'][:1] and node['any'][0]['message']})"
        for each in found
        for node in each["nodes"]
    ]


@pytest.fixture(params=["light", "dark"])
def tab(request, company, dana, bela, boti):
    company.thread(
        boti,
        "Kiss Boti",
        [{"body": "Hol a csomagom? https://example.hu/1", "minutes_ago": 3000}, {"body": "Úton.", "minutes_ago": 9, "by": dana.id}],
        read_by=[dana],
    )
    company.stage.phone(number=boti, is_on=False)
    tab = dana.device(color_scheme=request.param).is_live()
    if request.param == "dark":
        assert tab.ask(
            "() => getComputedStyle(document.body).colorScheme || getComputedStyle(document.documentElement).colorScheme"
        )
    return tab


def test_axe_finds_nothing_in_the_chat(company, tab, bela, boti):
    tab.open("Kiss Boti").send("Megjött?")
    expect(tab.bubble("Megjött?").locator(".trouble")).to_be_visible()
    tab.note("@Béla, raktáron van")
    expect(tab.thread.locator(".note")).to_be_visible()
    tab.act("Take it")
    expect(tab.thread.locator(".event")).to_be_visible()
    tab.composer.fill("á" * 72)
    expect(tab.page.locator("[data-saver]")).to_be_visible()
    bela.tab().is_live().open("Kiss Boti")
    expect(tab.page.locator("[data-presence] [role=img]")).to_be_visible()
    assert violations(tab) == []
    tab.page.locator("#head summary").click()
    expect(tab.page.locator("#head .sheet").get_by_role("button", name="Nobody")).to_be_visible()
    assert violations(tab) == []
    tab.page.keyboard.press("Escape")
    company.texts(boti, "STOP")
    expect(tab.page.locator("#banner strong")).to_be_visible()
    assert violations(tab) == []


def test_axe_finds_nothing_in_list_and_dialogs(company, tab, boti):
    company.texts(boti, "Új üzenet")
    expect(tab.rows.first.locator("[data-unread]")).to_have_text("1")
    assert violations(tab) == []
    tab.new_message().get_by_label("Recipient", exact=True).press_sequentially("Boti")
    expect(tab.dialog.get_by_role("option")).to_be_visible()
    assert violations(tab) == []
    tab.page.keyboard.press("Escape")
    tab.dialog.get_by_label("Recipient", exact=True).fill("12")
    tab.dialog.get_by_role("textbox", name="Message").fill("x")
    tab.dialog.get_by_role("button", name="Send").click()
    expect(tab.dialog.get_by_role("alert")).to_be_visible()
    assert violations(tab) == []


def test_axe_finds_nothing_on_the_other_pages(tab):
    for path in ("/messages/", "/settings/", "/messages/new/"):
        tab.page.goto(tab.url + path)
        assert violations(tab) == [], path


def test_axe_finds_nothing_at_the_log_in(tab, dana):
    dana.may_hear("status of 4")
    tab.page.context.clear_cookies()
    tab.page.goto(tab.url + "/login/")
    assert violations(tab) == []
    tab.page.get_by_label("User name").fill("nobody")
    tab.page.get_by_label("Password").fill("wrong-password")
    tab.page.locator("main").get_by_role("button").click()
    expect(tab.page.get_by_role("alert")).to_be_visible()
    assert violations(tab) == []
