"""Letöltések: what the filter shows becomes a file; a large one is followed on every page; a thread on paper."""

from __future__ import annotations

import re

import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect

from tests.journeys.cast import new_number
from tests.journeys.test_for_everybody import violations
from tests.journeys.test_in_hungarian import TOO_WIDE

pytestmark = pytest.mark.journey

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
# More than are made while one waits.
MANY = 5_000


@pytest.fixture
def thread(company, dana, boti):
    """Dana may download; Boti asked for an invoice."""
    company.stage.promote(user=dana.id)
    said = [
        {"body": "Kérem a számlát!", "minutes_ago": 3000},
        {"body": "=SZUM(A1:A9) ezt miért írja?", "minutes_ago": 30},
        {"body": "Küldjük a számlát.", "minutes_ago": 20, "by": dana.id},
    ]
    return company.thread(boti, "Kiss Boti", said)


def rows_of(path) -> list[tuple]:
    return list(load_workbook(path, read_only=True).worksheets[0].iter_rows(min_row=2, values_only=True))


def headings_of(path) -> list[str]:
    return [cell for cell in next(load_workbook(path, read_only=True).worksheets[0].iter_rows(max_row=1, values_only=True)) if cell]


def saved(download, folder):
    path = folder / download.suggested_filename
    download.save_as(path)
    return path


def dialog_at(tab, address: str):
    """The dialog that a link on the page opens."""
    tab.until("() => window.fonal")
    tab.page.evaluate(
        """(address) => {
        const link = Object.assign(document.createElement("a"), { href: address, textContent: "to the dialog" });
        link.dataset.dialog = "";
        document.querySelector("main, .talk").append(link);
        link.click();
        link.remove();
    }""",
        address,
    )
    dialog = tab.dialog
    expect(dialog.locator("#export-new")).to_be_visible()
    return dialog


# --- Small ones ------------------------------------------------------------------------------------
def test_what_the_filter_shows_becomes_a_file_and_the_page_stays(dana, thread, tmp_path):
    tab = dana.tab("/messages/?q=számla").is_live()
    dialog = dialog_at(tab, "/messages/exports/new/?q=számla")
    expect(dialog).to_contain_text("text: számla")
    with tab.page.expect_download() as told:
        dialog.get_by_role("button", name="Download: 2 rows").click()
    path = saved(told.value, tmp_path)
    assert re.fullmatch(r"fonal-messages-\d{4}-\d\d-\d\d-\d{4}\.xlsx", path.name)
    assert [row[6] for row in rows_of(path)] == ["Küldjük a számlát.", "Kérem a számlát!"]
    assert {row[3] for row in rows_of(path)} == {rows_of(path)[0][3]}
    expect(dialog).to_be_hidden()
    expect(tab.page).to_have_url(re.compile(r"/messages/\?q=sz"))
    # It was there at once: nothing to follow.
    expect(tab.page.locator("#exports-tray .export")).to_have_count(0)


def test_choosing_all_says_how_many_that_are(dana, thread, tmp_path):
    tab = dana.tab("/messages/").is_live()
    dialog = dialog_at(tab, "/messages/exports/new/?q=számla")
    dialog.get_by_text("All messages").click()
    with tab.page.expect_download() as told:
        dialog.get_by_role("button", name="Download: 3 rows").click()
    texts = [row[6] for row in rows_of(saved(told.value, tmp_path))]
    assert "=SZUM(A1:A9) ezt miért írja?" in texts


def test_a_thread_as_a_spreadsheet_from_its_menu(company, dana, thread, boti, tmp_path):
    company.thread(new_number(), "Nagy Anna", ["Nem az övé"])
    tab = dana.tab().is_live().open("Kiss Boti")
    tab.page.locator("#head summary").click()
    tab.page.get_by_role("link", name="Download as a spreadsheet").click()
    expect(tab.dialog).to_contain_text("The whole conversation")
    with tab.page.expect_download() as told:
        tab.dialog.get_by_role("button", name="Download: 3 rows").click()
    rows = rows_of(saved(told.value, tmp_path))
    assert [row[6] for row in rows] == ["Kérem a számlát!", "=SZUM(A1:A9) ezt miért írja?", "Küldjük a számlát."]
    assert {row[3] for row in rows} == {boti}


