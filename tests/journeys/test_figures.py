"""Figures in a real browser: the numbers, the charts, the keyboard, small and dark, and for a screen reader."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.cast import new_number
from tests.journeys.test_for_everybody import violations

pytestmark = pytest.mark.journey


@pytest.fixture
def sam(found_company):
    """A supervisor; today Anna was answered after ten minutes, Bea waits since an hour."""
    company = found_company(people={"sam": "Sam Nagy", "dana": "Dana Kis"})
    sam, dana = company.people["sam"], company.people["dana"]
    company.stage.promote(user=sam.id)
    company.thread(
        new_number(),
        "Anna",
        [{"body": "Mikor?", "minutes_ago": 30}, {"body": "Ma este.", "minutes_ago": 20, "by": dana.id}],
    )
    company.thread(new_number(), "Bea", [{"body": "Hol?", "minutes_ago": 60}])
    return sam


def open_every_table(tab) -> None:
    for summary in tab.page.locator(".numbers > summary").all():
        if summary.locator("xpath=..").get_attribute("open") is None:
            summary.click()


def cell_sum(rows, column: int) -> int:
    return sum(int(text) for text in rows.locator(f"td:nth-child({column})").all_text_contents())


def test_the_numbers_of_the_page_are_the_messages_there_are(sam):
    tab = sam.tab("/")
    tab.page.get_by_role("link", name="Figures").click()
    expect(tab.page.get_by_role("heading", name="Figures", level=1)).to_be_visible()
    expect(tab.page.get_by_text("Figures of the last 30 days")).to_be_visible()
    tiles = tab.page.locator(".tiles dd.num")
    expect(tiles).to_have_text(["2", "1", "10 min", "100%", "1"])
    chart = tab.page.get_by_role("img", name="Messages per day")
    expect(chart).to_be_visible()
    card = tab.page.locator("section", has=chart)
    card.get_by_text("The numbers in a table").click()
    rows = card.locator("tbody tr")
    expect(rows).to_have_count(30)
    assert (cell_sum(rows, 2), cell_sum(rows, 3)) == (2, 1)
    expect(tab.page.get_by_role("table", name="By colleague").locator("tbody tr")).to_have_text("Dana Kis101110 min")
    waits = tab.page.get_by_role("link", name="Bea")
    expect(waits).to_contain_text("1 h")
    waits.click()
    expect(tab.page.locator("#head h2")).to_have_text("Bea")


def test_the_filter_changes_the_figures_and_the_file_has_the_same(sam):
    tab = sam.tab("/figures/")
    tab.page.get_by_label("Direction").select_option(label="Incoming")
    tab.page.get_by_role("button", name="Save").click()
    expect(tab.page.locator(".tiles dd.num").nth(1)).to_have_text("0")
    expect(tab.page.locator(".tiles dd.num").first).to_have_text("2")
    expect(tab.page.get_by_text("No outgoing message in this period.").first).to_be_visible()
    with tab.page.expect_download() as download:
        tab.page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename.endswith(".xlsx")
    tab.page.get_by_role("link", name="Remove: direction: Incoming").click()
    expect(tab.page.locator(".tiles dd.num").nth(1)).to_have_text("1")


def test_all_of_it_is_reached_by_the_keyboard(sam):
    tab = sam.tab("/figures/")
    summary = tab.page.locator("section", has=tab.page.get_by_role("img", name="Busiest hours")).locator("summary")
    summary.focus()
    tab.page.keyboard.press("Enter")
    expect(tab.page.get_by_role("table", name="Busiest hours").get_by_role("rowheader")).to_have_count(7)
    # Its 24 columns scroll in a place of their own, which the keyboard gets into.
    tab.page.keyboard.press("Tab")
    expect(tab.page.get_by_role("region", name="Busiest hours: the numbers")).to_be_focused()


def test_on_a_telephone_the_page_is_no_wider_than_the_screen(sam):
    tab = sam.device("/figures/", viewport={"width": 390, "height": 844})
    open_every_table(tab)
    assert tab.ask("() => document.documentElement.scrollWidth <= innerWidth")
    assert tab.ask("() => document.querySelector('.figures').scrollWidth <= innerWidth")
    outside = "(box) => box.right > innerWidth + 1 || box.left < -1"
    assert not tab.ask(
        f"() => [...document.querySelectorAll('.card')].map((one) => one.getBoundingClientRect()).filter({outside}).length"
    )


def test_without_scripts_it_is_the_same_page(sam):
    tab = sam.device("/figures/", java_script_enabled=False)
    expect(tab.page.locator(".tiles dd.num").first).to_have_text("2")
    tab.page.get_by_role("link", name="7 days").click()
    expect(tab.page.locator(".tiles dd.num").first).to_have_text("2")
    expect(tab.page.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "true")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(sam, scheme):
    tab = sam.device("/figures/", color_scheme=scheme)
    open_every_table(tab)
    assert violations(tab) == []
    tab.page.goto(tab.url + "/figures/?from=2001-01-01&to=2001-01-02")
    assert violations(tab) == []
    tab.page.goto(tab.url + "/figures/?from=soon")
    assert violations(tab) == []
