"""Messages, the filter: fields, chips, the search box, filters under a name; on a telephone and without scripts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.test_for_everybody import violations
from tests.journeys.test_in_hungarian import TOO_WIDE

pytestmark = pytest.mark.journey

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
OTHER = "+36205550001"


@pytest.fixture
def company(found_company, boti):
    company = found_company(language="hu")
    company.thread(
        boti,
        "Kiss Boti",
        [
            {"body": "Kérem a számlát!", "minutes_ago": 30},
            {"body": "Elküldtük.", "minutes_ago": 20, "by": company.people["dana"].id},
        ],
    )
    company.thread(OTHER, "Nagy Anna", [{"body": "Van még kabát?", "minutes_ago": 10}])
    company.stage.promote(user=company.people["bela"].id)
    return company


class Page:
    """The page Messages in one tab."""

    def __init__(self, tab) -> None:
        self.tab, self.page = tab, tab.page
        self.rows = tab.page.locator("#history-rows > tr[id]")
        self.chips = tab.page.get_by_role("list", name="Beállított szűrők").get_by_role("link")
        self.search = tab.page.get_by_role("searchbox", name="Keresés az üzenetekben")
        self.panel = tab.page.get_by_role("region", name="Szűrő")
        self.count = tab.page.locator("#count")

    def field(self, label: str):
        return self.panel.get_by_label(label, exact=True)

    def save(self) -> None:
        self.panel.get_by_role("button", name="Mentés", exact=True).click()

    def shows(self, *texts: str) -> None:
        expect(self.rows).to_have_count(len(texts))
        for row, text in zip(self.rows.all(), texts, strict=True):
            expect(row).to_contain_text(text)

    def is_at(self, query: str) -> None:
        expect(self.page).to_have_url(re.compile(rf"/messages/{re.escape(query)}$"))


@pytest.fixture
def page(dana) -> Page:
    return Page(dana.tab("/messages/").is_live())


def test_the_panel_says_what_the_manual_says_and_filters(page, boti):
    for label in ("Dátum-tól", "Dátum-ig", "Telefonszám", "Irány", "Állapot"):
        expect(page.field(label)).to_be_visible()
    assert page.field("Irány").locator("option").all_inner_texts() == ["Mindkettő", "Bejövő", "Kimenő"]
    expect(page.panel.get_by_role("link", name="Szűrők törlése")).to_be_visible()
    page.shows("Van még kabát?", "Elküldtük.", "Kérem a számlát!")
    expect(page.count).to_have_text("3 üzenet")
    page.field("Telefonszám").fill("06 " + boti[3:9])
    page.field("Irány").select_option(label="Bejövő")
    page.save()
    page.shows("Kérem a számlát!")
    page.is_at(f"?number=06+{boti[3:9]}&direction=in")
    expect(page.chips).to_have_text([f"szám: 06 {boti[3:9]}", "irány: Bejövő"])
    expect(page.count).to_have_text("1 üzenet")
    # The button that was pressed still has the focus.
    assert page.tab.ask("() => document.activeElement.textContent") == "Mentés"
    page.chips.nth(1).click()
    page.shows("Elküldtük.", "Kérem a számlát!")
    expect(page.field("Irány")).to_have_value("")
    expect(page.chips.nth(0)).to_be_focused()
    page.chips.nth(0).press("Enter")
    page.shows("Van még kabát?", "Elküldtük.", "Kérem a számlát!")
    page.is_at("")


def test_back_and_forward_and_a_copied_address_show_the_same(page, dana):
    page.field("Irány").select_option(label="Kimenő")
    page.save()
    page.shows("Elküldtük.")
    page.panel.get_by_role("link", name="Utolsó 30 nap").click()
    expect(page.chips).to_have_count(2)
    copied = page.page.url
    page.panel.get_by_role("link", name="Szűrők törlése").click()
    page.shows("Van még kabát?", "Elküldtük.", "Kérem a számlát!")
    page.page.go_back()
    expect(page.chips).to_have_count(2)
    page.page.go_back()
    expect(page.chips).to_have_text(["irány: Kimenő"])
    expect(page.field("Irány")).to_have_value("out")
    expect(page.field("Dátum-tól")).to_have_value("")
    page.page.go_forward()
    expect(page.chips).to_have_count(2)
    other = Page(dana.device(copied.removeprefix(dana.url)))
    other.shows("Elküldtük.")
    expect(other.field("Irány")).to_have_value("out")


def test_the_search_box_finds_while_one_types_and_marks_what_it_found(page):
    page.page.locator("body").press("/")
    expect(page.search).to_be_focused()
    page.search.press_sequentially("szaml")
    page.shows("Kérem a számlát!")
    expect(page.rows.locator("mark").first).to_contain_text("számlá")
    page.is_at("?q=szaml")
    # Another condition keeps it, and it stays with whoever types.
    page.field("Irány").select_option(label="Kimenő")
    page.save()
    expect(page.page.get_by_text("Nincs találat")).to_be_visible()
    page.is_at("?direction=out&q=szaml")
    page.search.focus()
    page.search.press("Escape")
    page.shows("Elküldtük.")
    expect(page.search).to_have_value("")
    expect(page.search).to_be_focused()
    page.is_at("?direction=out")
    page.search.fill("Kiss")
    page.search.press("Enter")
    page.shows("Elküldtük.")
    expect(page.chips).to_have_text(["irány: Kimenő", "szöveg: Kiss"])


def test_a_search_that_comes_late_takes_nothing_away_that_was_written_meanwhile(page):
    held = []
    page.page.route("**/messages/?*q=sz*", lambda route: held.append(route))
    with page.page.expect_request("**/messages/?*q=szamla*"):
        page.search.fill("szamla")
    page.field("Telefonszám").fill("3630")
    for route in held:
        route.continue_()
    page.shows("Kérem a számlát!")
    expect(page.field("Telefonszám")).to_have_value("3630")
    expect(page.field("Telefonszám")).to_be_focused()
    expect(page.search).to_have_value("szamla")


def test_a_mistake_is_said_at_its_field_and_nothing_that_was_typed_is_lost(page):
    page.field("Dátum-tól").fill("2026-11-22")
    page.field("Dátum-ig").fill("2026-11-01")
    page.field("Telefonszám").fill("3630")
    page.field("Telefonszám").press("Enter")
    expect(page.panel.get_by_text("A vége korábbi, mint az eleje.")).to_be_visible()
    expect(page.field("Dátum-ig")).to_be_focused()
    expect(page.field("Dátum-ig")).to_have_value("2026-11-01")
    expect(page.field("Telefonszám")).to_have_value("3630")
    expect(page.rows).to_have_count(0)
    page.field("Dátum-ig").fill("2099-11-30")
    page.save()
    expect(page.field("Dátum-ig")).to_have_value("2099-11-30 23:59")
    expect(page.field("Dátum-ig")).not_to_have_attribute("aria-invalid", "true")


def test_the_calendar_writes_into_the_field(page):
    page.panel.get_by_role("button", name="Naptár: Dátum-tól").click()
    page.tab.ask(
        """() => {
            const calendar = document.querySelector("#filter-from ~ input[type=datetime-local]");
            calendar.value = "2026-11-01T08:30";
            calendar.dispatchEvent(new Event("input", { bubbles: true }));
        }"""
    )
    expect(page.field("Dátum-tól")).to_have_value("2026-11-01 08:30")


@pytest.mark.parametrize("device", [{"viewport": {"width": 1440, "height": 900}}, PHONE], ids=["desk", "telephone"])
def test_the_calendar_lies_under_its_field_where_it_opens(company, dana, device):
    page = Page(dana.device("/messages/", locale="hu-HU", **device).is_live())
    if device is PHONE:
        page.panel.get_by_role("button", name="Szűrő").tap()
    for name, label in {"from": "Dátum-tól", "to": "Dátum-ig"}.items():
        page.panel.get_by_role("button", name=f"Naptár: {label}").click()
        calendar = page.page.locator(f"#filter-{name} ~ input[type=datetime-local]")
        assert calendar.bounding_box() == page.field(label).bounding_box()
        page.page.keyboard.press("Escape")
        if device is PHONE and page.field(label).is_hidden():
            page.panel.get_by_role("button", name="Szűrő").tap()


def test_a_period_takes_along_what_was_typed(page):
    page.field("Irány").select_option(label="Kimenő")
    page.field("Telefonszám").fill("3630")
    page.panel.get_by_role("link", name="Utolsó 30 nap").click()
    expect(page.chips).to_have_count(3)
    expect(page.field("Irány")).to_have_value("out")
    expect(page.field("Telefonszám")).to_have_value("3630")
    page.shows("Elküldtük.")
    expect(page.panel.get_by_role("link", name="Utolsó 30 nap")).to_have_attribute("aria-current", "true")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "none"])
def test_what_cant_be_kept_is_said_at_its_field_and_nothing_typed_is_lost(company, bela, scripts):
    page = Page(bela.device("/messages/", locale="hu-HU", java_script_enabled=scripts))
    menu, keep = page.panel.locator(".split summary"), page.panel.get_by_role("button", name="Megőrzés", exact=True)
    name = page.panel.get_by_role("textbox", name="Megőrzés néven…")

    def keeps() -> None:
        if scripts:
            # Each refusal is a page of its own, whose scripts come a moment after it can be seen.
            page.tab.is_live()
        keep.click()

    page.field("Dátum-tól").fill("valamikor")
    page.field("Telefonszám").fill("3630")
    page.search.evaluate("field => { field.value = 'szamla' }")
    menu.click()
    name.fill("Számlák")
    keeps()
    expect(page.panel.get_by_text("Írja így: 2026-11-01 08:30.")).to_be_visible()
    expect(page.field("Dátum-tól")).to_be_focused()
    expect(page.field("Dátum-tól")).to_have_value("valamikor")
    expect(page.field("Telefonszám")).to_have_value("3630")
    expect(page.search).to_have_value("szamla")
    page.field("Dátum-tól").fill("")
    expect(name).to_have_value("Számlák")
    name.fill("")
    keeps()
    expect(page.panel.get_by_text("A szűrőnek név kell, legfeljebb 60 karakter.")).to_be_visible()
    expect(name).to_be_focused()
    name.fill("Számlák")
    keeps()
    expect(page.page.get_by_text("Megőrizve „Számlák” néven.")).to_be_visible()
    page.shows("Kérem a számlát!")
    page.is_at("?number=3630&q=szamla")


def test_return_in_the_field_of_the_name_keeps(page):
    page.field("Irány").select_option(label="Kimenő")
    page.panel.locator(".split summary").click()
    expect(page.page.locator("#keep-name")).to_be_focused()
    page.page.keyboard.insert_text("Amit írtunk")
    page.page.keyboard.press("Enter")
    expect(page.page.get_by_text("Megőrizve „Amit írtunk” néven.")).to_be_visible()
    page.is_at("?direction=out")


def test_a_partner_is_found_by_the_beginning_of_the_name(page):
    page.panel.get_by_text("Több szűrő").click()
    page.field("Partner").fill("nagy")
    page.field("Partner").press("Enter")
    page.shows("Van még kabát?")
    expect(page.chips).to_have_text(["partner neve: nagy"])


def test_the_figures_have_the_same_saved_filters_and_periods_keep_what_is_typed(company, bela):
    page = Page(bela.device("/figures/", locale="hu-HU"))
    page.field("Irány").select_option(label="Bejövő")
    page.panel.get_by_role("link", name="7 nap").click()
    expect(page.chips).to_have_count(2)
    page.panel.locator(".split summary").click()
    page.panel.get_by_role("textbox", name="Megőrzés néven…").fill("Bejövők")
    page.panel.get_by_role("button", name="Megőrzés", exact=True).click()
    expect(page.page.get_by_text("Megőrizve „Bejövők” néven.")).to_be_visible()
    page.panel.get_by_role("link", name="Szűrők törlése").click()
    expect(page.chips).to_have_count(0)
    page.panel.get_by_text("Mentett szűrők").click()
    page.panel.get_by_role("link", name="Bejövők", exact=True).click()
    expect(page.chips).to_have_count(2)


def test_the_first_tab_leads_past_the_menu(page):
    page.page.keyboard.press("Tab")
    skip = page.page.get_by_role("link", name="Ugrás a tartalomhoz")
    expect(skip).to_be_focused()
    skip.press("Enter")
    page.page.keyboard.press("Tab")
    expect(page.page.get_by_role("main").get_by_role("link", name="Súgó")).to_be_focused()


def test_more_filters_unfold_and_one_of_them_is_counted(page):
    page.panel.get_by_text("Több szűrő").click()
    page.field("Munkatárs").select_option(label="Dana Kis")
    page.save()
    page.shows("Elküldtük.")
    expect(page.chips).to_have_text(["munkatárs: Dana Kis"])
    expect(page.panel.locator("summary", has_text="Több szűrő").locator(".badge")).to_have_text("1")
    page.panel.get_by_text("Több szűrő").click()
    page.field("Sorrend").select_option(label="Legrégebbi elöl")
    page.field("Munkatárs").select_option(label="Bármely")
    page.save()
    page.shows("Kérem a számlát!", "Elküldtük.", "Van még kabát?")


def test_a_filter_is_kept_under_a_name_and_a_shared_one_is_everybodys(page, bela):
    # What stands in the fields is kept, applied or not.
    page.field("Irány").select_option(label="Kimenő")
    page.panel.get_by_label("Megőrzés néven…").first.click()
    expect(page.panel.get_by_text("közös a céggel")).to_have_count(0)
    expect(page.panel.get_by_role("textbox", name="Megőrzés néven…")).to_be_focused()
    page.page.keyboard.insert_text("Amit írtunk")
    page.panel.get_by_role("button", name="Megőrzés", exact=True).click()
    expect(page.page.get_by_text("Megőrizve „Amit írtunk” néven.")).to_be_visible()
    page.shows("Elküldtük.")
    his = Page(bela.tab("/messages/?number=555").is_live())
    his.panel.get_by_label("Megőrzés néven…").first.click()
    his.panel.get_by_role("textbox", name="Megőrzés néven…").fill("Az 555-ösök")
    his.panel.get_by_label("közös a céggel").check()
    his.panel.get_by_role("button", name="Megőrzés", exact=True).click()
    expect(his.page.get_by_text("Megőrizve „Az 555-ösök” néven.")).to_be_visible()
    page.page.goto(f"{page.tab.url}/messages/")
    page.panel.get_by_text("Mentett szűrők").click()
    expect(page.panel.get_by_role("link", name="Amit írtunk", exact=True)).to_be_visible()
    page.panel.get_by_role("link", name="Az 555-ösök", exact=True).click()
    page.shows("Van még kabát?")
    expect(page.chips).to_have_text(["szám: 555"])
    page.panel.get_by_text("Mentett szűrők").click()
    expect(page.panel.get_by_role("link", name=re.compile("szűrő törlése"))).to_have_count(1)
    page.panel.get_by_role("link", name="„Amit írtunk” szűrő törlése").click()
    page.tab.dialog.get_by_role("button", name="Törlés").click()
    expect(page.page.get_by_text("„Amit írtunk” szűrő törölve.")).to_be_visible()
    page.panel.get_by_text("Mentett szűrők").click()
    expect(page.panel.get_by_role("link", name="Amit írtunk", exact=True)).to_have_count(0)


def test_on_a_telephone_the_panel_folds_and_the_chips_stay(company, dana):
    page = Page(dana.device("/messages/?number=3630&q=szamla", locale="hu-HU", **PHONE).is_live())
    page.shows("Kérem a számlát!")
    expect(page.chips).to_have_count(2)
    expect(page.field("Dátum-tól")).to_be_hidden()
    assert page.tab.ask(TOO_WIDE) == []
    page.panel.get_by_role("button", name="Szűrő · 2").tap()
    expect(page.field("Dátum-tól")).to_be_visible()
    assert page.tab.ask(TOO_WIDE) == []
    page.field("Irány").select_option(label="Kimenő")
    page.panel.get_by_role("button", name="Mentés", exact=True).tap()
    expect(page.page.get_by_text("Nincs találat")).to_be_visible()
    expect(page.field("Dátum-tól")).to_be_hidden()
    expect(page.panel.get_by_role("button", name="Szűrő · 3")).to_be_visible()
    page.panel.get_by_role("button", name="Szűrő · 3").tap()
    page.field("Dátum-tól").fill("valamikor")
    page.panel.get_by_role("button", name="Mentés", exact=True).tap()
    expect(page.panel.get_by_text("Írja így: 2026-11-01 08:30.")).to_be_visible()
    expect(page.field("Dátum-tól")).to_have_value("valamikor")


def test_without_scripts_everything_is_a_form_or_a_link(company, bela):
    page = Page(bela.device("/messages/", java_script_enabled=False))
    page.field("Irány").select_option(label="Bejövő")
    page.search.fill("szamla")
    page.search.press("Enter")
    page.shows("Kérem a számlát!")
    page.is_at("?direction=in&q=szamla")
    expect(page.panel.get_by_role("button", name="Naptár: Dátum-tól")).to_be_hidden()
    page.chips.nth(1).click()
    page.shows("Van még kabát?", "Kérem a számlát!")
    page.panel.locator(".split summary").click()
    page.panel.get_by_role("textbox", name="Megőrzés néven…").fill("Bejövők")
    page.panel.get_by_role("button", name="Megőrzés", exact=True).click()
    expect(page.page.get_by_text("Megőrizve „Bejövők” néven.")).to_be_visible()
    page.panel.get_by_role("link", name="Szűrők törlése").click()
    page.is_at("")
    page.panel.get_by_text("Mentett szűrők").click()
    page.panel.get_by_role("link", name="„Bejövők” szűrő törlése").click()
    page.page.get_by_role("button", name="Törlés").click()
    expect(page.page.get_by_text("„Bejövők” szűrő törölve.")).to_be_visible()
    page.field("Dátum-tól").fill("2026-13-01")
    page.save()
    expect(page.panel.get_by_text("Ilyen nap vagy időpont nincs.")).to_be_visible()
    expect(page.field("Dátum-tól")).to_be_focused()


def test_help_stands_beside_the_title(page):
    page.page.get_by_role("link", name="Súgó").click()
    expect(page.page.get_by_role("heading", name="Súgó: Üzenetek")).to_be_visible()
    expect(page.page.get_by_text("Mindkét határ beleszámít")).to_be_visible()
    page.page.get_by_role("main").get_by_role("link", name="Üzenetek").click()
    page.shows("Van még kabát?", "Elküldtük.", "Kérem a számlát!")


@pytest.mark.parametrize("width", [1440, 1024, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_sticks_out(company, bela, width, scheme):
    page = Page(
        bela.device("/messages/?from=2020-01-01&number=3630", viewport={"width": width, "height": 844}, color_scheme=scheme)
    )
    expect(page.count).to_contain_text("Letöltés: 2 sor")
    assert page.tab.ask(TOO_WIDE) == []
    assert violations(page.tab) == []
    if width == 390:
        page.panel.get_by_role("button", name="Szűrő · 2").click()
    page.panel.get_by_text("Több szűrő").click()
    expect(page.field("Vonal")).to_be_visible()
    assert page.tab.ask(TOO_WIDE) == []
    assert violations(page.tab) == []
    page.panel.get_by_text("Több szűrő").click()
    page.panel.locator(".split summary").click()
    expect(page.panel.get_by_role("textbox", name="Megőrzés néven…")).to_be_visible()
    assert page.tab.ask(TOO_WIDE) == []
    page.page.goto(f"{page.tab.url}/messages/?from=x")
    assert violations(page.tab) == []
    page.page.goto(f"{page.tab.url}/help/messages/")
    assert violations(page.tab) == []