def test_without_scripts_it_is_a_page_a_form_and_a_file(dana, thread, tmp_path):
    page = dana.device("/messages/exports/new/?q=számla", java_script_enabled=False).page
    page.get_by_label("CSV").check()
    with page.expect_download() as told:
        page.get_by_role("button", name=re.compile("Download")).click()
    text = saved(told.value, tmp_path).read_text("utf-8-sig")
    assert "Kérem a számlát!" in text
    page.goto(dana.url + "/messages/exports/")
    expect(page.locator(".export")).to_contain_text("Your download is ready")


def test_who_may_not_download_sees_no_button_until_the_administrator_allows_it(company, bela, thread):
    tab = bela.tab().is_live().open("Kiss Boti")
    tab.page.locator("#head summary").click()
    expect(tab.page.get_by_role("link", name="Edit contact").first).to_be_visible()
    expect(tab.page.get_by_role("link", name="Print…")).to_be_hidden()
    company.stage.administrate(user=company.people["dana"].id)
    settings = company.people["dana"].tab("/company/")
    settings.page.get_by_label("Colleagues may download the messages they see").check()
    settings.page.locator("#exports").get_by_role("button", name="Save").click()
    expect(settings.page.get_by_label("Colleagues may download the messages they see")).to_be_checked()
    # The open page hears of it.
    tab.until("() => 'exports' in document.body.dataset && window.fonal")
    tab.page.locator("#head summary").click()
    expect(tab.page.get_by_role("link", name="Print…")).to_be_visible()


# --- Large ones ------------------------------------------------------------------------------------
@pytest.fixture
def many(company, dana, thread):
    company.stage.many_messages(line=company.line, number=new_number(), count=MANY)


def card(tab):
    return tab.page.locator("#exports-tray .export")


def bar(tab):
    return card(tab).locator("progress")


def start(tab, rows: int = MANY + 3) -> None:
    dialog = dialog_at(tab, "/messages/exports/new/")
    dialog.get_by_role("button", name=f"Download: {rows:,} rows").click()


def test_a_large_one_is_told_in_every_tab_when_it_is_ready_and_waits_to_be_taken(dana, many, tmp_path):
    first, second = dana.tab().is_live(), dana.tab("/settings/").is_live()
    both = (first, second)
    start(first)
    expect(first.dialog).to_be_hidden()
    for tab in both:
        expect(card(tab)).to_contain_text("Your download is ready", timeout=60_000)
        expect(card(tab)).to_contain_text(f"{MANY + 3:,} rows")
    # On the next page, too, until somebody takes or closes it.
    first.page.goto(first.url + "/messages/")
    expect(card(first)).to_contain_text("Your download is ready")
    with second.page.expect_download() as told:
        card(second).get_by_role("link", name="Download", exact=True).click()
    assert len(rows_of(saved(told.value, tmp_path))) == MANY + 3
    for tab in both:
        expect(card(tab)).to_have_count(0)
    first.page.reload()
    first.until("() => window.fonal")
    expect(card(first)).to_have_count(0)


def test_how_far_it_has_got_is_told_live_and_never_runs_backwards(company, dana, many, boti):
    company.stage.begin_export(user=dana.id)
    first, second = dana.tab().is_live(), dana.tab("/settings/").is_live()
    both = (first, second)
    for tab in both:
        expect(card(tab)).to_contain_text("It has just started")
    for rows in (1000, 4000):
        company.stage.reach(user=dana.id, rows=rows, of=5003)
        # The stagehand's process has no doorbell of the server's; a customer rings it.
        company.texts(boti, f"{rows} sor")
        for tab in both:
            expect(card(tab)).to_contain_text(f"{rows:,} of 5,003 rows")
            expect(bar(tab)).to_have_js_property("value", rows)
    # Another worker begins anew.
    company.stage.reach(user=dana.id, rows=500, of=5003)
    company.texts(boti, "újra")
    expect(first.row("Kiss Boti")).to_contain_text("újra")
    expect(bar(first)).to_have_js_property("value", 4000)
    expect(card(first)).to_contain_text("4,000 of 5,003 rows")


