"""Messages, the rows: new ones come in place and move nothing, a row's menu, picking rows out, and the way to the thread and back."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect

from tests.journeys.test_for_everybody import violations

pytestmark = pytest.mark.journey

STILL = 2
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def company(found_company):
    """All of them may download."""
    company = found_company()
    company.stage.let_export(line=company.line)
    return company


@pytest.fixture
def many(company, dana, boti):
    """200 messages, the newest an hour old: their uuids, oldest first."""
    said = [
        {"body": f"Üzenet {n:03}.", "minutes_ago": 60 + (199 - n) * 7, **({"by": dana.id} if n % 3 == 2 else {})}
        for n in range(200)
    ]
    return company.thread(boti, "Kiss Boti", said, read_by=[dana])


class Page:
    """The page Messages in one tab."""

    def __init__(self, tab) -> None:
        self.tab = tab
        self.page = tab.page
        self.rows = tab.page.locator("#history-rows > tr[data-uuid]")
        self.pill = tab.page.locator("[data-news]")
        self.menu = tab.page.locator("[data-row-menu]:popover-open")

    def row(self, text: str):
        return self.rows.filter(has_text=text)

    def scroll_to(self, top: int) -> None:
        self.tab.ask("(top) => document.querySelector('.found .table').scrollTo({ top })", top)

    def place_of(self, text: str) -> float:
        return self.row(text).bounding_box()["y"]

    def topmost(self) -> str:
        """The first row that is wholly in sight below the head."""
        return self.tab.ask(
            """() => {
                const top = document.querySelector(".found th:last-child").getBoundingClientRect().bottom;
                const row = [...document.querySelectorAll("#history-rows > tr")].find((one) => one.getBoundingClientRect().top >= top);
                return row.querySelector(".body").textContent;
            }"""
        )

    def opens_menu_of(self, text: str):
        self.row(text).hover()
        self.row(text).locator(".tools > button").click()
        expect(self.menu).to_be_visible()
        return self.menu


@pytest.fixture
def at(company):
    def open_page(who, address: str = "/messages/", **device) -> Page:
        tab = who.device(address, **device) if device else who.tab(address)
        tab.is_live()
        # Where the pointer stands, somebody reads.
        if not device:
            tab.page.mouse.move(0, 0)
        return Page(tab)

    return open_page


# --- Live ------------------------------------------------------------------------------------------
def test_a_customers_text_appears_where_the_filter_lets_it_through(company, dana, bela, boti, at):
    company.thread(boti, "Kiss Boti", ["Kérek egy számlát", "Köszönöm!"])
    hers, his = at(dana, "/messages/?q=szamla"), at(bela, "/messages/?direction=out&q=szamla")
    everything = at(dana, "/messages/")
    expect(hers.rows).to_have_count(1)
    expect(everything.rows).to_have_count(2)
    company.texts(boti, "Megjött a számlája is?")
    expect(hers.rows.first).to_contain_text("Megjött a számlája is?")
    expect(hers.rows.first.locator("mark")).to_have_text("számlája")
    expect(everything.rows).to_have_count(3)
    # The button counts it, too.
    expect(hers.page.locator("#count")).to_contain_text("2")
    company.texts(boti, "Mindegy, meglett.")
    expect(everything.rows.first).to_contain_text("Mindegy, meglett.")
    expect(hers.rows).to_have_count(2)
    expect(his.rows).to_have_count(0)


def test_news_of_no_row_makes_no_list_ask(company, dana, boti, at):
    company.thread(boti, "Kiss Boti", ["Kérek egy számlát"])
    page = at(dana)
    told = page.page.evaluate(
        """async () => {
            const { applyFrames } = await import(document.querySelector("script[src$='/app.js']").src.replace("app.js", "frames.js"));
            document.addEventListener("fonal:told", () => (window.told = (window.told ?? 0) + 1));
            applyFrames('<live-position number="1000" heartbeat></live-position>');
            applyFrames('<live-read conversation="999999" user="0" read="0" unread="0"></live-read><live-position number="1001"></live-position>');
            return window.told ?? 0;
        }"""
    )
    assert told == 0
    company.texts(boti, "Megjött")
    expect(page.row("Megjött")).to_be_visible()
    assert page.tab.ask("() => window.told") > 0


def test_the_first_message_of_an_empty_list_appears(company, dana, boti, at):
    page = at(dana)
    expect(page.page.get_by_text("No messages yet")).to_be_visible()
    company.texts(boti, "Legelső")
    expect(page.rows).to_have_count(1)
    company.texts(boti, "Második")
    expect(page.rows.first).to_contain_text("Második")


def test_what_goes_wrong_is_redrawn_where_it_stands(company, dana, bela, boti, at):
    company.thread(boti, "Kiss Boti", ["Szia!"])
    company.stage.phone(number=boti, is_on=False)
    page, failed = at(bela), at(bela, "/messages/?failed=1")
    tab = dana.tab().is_live().open("Kiss Boti")
    tab.send("Jön a futár.")
    expect(page.row("Jön a futár.").locator(".state")).to_contain_text("the phone could not be reached")
    expect(page.rows.first).to_contain_text("Jön a futár.")
    expect(page.rows).to_have_count(2)
    # And comes to where only such are shown.
    expect(failed.row("Jön a futár.")).to_be_visible()
    tab.page.once("dialog", lambda dialog: dialog.accept())
    tab.bubble("Jön a futár.").get_by_role("button", name="Delete").click()
    expect(page.row("Jön a futár.")).to_have_count(0)
    expect(failed.rows).to_have_count(0)


def test_who_reads_further_down_is_not_moved_but_told(company, many, dana, boti, at):
    page = at(dana)
    page.scroll_to(900)
    read = page.topmost()
    before = page.place_of(read)
    company.texts(boti, "Új hír")
    expect(page.pill).to_have_text("1 new")
    company.texts(boti, "Még egy")
    expect(page.pill).to_have_text("2 new")
    assert abs(page.place_of(read) - before) <= STILL
    page.pill.get_by_role("button").click()
    expect(page.row("Még egy")).to_be_in_viewport()
    expect(page.pill).to_be_hidden()


def test_what_the_pointer_is_on_stays_under_it_even_in_a_short_list(company, dana, boti, at):
    company.thread(boti, "Kiss Boti", ["Első", "Második"])
    page = at(dana)
    page.row("Első").locator(".body").hover()
    before = page.place_of("Első")
    company.texts(boti, "Fölé")
    expect(page.rows).to_have_count(3)
    expect(page.pill).to_have_text("1 new")
    assert abs(page.place_of("Első") - before) <= STILL
    page.pill.get_by_role("button").click()
    expect(page.row("Fölé")).to_be_in_viewport()


def test_at_the_top_and_idle_it_slides_in(company, many, dana, boti, at):
    page = at(dana)
    company.texts(boti, "Új hír")
    expect(page.rows.first).to_contain_text("Új hír")
    expect(page.rows.first).to_be_in_viewport()
    expect(page.pill).to_be_hidden()


def test_rows_that_came_live_are_not_there_twice_when_pages_come(company, many, dana, boti, at):
    page = at(dana)
    expect(page.rows).to_have_count(50)
    for n in range(3):
        company.texts(boti, f"Új {n}")
    expect(page.rows).to_have_count(53)
    while page.page.locator("[data-further]").count():
        shown = page.rows.count()
        page.scroll_to(100_000)
        page.tab.until("(shown) => document.querySelectorAll('#history-rows > tr[data-uuid]').length > shown", shown)
    texts = page.rows.locator(".body").all_inner_texts()
    assert texts == ["Új 2", "Új 1", "Új 0", *(f"Üzenet {n:03}." for n in reversed(range(200)))]


def test_what_happens_while_a_page_is_on_its_way_is_not_lost(company, many, dana, boti, at):
    page = at(dana)
    tab = dana.tab().is_live().open("Kiss Boti")
    held = []
    page.page.route("**/messages/?before=*", lambda route: held.append((route, route.fetch())))
    with page.page.expect_request(lambda request: "before=" in request.url):
        page.scroll_to(100_000)
    tab.send("Ez közben ment el.")
    expect(page.row("Ez közben ment el.").locator(".state")).to_contain_text("Delivered")
    page.tab.until("() => Number(document.getElementById('found').dataset.position) === window.fonal.status().position")
    before = page.tab.ask("() => Number(document.getElementById('found').dataset.position)")
    with page.page.expect_response(lambda answer: "/messages/changes/" in answer.url) as told:
        [(route, answer)] = held
        route.fulfill(response=answer)
    # It is told once more from where the page was drawn.
    assert int(re.search(r"since=(\d+)", told.value.url)[1]) < before
    expect(page.rows).to_have_count(101)


def test_oldest_first_what_is_new_comes_at_the_end(company, dana, boti, at):
    company.thread(boti, "Kiss Boti", ["Első", "Második"])
    page = at(dana, "/messages/?oldest=1")
    company.texts(boti, "Harmadik")
    expect(page.rows.last).to_contain_text("Harmadik")


def test_a_new_name_shows_at_once_and_decides_what_is_found(company, dana, bela, boti, at):
    thread = company.thread(boti, "", ["Szia!", "Itt vagyok."])
    page, ilona = at(dana), at(dana, "/messages/?q=ilona")
    expect(ilona.rows).to_have_count(0)
    his = bela.tab(f"/conversations/{thread['id']}/").is_live()

    def name_it(name: str) -> None:
        his.page.locator("#head summary").click()
        his.page.locator("#head .sheet").get_by_role("link", name=re.compile("phone book|Edit contact")).click()
        his.dialog.get_by_label("Name").fill(name)
        his.dialog.get_by_role("button", name="Save").click()

    name_it("Kiss Ilona")
    expect(page.rows.locator(".partner strong")).to_have_text(["Kiss Ilona", "Kiss Ilona"])
    expect(ilona.rows).to_have_count(2)
    expect(ilona.rows.first.locator("mark")).to_have_text("Ilona")
    his.is_live()
    name_it("Kiss Márta")
    expect(page.rows.locator(".partner strong")).to_have_text(["Kiss Márta", "Kiss Márta"])
    expect(ilona.rows).to_have_count(0)


def test_without_the_chat_service_the_page_asks_by_itself(found_company, boti):
    company = found_company(has_chat=False)
    company.thread(boti, "Kiss Boti", ["Szia!"])
    tab = company.people["dana"].tab("/messages/")
    company.texts(boti, "Még egy")
    expect(tab.page.locator("#history-rows > tr[data-uuid]").first).to_contain_text("Még egy")


def test_many_names_at_once_draw_the_list_anew_and_leave_the_rest_of_the_page(found_company, boti):
    company = found_company(has_chat=False)
    company.stage.let_export(line=company.line)
    company.thread(boti, "", [f"Üzenet {n}" for n in range(30)])
    page = Page(company.people["dana"].tab("/messages/"))
    expect(page.page.locator("[data-pick-all]")).to_be_attached()
    page.page.get_by_label("Phone number").fill("3630")
    page.row("Üzenet 29").locator("[data-pick]").check()
    page.scroll_to(600)
    read = page.topmost()
    before = page.place_of(read)
    company.stage.name_many(line=company.line, names={boti: "Kiss Ilona"})
    expect(page.rows.first.locator(".partner strong")).to_have_text("Kiss Ilona")
    # Each name is a line more above: what is read stays where it is.
    assert abs(page.place_of(read) - before) <= STILL
    expect(page.page.get_by_label("Phone number")).to_have_value("3630")
    expect(page.page.locator("[data-selection]")).to_contain_text("1 selected")


# --- One row ---------------------------------------------------------------------------------------
def test_a_rows_menu_by_keyboard(company, dana, boti, at):
    company.thread(boti, "Kiss Boti", ["Első", "Második"])
    page = at(dana)
    press = page.page.keyboard.press
    press("j")
    press("j")
    expect(page.row("Első")).to_be_focused()
    press("k")
    expect(page.row("Második")).to_be_focused()
    button = page.row("Második").locator(".tools > button")
    expect(button).to_have_attribute("aria-haspopup", "menu")
    button.focus()
    press("Enter")
    items = page.menu.get_by_role("menuitem")
    expect(items).to_have_text(["Open in its thread", "Copy the text", "All details", "Download this one", "Only this partner"])
    expect(items.first).to_be_focused()
    press("ArrowUp")
    expect(items.last).to_be_focused()
    press("Home")
    press("ArrowDown")
    expect(items.nth(1)).to_be_focused()
    press("Escape")
    expect(page.menu).to_have_count(0)
    expect(button).to_be_focused()
    press("Enter")
    page.page.mouse.click(5, 500)
    expect(page.menu).to_have_count(0)
    button.focus()
    press("ArrowDown")
    expect(items.first).to_be_focused()
    press("ArrowDown")
    press("ArrowDown")
    press("Enter")
    expect(page.tab.dialog.get_by_role("heading", name="Details of the message")).to_be_visible()
    expect(page.tab.dialog.locator("blockquote")).to_have_text("Második")
    press("Escape")
    expect(page.tab.dialog).to_be_hidden()
    expect(button).to_be_focused()


def test_a_menu_stays_open_while_its_row_changes_and_others_come(company, dana, boti, at):
    company.thread(boti, "Kiss Boti", ["Első", {"body": "Második", "minutes_ago": 1, "by": dana.id}])
    page = at(dana)
    page.opens_menu_of("Második")
    company.texts(boti, "Fölé")
    expect(page.rows).to_have_count(3)
    expect(page.menu).to_be_visible()


def test_the_text_is_copied_as_it_was_written(company, dana, boti, at):
    body = 'Sok szöveg, <b>jelekkel</b> & "idézettel".\nÚj sorban számla is. ' + "hosszú " * 60 + "vége"
    company.thread(boti, "Kiss Boti", [body])
    page = at(dana, "/messages/?q=szamla")
    dana.contexts[0].grant_permissions(["clipboard-read", "clipboard-write"])
    page.opens_menu_of("jelekkel").get_by_role("menuitem", name="Copy the text").click()
    expect(page.page.get_by_text("Copied")).to_be_visible()
    assert page.tab.ask("() => navigator.clipboard.readText()") == body


def test_a_long_text_unfolds_by_keyboard(company, dana, boti, at):
    company.thread(boti, "Kiss Boti", ["Rövid", "hosszú szöveg " * 60 + "VÉGE"])
    page = at(dana)
    body, more = page.row("VÉGE").locator(".body"), page.row("VÉGE").locator("[data-more]")
    folded = body.bounding_box()["height"]
    expect(page.row("Rövid").locator("[data-more]")).to_have_count(0)
    more.focus()
    page.page.keyboard.press("Enter")
    expect(more).to_have_attribute("aria-expanded", "true")
    assert body.bounding_box()["height"] > folded
    page.page.keyboard.press("Enter")
    assert body.bounding_box()["height"] == folded


def test_a_word_that_is_found_further_down_in_a_long_text_is_seen(company, dana, boti, at):
    company.thread(boti, "Kiss Boti", ["hosszú szöveg " * 100 + "tengerimalac"])
    page = at(dana, "/messages/?q=tengerimalac")
    expect(page.rows.first.locator("mark")).to_be_in_viewport()


# --- Picking out -----------------------------------------------------------------------------------
def test_rows_picked_out_stay_so_and_go_into_a_file(company, many, dana, boti, at):
    page = at(dana)
    bar = page.page.locator("[data-selection]")
    expect(bar).to_be_hidden()
    page.row("Üzenet 199.").hover()
    page.row("Üzenet 199.").locator("[data-pick]").check()
    expect(bar).to_contain_text("1 selected")
    page.row("Üzenet 195.").locator("[data-pick]").click(modifiers=["Shift"])
    expect(bar).to_contain_text("5 selected")
    company.texts(boti, "Közben jött")
    expect(page.rows).to_have_count(51)
    page.scroll_to(100_000)
    page.tab.until("() => document.querySelectorAll('#history-rows > tr[data-uuid]').length > 60")
    expect(bar).to_contain_text("5 selected")
    # What is loaded is picked by one box.
    page.page.locator("[data-pick-all]").check()
    expect(bar).to_contain_text(f"{page.rows.count()} selected")
    bar.get_by_role("button", name="Clear the selection").click()
    expect(bar).to_be_hidden()
    page.page.keyboard.press("Escape")
    for n in (150, 151):
        page.row(f"Üzenet {n}.").focus()
        page.page.keyboard.press("x")
    expect(bar).to_contain_text("2 selected")
    bar.get_by_role("button", name="Download").click()
    expect(page.tab.dialog).to_contain_text("2")
    with page.page.expect_response(lambda answer: answer.request.method == "POST" and "/messages/exports/" in answer.url) as answer:
        page.tab.dialog.locator("button[type=submit], button.primary").last.click()
    assert answer.value.status < 400


def test_one_row_is_downloaded_from_its_menu(company, dana, boti, at):
    company.thread(boti, "Kiss Boti", ["Első", "Második"])
    page = at(dana)
    with page.page.expect_download() as download:
        page.opens_menu_of("Első").get_by_role("menuitem", name="Download this one").click()
    sheet = load_workbook(BytesIO(download.value.path().read_bytes()))
    assert [row[6] for row in sheet.worksheets[0].iter_rows(min_row=2, values_only=True)] == ["Első"]
    expect(page.rows).to_have_count(2)


def test_whoever_may_not_download_sees_no_boxes(found_company, boti):
    company = found_company()
    company.thread(boti, "Kiss Boti", ["Szia!"])
    page = Page(company.people["dana"].tab("/messages/").is_live())
    expect(page.rows).to_have_count(1)
    expect(page.page.locator("[data-pick], [data-pick-all], [data-selection]")).to_have_count(0)
    expect(page.opens_menu_of("Szia!").get_by_role("menuitem", name="Download this one")).to_have_count(0)


# --- To the thread and back ------------------------------------------------------------------------
def off_centre(tab, uuid: str) -> float:
    return tab.ask(
        """(id) => {
            const box = document.getElementById("thread").getBoundingClientRect();
            const one = document.getElementById(id).getBoundingClientRect();
            return Math.abs((one.top + one.bottom) / 2 - (box.top + box.bottom) / 2);
        }""",
        f"entry-{uuid}",
    )


@pytest.mark.parametrize("device", [{}, PHONE], ids=["desk", "phone"])
def test_a_hit_is_in_the_middle_of_its_thread_and_stays_marked_until_one_acts(company, many, dana, boti, at, device):
    page = at(dana, "/messages/?q=100", **device)
    expect(page.rows).to_have_count(1)
    expect(page.rows.locator("mark")).to_have_text("100")
    page.rows.locator("[data-open]").click()
    target = page.tab.bubble("Üzenet 100.")
    expect(target).to_have_class(re.compile("target"))
    expect(target.locator("mark")).to_have_text("100")
    page.tab.is_live()
    assert off_centre(page.tab, many["uuids"][100]) <= 40
    company.texts(boti, "Közben jött")
    expect(page.page.locator("[data-to-end] button")).to_have_text("1 new")
    assert off_centre(page.tab, many["uuids"][100]) <= 40
    expect(target).to_have_class(re.compile(r"\btarget\b"))
    page.page.keyboard.press("Shift")
    expect(target).not_to_have_class(re.compile(r"(^|\s)target"))
    page.page.go_back()
    expect(page.rows).to_have_count(1)


def test_a_hit_near_the_end_is_not_scrolled_away_by_what_arrives(company, many, dana, boti, at):
    page = at(dana, "/messages/?q=198")
    page.rows.locator("[data-open]").click()
    target = page.tab.bubble("Üzenet 198.")
    expect(target).to_be_in_viewport()
    company.texts(boti, "Közben jött\n" * 8)
    expect(page.tab.bubble("Közben jött")).to_have_count(1)
    expect(target).to_be_in_viewport()
    expect(target).to_have_class(re.compile(r"\btarget\b"))


def test_without_scripts_the_address_leads_to_the_message(company, many, dana):
    tab = dana.device("/messages/?q=100", java_script_enabled=False)
    tab.page.locator("#history-rows [data-open]").click()
    expect(tab.bubble("Üzenet 100.")).to_be_in_viewport()
    expect(tab.bubble("Üzenet 100.").locator("mark")).to_have_text("100")


def test_back_from_a_thread_the_list_stands_where_it_was(company, many, dana, at):
    page = at(dana)
    for _ in range(2):
        shown = page.rows.count()
        page.scroll_to(100_000)
        page.tab.until("(shown) => document.querySelectorAll('#history-rows > tr[data-uuid]').length > shown", shown)
    page.scroll_to(5000)
    read = page.topmost()
    before = page.place_of(read)
    page.row(read).focus()
    page.page.keyboard.press("Enter")
    expect(page.tab.bubble(read)).to_be_in_viewport()
    page.page.go_back()
    expect(page.row(read)).to_be_in_viewport()
    page.tab.until(
        "([text, y]) => { const row = [...document.querySelectorAll('#history-rows > tr')].find((one) => one.querySelector('.body')?.textContent === text); return row && Math.abs(row.getBoundingClientRect().y - y) <= 2; }",
        [read, before],
    )
    expect(page.row(read)).to_be_focused()


def test_a_double_click_opens_the_thread(company, dana, boti, at):
    company.thread(boti, "Kiss Boti", ["Első"])
    page = at(dana)
    page.row("Első").locator(".body").dblclick()
    expect(page.tab.bubble("Első")).to_have_class(re.compile("target"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_rows_menu_details_and_thread(company, dana, boti, at, scheme):
    company.thread(
        boti, "Kiss Boti", ["Itt a számla: https://example.hu/1 " * 20, {"body": "Számla", "minutes_ago": 1, "by": dana.id}]
    )
    page = at(dana, "/messages/?q=szamla", color_scheme=scheme)
    page.rows.first.locator("[data-pick]").check()
    assert violations(page.tab) == []
    page.rows.last.hover()
    page.rows.last.locator(".tools > button").click()
    expect(page.menu).to_be_visible()
    assert violations(page.tab) == []
    page.menu.get_by_role("menuitem", name="All details").click()
    expect(page.tab.dialog.locator("blockquote")).to_be_visible()
    assert violations(page.tab) == []
    page.page.keyboard.press("Escape")
    page.rows.first.locator("[data-open]").click()
    expect(page.tab.bubble("Számla").locator("mark").first).to_be_visible()
    assert violations(page.tab) == []


# --- Small and plain -------------------------------------------------------------------------------
def test_on_a_telephone_rows_are_cards_with_their_menu(company, dana, boti, at):
    company.thread(boti, "Nagyonhosszúnevű Ügyfél-Kovácsházi Magdolna", ["Első " + "nagyonhosszúszóközöknélkül" * 9, "Második"])
    page = at(dana, **PHONE)
    assert not page.tab.ask("() => document.documentElement.scrollWidth > innerWidth")
    page.row("Második").locator(".tools > button").tap()
    expect(page.menu.get_by_role("menuitem").first).to_be_in_viewport()
    page.menu.get_by_role("menuitem", name="All details").tap()
    expect(page.tab.dialog.locator("blockquote")).to_have_text("Második")
    assert not page.tab.ask("() => document.documentElement.scrollWidth > innerWidth")


def test_without_scripts_rows_are_picked_and_looked_at_too(company, dana, boti):
    company.thread(boti, "Kiss Boti", ["Első", "Második", "Harmadik"])
    tab = dana.device("/messages/", java_script_enabled=False)
    page = Page(tab)
    page.row("Első").locator(".tools > button").click()
    page.menu.get_by_role("menuitem", name="All details").click()
    expect(tab.page.get_by_role("heading", name="Details of the message")).to_be_visible()
    tab.page.go_back()
    for text in ("Első", "Harmadik"):
        page.row(text).locator("[data-pick]").check()
    tab.page.locator("[data-selection]").get_by_role("button", name="Download").click()
    expect(tab.page.locator("main")).to_contain_text("2")
