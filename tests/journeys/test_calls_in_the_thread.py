"""A call comes in: it appears in the thread and the lists of everybody, and changes there until it is over."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.test_for_everybody import violations

pytestmark = pytest.mark.journey


@pytest.fixture
def answered_thread(company, dana, boti):
    """Boti has been answered: nothing waits."""
    return company.thread(
        boti,
        "Kiss Boti",
        [{"body": "Hol a csomagom?", "minutes_ago": 90}, {"body": "Úton van.", "minutes_ago": 60, "by": dana.id}],
        read_by=[dana],
    )


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_a_call_is_seen_by_everybody_and_changes_in_its_place(colours, company, dana, bela, boti, answered_thread):
    hers = dana.device("/", color_scheme=colours).is_live()
    hers.open("Kiss Boti")
    his = bela.device("/call-logic/calls/", color_scheme=colours).is_live()
    expect(his.page.get_by_text("No calls yet")).to_be_visible()

    company.calls(boti, "missed", call="one", queue="Ügyfélszolgálat")

    entry = hers.page.locator(".event.call")
    expect(entry).to_contain_text("Missed call")
    expect(entry).to_contain_text("Ügyfélszolgálat")
    row = hers.row("Kiss Boti")
    expect(row.locator(".calling.missed")).to_have_text("Missed call")
    expect(row.locator(".clock")).to_be_visible()
    expect(row.locator(".badge")).to_be_hidden()
    told = his.page.locator("#call-rows tr")
    expect(told).to_contain_text("Missed call")
    expect(told).to_contain_text("Not followed up")
    assert violations(hers) == []
    assert violations(his) == []

    # What had been overtaken on its way.
    company.calls(boti, "answered", call="one", agent="Kata", duration=65)

    expect(entry).to_contain_text("Answered call")
    expect(entry).to_contain_text("answered by Kata")
    expect(entry).to_have_count(1)
    expect(row.locator(".calling")).to_have_text("Answered call")
    expect(row.locator(".clock")).to_be_hidden()
    expect(told).to_contain_text("Answered call")
    expect(told).to_have_count(1)

    entry.get_by_role("link", name="Details").click()
    expect(hers.dialog).to_contain_text("What happened")
    expect(hers.dialog).to_contain_text("1 m 5 s")
    assert violations(hers) == []


def test_whom_somebody_texts_back_leaves_those_not_followed_up(company, dana, bela, boti, answered_thread):
    his = bela.tab("/call-logic/calls/?view=open").is_live()
    company.calls(boti, "missed")
    expect(his.page.locator("#call-rows tr")).to_contain_text("Kiss Boti")

    hers = dana.tab().is_live()
    hers.open("Kiss Boti")
    hers.send("Miben segíthetünk?")

    expect(his.page.get_by_text("Everybody has been called back")).to_be_visible()
    his.page.get_by_role("link", name="All calls").first.click()
    expect(his.page.locator("#call-rows tr")).to_contain_text("Dana Kis followed it up")


def test_a_withheld_number_is_only_in_the_list_of_calls(company, dana):
    tab = dana.tab("/call-logic/calls/").is_live()
    company.calls("anonymous", "missed")
    expect(tab.page.locator("#call-rows tr")).to_contain_text("Withheld number")
    tab.page.locator("#call-rows .partner a").click()
    expect(tab.page.get_by_role("heading", name="Missed call")).to_be_visible()
    assert violations(tab) == []