def test_a_card_in_the_way_is_hidden_in_its_tab_until_the_file_is_ready(company, dana, many):
    company.stage.begin_export(user=dana.id)
    first, second = dana.tab().is_live(), dana.tab("/settings/").is_live()
    for tab in (first, second):
        expect(card(tab)).to_contain_text("fonal-messages-")
    card(first).get_by_role("button", name="Hide until it is ready").click()
    expect(card(first)).to_be_hidden()
    first.page.goto(first.url + "/messages/")
    expect(first.page.locator("#exports-tray .export")).to_have_count(1)
    expect(card(first)).to_be_hidden()
    expect(card(second)).to_be_visible()
    card(second).get_by_role("button", name="Stop").click()
    expect(card(first)).to_be_visible()
    expect(card(first)).to_contain_text("The download was cancelled")


def test_in_a_low_window_the_dialog_begins_at_its_top(dana, thread):
    tab = dana.tab("/messages/").is_live()
    tab.page.set_viewport_size({"width": 480, "height": 300})
    dialog = dialog_at(tab, "/messages/exports/new/")
    expect(dialog.get_by_role("heading", name="Download messages")).to_be_in_viewport()
    expect(dialog.get_by_role("button", name="Download:")).to_be_focused()


def test_one_at_a_time_and_it_can_be_stopped_from_anywhere(company, dana, many, tmp_path):
    company.stage.begin_export(user=dana.id)
    first, second = dana.tab().is_live(), dana.tab("/messages/").is_live()
    start(second)
    expect(second.dialog).to_contain_text("Another download of yours is being made")
    second.dialog.get_by_role("button", name="Stop").click()
    for tab in (first, second):
        expect(card(tab)).to_contain_text("The download was cancelled")
    expect(second.dialog.get_by_text("Another download of yours")).to_be_hidden()
    # Of a cancelled one nothing is left to be done: it goes by itself, and does not come back.
    for tab in (first, second):
        expect(card(tab)).to_have_count(0, timeout=15_000)
    first.page.reload()
    first.until("() => window.fonal")
    expect(card(first)).to_have_count(0)
    # What was to be started can be started now.
    second.dialog.get_by_role("button", name="Download:").click()
    expect(card(first)).to_contain_text("Your download is ready", timeout=60_000)


def test_where_there_is_no_socket_the_page_asks(found_company, boti):
    company = found_company(has_chat=False)
    dana = company.people["dana"]
    company.stage.promote(user=dana.id)
    company.stage.many_messages(line=company.line, number=boti, count=MANY)
    company.stage.begin_export(user=dana.id)
    tab = dana.tab("/messages/")
    for rows in (1000, 4000):
        company.stage.reach(user=dana.id, rows=rows, of=MANY)
        expect(card(tab)).to_contain_text(f"{rows:,} of 5,000 rows")
    card(tab).get_by_role("button", name="Stop").click()
    expect(card(tab)).to_contain_text("The download was cancelled")
    # A new one takes its place.
    start(tab, rows=MANY)
    expect(tab.page.get_by_text("The download was cancelled")).to_have_count(0)
    expect(card(tab)).to_contain_text("Your download is ready", timeout=60_000)


# --- On paper, checked, and for everybody ------------------------------------------------------------
def test_a_thread_on_paper(company, dana, thread):
    tab = dana.tab().is_live().open("Kiss Boti")
    tab.note("Fontos ügyfél")
    expect(tab.thread.locator(".note")).to_contain_text("Fontos ügyfél")
    tab.page.locator("#head summary").click()
    with tab.page.expect_popup() as told:
        tab.page.get_by_role("link", name="Print…").click()
    paper = told.value
    expect(paper.get_by_role("heading", name="Kiss Boti")).to_be_visible()
    expect(paper.locator(".paper-message .text")).to_have_text(
        ["Kérem a számlát!", "=SZUM(A1:A9) ezt miért írja?", "Küldjük a számlát."]
    )
    expect(paper.locator(".paper-note")).to_have_count(0)
    paper.evaluate("() => { window.print = () => (window.printed = true); }")
    paper.get_by_role("button", name="Print").click()
    assert paper.evaluate("() => window.printed")
    paper.emulate_media(media="print")
    expect(paper.locator(".paper-bar")).to_be_hidden()
    assert paper.locator(".paper-message").first.evaluate("(each) => getComputedStyle(each).breakInside") == "avoid"
    paper.emulate_media(media="screen")
    paper.get_by_role("link", name="With notes").click()
    expect(paper.locator(".paper-note")).to_contain_text("Fontos ügyfél")
    paper.get_by_role("link", name="Without notes").click()
    expect(paper.locator(".paper-note")).to_have_count(0)
    expect(paper.locator(".paper-message")).to_have_count(3)


def test_a_file_is_checked(dana, thread, tmp_path):
    tab = dana.tab("/messages/").is_live()
    dialog = dialog_at(tab, "/messages/exports/new/")
    with tab.page.expect_download() as told:
        dialog.get_by_role("button", name="Download: 3 rows").click()
    path = saved(told.value, tmp_path)
    tab.page.goto(tab.url + "/messages/exports/")
    tab.page.get_by_role("link", name="Check a file").click()
    for change, verdict in ((None, "This is exactly the file"), ("", "The rows are unchanged"), ("Soha", "The rows were changed")):
        if change is not None:
            book = load_workbook(path)
            if change:
                book.worksheets[0]["G2"] = change
            book.save(path)
        tab.page.get_by_label("File (.xlsx or .csv)").set_input_files(path)
        tab.page.get_by_role("button", name="Check", exact=True).click()
        expect(tab.page.locator(".verdict")).to_contain_text(verdict)
        # Of a changed one it tells no more than that it was the company's: anybody can write an id into a file.
        expect(tab.page.get_by_text("Dana Kis")).to_have_count(0 if change else 1)


@pytest.fixture
def anna(found_company, boti):
    """A supervisor who works in Hungarian."""
    company = found_company(language="hu", people={"anna": "Szentgyörgyvári-Kiss Anna"})
    anna = company.people["anna"]
    company.stage.promote(user=anna.id)
    anna.thread = company.thread(boti, "Nagyonhosszúnevű Ügyfél-Kovácsházi Magdolna", ["Kérem a számlát!"])["id"]
    return anna


PAGES = ["/messages/exports/new/?q=számla", "/messages/exports/new/", "/messages/exports/", "/messages/exports/check/"]


@pytest.mark.parametrize("options", [{}, PHONE, {"color_scheme": "dark"}], ids=["wide", "phone", "dark"])
def test_the_pages_have_room_for_their_words_and_hinder_nobody(anna, options):
    tab = anna.device("/messages/", **options).is_live()
    dialog = dialog_at(tab, PAGES[0])
    expect(dialog.get_by_role("button", name="Letöltés: 1 sor")).to_be_visible()
    assert violations(tab) == []
    with tab.page.expect_download():
        dialog.get_by_role("button", name="Letöltés: 1 sor").click()
    for path in [*PAGES, f"/conversations/{anna.thread}/print/"]:
        tab.page.goto(tab.url + path)
        expect(tab.page.locator("main")).to_be_visible()
        assert tab.ask(TOO_WIDE) == [], path
        assert violations(tab) == [], path


def test_file_and_dialog_speak_the_persons_language(anna, tmp_path):
    tab = anna.tab("/messages/").is_live()
    dialog = dialog_at(tab, PAGES[0])
    expect(dialog).to_contain_text("Amit a szűrő mutat")
    with tab.page.expect_download() as told:
        dialog.get_by_role("button", name="Letöltés: 1 sor").click()
    path = saved(told.value, tmp_path)
    assert path.name.startswith("fonal-uzenetek-")
    assert {"Irány", "Szám", "Név", "Üzenet", "Állapot"} <= set(headings_of(path))
