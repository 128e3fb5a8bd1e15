"""Letöltések: messages as a file, at the doors."""

from __future__ import annotations

import csv
import io
import re
import uuid
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.timezone import now as clock
from openpyxl import Workbook, load_workbook

from chatui import downloads
from chatui.rendering import frames_for
from chatui.views import exports as views
from server import spreadsheets
from server.accounts.models import AuditEntry, Role, Subscriber, User
from server.contacts.models import Contact
from server.events.log import missed_since
from server.events.models import Kind
from server.history import exporting, making
from server.history.models import Export, ExportStatus
from server.lines.models import LineAccess
from server.messaging.conversations import write_note
from server.messaging.models import Message
from server.messaging.outbound import queue_sms
from tests.conftest import BOTI, NOW
from tests.cut_off import endless
from tests.doors import FRAMES, HTMX, Browser

NEW = "/messages/exports/new/"
EXPORTS = "/messages/exports/"
CHECK = "/messages/exports/check/"


@pytest.fixture
def texts(boti_texts, sales_line):
    """Three on the shared line, one on the line that dana was not given; oldest first."""
    said = ["Szia! =1+1", "Kérem a számlát", "Köszönöm"]
    shared = [boti_texts(body, at=NOW + timedelta(minutes=n)) for n, body in enumerate(said)]
    return [*shared, boti_texts("Titok", to=sales_line, at=NOW + timedelta(minutes=9))]


@pytest.fixture
def sams(sam) -> Browser:
    return Browser(sam)


@pytest.fixture
def danas(dana, kontakt) -> Browser:
    """Dana's browser, in a company that lets colleagues download."""
    kontakt.colleagues_may_export = True
    kontakt.save()
    return Browser(User.objects.get(pk=dana.pk))


@pytest.fixture
def large(monkeypatch):
    """Two rows are many: the task worker makes the file."""
    monkeypatch.setattr(exporting, "SMALL", 1)


def file_of(browser: Browser, answer):
    """The file that a form without scripts is led to."""
    assert answer.status_code == 303
    return browser.get(answer.url)


def sheet_of(answer) -> list[dict[str, str]]:
    heading, *rows = load_workbook(io.BytesIO(answer.getvalue())).worksheets[0].iter_rows(values_only=True)
    return [dict(zip(heading, row, strict=True)) for row in rows]


def uuids_in(answer) -> list[str]:
    return [row["ID"] for row in sheet_of(answer)]


# --- The dialog ------------------------------------------------------------------------------------
def test_the_dialog_says_what_will_be_in_the_file_and_how_many_rows(sams, texts):
    page = sams.get(NEW, {"q": "számla", "from": "2026-11-01"}).text
    for words in ("What the filter shows", "text: számla", "from November 1", "1 row", "All messages", "4 rows"):
        assert words in page
    assert "From all lines of Kontakt Kft." in page


def test_without_a_filter_there_is_nothing_to_choose_between(sams, texts):
    page = sams.get(NEW, headers=HTMX).text
    assert "What the filter shows" not in page
    assert "Download: 4 rows" in page


def test_the_messages_that_were_picked_are_the_only_choice(sams, texts):
    page = sams.get(NEW, {"only": f"{texts[0].uuid},{texts[2].uuid}"}).text
    assert "The messages you picked" in page
    assert "Download: 2 rows" in page
    assert "All messages" not in page


def test_a_colleague_is_told_of_which_lines(danas, texts):
    page = danas.get(NEW).text
    assert "From the lines you may see: Support" in page
    assert "Download: 3 rows" in page


def test_large_numbers_are_written_as_the_language_does(bela, kontakt, texts, monkeypatch):
    monkeypatch.setattr(downloads, "counted", lambda user, wanted: 1284)
    bela.role = Role.SUPERVISOR
    bela.save()
    assert "Letöltés: 1\N{NO-BREAK SPACE}284 sor" in Browser(bela).get(NEW).text


def test_what_can_not_be_counted_in_time_is_said_to_be_many(sams, texts, monkeypatch):
    assert downloads.PATIENCE_SECONDS == 3
    monkeypatch.setattr(downloads, "PATIENCE_SECONDS", 0.05)
    with endless("COUNT(") as met:
        page = sams.get(NEW).text
    assert len(met) == 1
    assert "Download: more than 10,000 rows" in page


@pytest.mark.parametrize("headers", [{}, FRAMES, HTMX], ids=["page", "scripts", "htmx"])
@pytest.mark.parametrize("wrong", [{"from": "someday"}, {"line": "x"}, {"only": "x"}, {"from": "2026-11-02", "to": "2026-11-01"}])
def test_a_filter_that_is_none_is_refused_and_says_why(sams, texts, wrong, headers):
    for answer in (sams.get(NEW, wrong, headers=headers), sams.post(EXPORTS, wrong, headers=headers)):
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
    assert not Export.objects.exists()


# --- The file --------------------------------------------------------------------------------------
def test_the_file_holds_what_the_page_shows_in_its_order(sams, texts):
    wanted = {"q": "köszönöm", "oldest": "1"}
    page = sams.get("/messages/", wanted).text
    shown = re.findall(r'<tr id="message-([\w-]+)"', page)
    assert shown == [str(texts[2].uuid)]
    assert uuids_in(file_of(sams, sams.post(EXPORTS, wanted | {"scope": "filter"}))) == shown


def test_all_or_what_the_filter_shows(sams, texts):
    newest_first = [str(text.uuid) for text in reversed(texts)]
    assert uuids_in(file_of(sams, sams.post(EXPORTS, {"q": "szia", "scope": "all"}))) == newest_first
    assert uuids_in(file_of(sams, sams.post(EXPORTS, {"q": "szia", "scope": "filter"}))) == newest_first[-1:]
    assert uuids_in(file_of(sams, sams.post(EXPORTS, {"oldest": "1", "scope": "all"}))) == newest_first[::-1]


def test_one_message_or_one_conversation(sams, texts):
    assert uuids_in(file_of(sams, sams.post(EXPORTS, {"only": texts[1].uuid}))) == [str(texts[1].uuid)]
    thread = {"conversation": texts[0].conversation_id, "oldest": "1"}
    assert uuids_in(file_of(sams, sams.post(EXPORTS, thread))) == [str(text.uuid) for text in texts[:3]]


def test_a_colleague_gets_what_they_may_see(danas, texts):
    assert set(uuids_in(file_of(danas, danas.post(EXPORTS)))) == {str(text.uuid) for text in texts[:3]}


def test_as_csv(sams, texts):
    answer = file_of(sams, sams.post(EXPORTS, {"format": "csv", "oldest": "1"}))
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert [row["Message"] for row in rows] == ["Szia! =1+1", "Kérem a számlát", "Köszönöm", "Titok"]
    assert {row["Number"] for row in rows} == {"'" + BOTI}


def test_a_format_that_we_do_not_have_is_refused(sams, texts):
    assert sams.post(EXPORTS, {"format": "pdf"}).status_code == 422
    assert not Export.objects.exists()


def test_nothing_to_download_is_said(sams, texts):
    answer = sams.post(EXPORTS, {"q": "semmi"})
    assert answer.status_code == 422
    assert "There is nothing to download" in answer.text


def test_our_scripts_are_told_where_it_is(sams, texts):
    answer = sams.say(EXPORTS)
    address = re.fullmatch(r'<live-download href="([^"]+)"></live-download>', answer.text)[1]
    assert len(uuids_in(sams.get(address))) == 4


@pytest.mark.parametrize(("who", "name"), [("sam", "fonal-messages-2026-11-23-1100"), ("bela", "fonal-uzenetek-2026-11-23-1100")])
def test_it_is_handed_out_as_a_file_that_nobody_keeps(who, name, texts, sam, bela):
    User.objects.filter(pk=bela.pk).update(role=Role.SUPERVISOR)
    browser = Browser(User.objects.get(username=who))
    answer = browser.post(EXPORTS)
    Export.objects.update(created_at=NOW)
    answer = browser.get(answer.url)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}.xlsx"'
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert int(answer.headers["Content-Length"]) == len(answer.getvalue())


def test_no_name_of_anybody_gets_into_a_header(sam, kontakt, texts):
    wicked = 'x"\r\nSet-Cookie: a=b; é'
    Subscriber.objects.filter(pk=kontakt.pk).update(name=wicked)
    User.objects.filter(pk=sam.pk).update(name=wicked)
    Contact.objects.update(name=wicked)
    browser = Browser(sam)
    answer = file_of(browser, browser.post(EXPORTS, {"q": wicked, "scope": "all"}))
    assert re.fullmatch(r'attachment; filename="fonal-messages-[\d-]+\.xlsx"', answer.headers["Content-Disposition"])
    assert "a" not in answer.cookies


def test_each_download_is_written_down(sams, sam, texts):
    file_of(sams, sams.post(EXPORTS, {"q": "szia"}))
    export = Export.objects.get()
    finished, fetched = AuditEntry.objects.filter(action__startswith="export.").order_by("id")
    assert (finished.actor, fetched.actor) == (sam, sam)
    assert finished.target == fetched.target == str(export.uuid)
    assert finished.detail["rows"] == 1
    # What was looked for may be a customer's name: the log is for ever, and says only that something was.
    assert finished.detail["filter"] == {"q": "…"}
    assert fetched.detail["sha256"] == export.sha256


# --- Who may ---------------------------------------------------------------------------------------
def every_door(export: uuid.UUID, conversation: int) -> list[tuple[str, str]]:
    return [
        ("get", NEW),
        ("get", EXPORTS),
        ("post", EXPORTS),
        ("get", f"{EXPORTS}{export}/"),
        ("post", f"{EXPORTS}{export}/cancel/"),
        ("get", CHECK),
        ("post", CHECK),
        ("get", f"/conversations/{conversation}/print/"),
    ]


@pytest.fixture
def sams_export(sams, texts) -> Export:
    sams.post(EXPORTS)
    return Export.objects.get()


def test_a_colleague_who_may_not_is_refused_at_every_door_and_sees_no_button(dana, sams_export, texts):
    browser = Browser(dana)
    for method, address in every_door(sams_export.uuid, texts[0].conversation_id):
        assert getattr(browser, method)(address).status_code == 403, address
    for address in ("/", "/messages/", "/settings/"):
        page = browser.get(address).text
        assert "data-exports" not in page
        assert EXPORTS not in page
    assert Export.objects.count() == 1


def test_nobody_is_led_to_the_log_in(sams_export, texts):
    for method, address in every_door(sams_export.uuid, texts[0].conversation_id):
        answer = getattr(Browser(), method)(address)
        assert answer.status_code == 302, address
        assert answer.url.startswith("/login/"), address


@pytest.mark.parametrize("who", ["ada", "eve"])
def test_somebody_elses_is_like_one_that_does_not_exist(who, sams_export, request, rival):
    user = request.getfixturevalue(who)
    rival.colleagues_may_export = True
    rival.save()
    browser = Browser(User.objects.get(pk=user.pk))
    for address in ("/messages/exports/{}/", "/messages/exports/{}/cancel/"):
        method = browser.post if "cancel" in address else browser.get
        theirs, nothing = method(address.format(sams_export.uuid)), method(address.format(uuid.uuid4()))
        assert theirs.status_code == nothing.status_code == 404
        assert theirs.text == nothing.text
    assert str(sams_export.uuid) not in browser.get(EXPORTS).text
    assert str(sams_export.uuid) not in browser.get(EXPORTS, {"of": sams_export.uuid}, headers=FRAMES).text


def test_who_loses_the_right_loses_the_file(danas, dana, kontakt, texts):
    answer = danas.post(EXPORTS)
    assert danas.get(answer.url).status_code == 200
    kontakt.colleagues_may_export = False
    kontakt.save()
    assert danas.get(answer.url).status_code == 403


def test_who_loses_a_line_loses_the_file(danas, dana, texts):
    answer = danas.post(EXPORTS)
    LineAccess.objects.filter(user=dana).delete()
    refused = danas.get(answer.url)
    assert refused.status_code == 403
    assert "Szia" not in refused.text


def test_after_a_day_it_is_gone_and_can_be_made_again(sams, texts):
    answer = sams.post(EXPORTS, {"q": "szia"})
    Export.objects.update(expires_at=clock() - timedelta(seconds=1))
    gone = sams.get(answer.url)
    assert gone.status_code == 410
    assert "This file is no longer kept" in gone.text
    assert f'href="{NEW}?q=szia"' in gone.text


# --- While it is made ------------------------------------------------------------------------------
@pytest.fixture
def running(large, sams, texts) -> Export:
    """Sam's large export, with a quarter of it made."""
    assert sams.post(EXPORTS, {"q": "", "scope": "all"}).status_code == 302
    Export.objects.update(
        status=ExportStatus.RUNNING,
        file="x",
        rows_expected=2000,
        rows_done=500,
        started_at=clock() - timedelta(seconds=5),
        seen_at=clock(),
    )
    return Export.objects.get()


def test_a_large_one_waits_for_the_worker_and_the_page_says_so(large, sams, texts):
    answer = sams.post(EXPORTS)
    assert (answer.status_code, answer.url) == (302, EXPORTS)
    assert Export.objects.get().status == ExportStatus.QUEUED
    assert "Your download is waiting for its turn" in sams.get(EXPORTS).text


def test_our_scripts_get_its_card(large, sams, texts):
    answer = sams.say(EXPORTS)
    assert answer.text.startswith("<live-export>")
    assert str(Export.objects.get().uuid) in answer.text


def test_how_far_it_has_got_stands_on_every_page_of_that_person_only(running, sams, ada):
    for address in ("/", "/messages/", "/settings/", EXPORTS):
        page = sams.get(address).text
        assert page.count(f'data-export="{running.uuid}"') == 1, address
        assert "500 of 2,000 rows" in page
        assert '<progress max="2000" value="500"' in page
        assert str(running.uuid) not in Browser(ada).get(address).text


def test_its_card_names_the_file_and_leads_to_all_of_them(running, sams, sam):
    name = exporting.file_name(running)
    assert re.fullmatch(r"fonal-messages-[\d-]{15}\.xlsx", name)
    assert f'<p class="file">{name}</p>' in sams.get("/messages/").text
    Export.objects.update(status=ExportStatus.FINISHED, finished_at=clock(), expires_at=clock() + timedelta(hours=24))
    told = sams.get(EXPORTS, {"of": running.uuid}, headers=FRAMES).text
    assert f'<p class="file">{name}</p>' in told
    assert f'href="{EXPORTS}"' in told
    assert f'<p class="file">{name}</p>' in sams.get(EXPORTS).text


def test_the_companys_settings_about_downloads_lead_to_them(ada, texts):
    assert f'href="{EXPORTS}"' in Browser(ada).get("/company/").text


def test_the_cards_cost_one_question_however_many_there_were(sams, texts, django_assert_max_num_queries, sam):
    sams.get("/settings/")
    with django_assert_max_num_queries(20) as asked:
        sams.get("/settings/")
    without = len(asked)
    for _ in range(5):
        sams.post(EXPORTS)
    with django_assert_max_num_queries(without):
        sams.get("/settings/")


def test_without_scripts_the_page_of_downloads_looks_again_while_one_is_unfinished(running, sams):
    assert '<noscript><meta http-equiv="refresh"' in sams.get(EXPORTS).text
    exporting.cancel_export(export=running, now=clock())
    assert 'http-equiv="refresh"' not in sams.get(EXPORTS).text


def test_without_a_socket_our_scripts_ask_how_far_it_has_got(running, sams):
    asked = sams.get(EXPORTS, {"of": running.uuid}, headers=FRAMES)
    assert re.match(r"<live-export>\s*<article class=\"export running\"", asked.text)
    exporting.cancel_export(export=running, now=clock())
    assert "export cancelled" in sams.get(EXPORTS, {"of": running.uuid}, headers=FRAMES).text
    assert sams.get(EXPORTS, {"of": "x,,1"}, headers=FRAMES).text == ""


@pytest.mark.parametrize("headers", [{}, FRAMES], ids=["page", "scripts"])
def test_a_second_one_shows_the_first_and_how_to_stop_it(running, sams, headers):
    answer = sams.post(EXPORTS, {"q": "szia"}, headers=headers)
    assert answer.status_code == 409
    assert "Another download of yours is being made" in answer.text
    assert f'action="{EXPORTS}{running.uuid}/cancel/"' in answer.text
    # What was asked for can be asked for again.
    assert 'name="q" value="szia"' in answer.text
    assert Export.objects.count() == 1


def test_it_can_be_stopped(running, sams):
    answer = sams.say(f"{EXPORTS}{running.uuid}/cancel/")
    assert "The download was cancelled" in answer.text
    running.refresh_from_db()
    assert running.status == ExportStatus.CANCELLED
    # Once more, or too late, does nothing.
    assert sams.post(f"{EXPORTS}{running.uuid}/cancel/").url == EXPORTS
    assert sams.get(f"{EXPORTS}{running.uuid}/").status_code == 410


def test_what_is_not_finished_leads_to_its_progress(running, sams):
    answer = sams.get(f"{EXPORTS}{running.uuid}/")
    assert (answer.status_code, answer.url) == (302, EXPORTS)


def test_what_could_not_be_made_says_so(sams, texts, monkeypatch):
    def break_down(*_args, **_kwargs):
        raise RuntimeError("disk full")

    monkeypatch.setattr(making, "_written", break_down)
    answer = sams.post(EXPORTS)
    assert answer.status_code == 422
    assert "The file could not be made" in answer.text
    assert "The download could not be made" in sams.get(EXPORTS).text


def test_why_it_could_not_be_made_is_said_where_that_is_of_help(sams, texts, monkeypatch):
    monkeypatch.setattr("server.history.export_files.LEAST_FREE", 1 << 62)
    answer = sams.post(EXPORTS)
    assert answer.status_code == 422
    assert "The server has no room for files" in answer.text
    assert "The server has no room for files" in sams.get(EXPORTS).text


# --- Live ------------------------------------------------------------------------------------------
def frames_since(kontakt, number: int = 0):
    events = [event for event in missed_since(subscriber_id=kontakt.pk, since=number).events if event.kind == Kind.EXPORT_CHANGED]
    return frames_for(events, ("en", "hu"))


def test_a_persons_own_tabs_are_told_in_their_language(running, kontakt, sam):
    frames = frames_since(kontakt)
    assert {frame.user_id for frame in [*frames["en"], *frames["hu"]]} == {sam.pk}
    assert "500 of 2,000 rows" in "".join(frame.text for frame in frames["en"])
    assert "500 / 2\N{NO-BREAK SPACE}000 sor" in "".join(frame.text for frame in frames["hu"])


def test_the_end_is_told_with_the_link(large, sams, kontakt, sam, texts):
    sams.post(EXPORTS)
    export = Export.objects.get()
    making.make_export(export_id=export.pk)
    (frame,) = frames_since(kontakt)["en"]
    assert "Your download is ready" in frame.text
    assert f'href="{EXPORTS}{export.uuid}/"' in frame.text


def test_a_small_one_that_is_there_at_once_makes_no_card(sams, kontakt, texts):
    sams.post(EXPORTS)
    assert frames_since(kontakt) == {"en": [], "hu": []}
    assert f'data-export="{Export.objects.get().uuid}"' not in sams.get("/").text


# --- Colleagues, too -------------------------------------------------------------------------------
def test_an_administrator_lets_colleagues_download(ada, kontakt, dana):
    browser = Browser(ada)
    assert "Colleagues may download the messages they see" in browser.get("/company/").text
    assert browser.post("/company/exports/", {"allowed": "1"}).url == "/company/#exports"
    kontakt.refresh_from_db()
    assert kontakt.colleagues_may_export
    assert AuditEntry.objects.get(action="exports.allowed").actor == ada
    assert Browser(dana).get(NEW).status_code == 200
    browser.post("/company/exports/")
    kontakt.refresh_from_db()
    assert not kontakt.colleagues_may_export
    assert AuditEntry.objects.get(action="exports.forbidden").actor == ada
    kinds = [event.kind for event in missed_since(subscriber_id=kontakt.pk, since=0).events]
    assert kinds == [Kind.ACCESS_CHANGED] * 2


def test_deciding_the_same_again_is_nothing_new(ada, kontakt):
    Browser(ada).post("/company/exports/")
    assert not AuditEntry.objects.filter(action__startswith="exports.").exists()
    assert missed_since(subscriber_id=kontakt.pk, since=0).events == []


@pytest.mark.parametrize("who", ["dana", "sam", "eve"])
def test_nobody_else_decides_it(who, kontakt, rival, request):
    browser = Browser(request.getfixturevalue(who))
    assert browser.post("/company/exports/", {"allowed": "1"}).status_code == 403
    assert browser.get("/company/").status_code == 403
    for company in (kontakt, rival):
        company.refresh_from_db()
        assert not company.colleagues_may_export


# --- Checking a file -------------------------------------------------------------------------------
def check(browser: Browser, content: bytes, name: str = "fonal.xlsx"):
    return browser.post(CHECK, {"file": SimpleUploadedFile(name, content)})


@pytest.fixture
def file(sams, texts) -> bytes:
    return file_of(sams, sams.post(EXPORTS, {"q": "szia", "scope": "all"})).getvalue()


def rewritten(content: bytes, **cells: str) -> bytes:
    """Opened and saved by another program, with these cells changed."""
    book = load_workbook(io.BytesIO(content))
    for cell, value in cells.items():
        book.worksheets[0][cell] = value
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def test_the_very_file_is_known_with_who_when_and_what(sams, ada, file):
    page = check(Browser(ada), file).text
    for words in ("This is exactly the file that was downloaded", "Sam", "All messages", ">4<"):
        assert words in page


def test_a_file_that_was_only_saved_again_is_known(sams, file):
    assert "The rows are unchanged" in check(sams, rewritten(file)).text


def test_a_changed_row_is_seen(sams, file):
    column = next(cell.column_letter for cell in load_workbook(io.BytesIO(file)).worksheets[0][1] if cell.value == "Message")
    page = check(sams, rewritten(file, **{f"{column}2": "Soha"})).text
    assert "The rows were changed" in page
    assert "<dt>When</dt>" in page


def test_a_forged_passport_tells_nothing_of_the_download_that_it_names(sams, danas, file):
    export, book = Export.objects.get(), Workbook()
    book.active.append(["Export ID", str(export.uuid)])
    saved = io.BytesIO()
    book.save(saved)
    page = check(danas, saved.getvalue()).text
    assert "The rows were changed" in page
    for name in ("Downloaded by", "Filter", "Rows", "Period"):
        assert f"<dt>{name}</dt>" not in page


def test_a_filter_is_told_as_far_as_the_reader_may_see(sams, danas, sales_line, boti_texts, texts):
    boti_texts("for sales", to=sales_line)
    asked = {"line": str(sales_line.pk), "scope": "filter"}
    file = file_of(sams, sams.post(EXPORTS, asked)).getvalue()
    assert "<dd>line: Sales</dd>" in check(sams, file).text
    page = check(danas, file).text
    assert "<dd>line: not available</dd>" in page
    assert "<dd>line: Sales</dd>" not in page


def test_another_companys_file_is_not_ours(file, eve, rival):
    User.objects.filter(pk=eve.pk).update(role=Role.SUPERVISOR)
    page = check(Browser(User.objects.get(pk=eve.pk)), file).text
    assert "downloads" in page
    assert "Not one of your company" in page
    assert "Sam" not in page


def test_a_strange_workbook_is_not_ours(sams):
    saved = io.BytesIO()
    Workbook().save(saved)
    assert "Not one of your company" in check(sams, saved.getvalue()).text


def test_what_is_too_large_to_be_compared_is_said_to_be(sams, file, monkeypatch):
    monkeypatch.setattr(spreadsheets, "LARGEST_UNPACKED", 1000)
    page = check(sams, rewritten(file)).text
    assert "Too large to be compared row by row" in page
    assert "be read" not in page
    assert "This is exactly the file" in check(sams, file).text


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"<html>", b"\x00" * 5000])
def test_what_can_not_be_read_is_said_calmly(sams, content):
    answer = check(sams, content)
    assert answer.status_code in {200, 422}
    assert "be read" in answer.text or "Choose a file first" in answer.text


def test_no_file_is_asked_for(sams):
    answer = sams.post(CHECK)
    assert answer.status_code == 422
    assert "Choose a file first" in answer.text


def test_too_large_a_file_is_refused_before_it_is_read(sam, monkeypatch):
    def read(*_args):
        raise AssertionError("it was read")

    monkeypatch.setattr("django.http.HttpRequest._load_post_and_files", read)
    # As in production: the protection against forged forms reads the form, too.
    browser = Browser(sam, enforce_csrf_checks=True)
    length = str(views.LARGEST_CHECKED + 1)
    answer = browser.generic("POST", "/messages/exports/check/", b"x", "multipart/form-data; boundary=x", CONTENT_LENGTH=length)
    assert answer.status_code == 413
    assert "The file is too large" in answer.text


def test_a_form_that_was_forged_is_refused(sam, texts):
    browser = Browser(sam, enforce_csrf_checks=True)
    assert check(browser, b"x").status_code == 403
    assert browser.post(EXPORTS).status_code == 403
    page = browser.get(CHECK).text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    assert browser.post(CHECK, {"file": SimpleUploadedFile("x.csv", b"x"), "csrfmiddlewaretoken": token}).status_code == 200


def test_a_file_name_is_only_a_text(sams):
    answer = check(sams, b"x", name="<b>szia.csv")
    assert "<b>szia" not in answer.text
    assert "&lt;b&gt;szia" in answer.text


# --- On paper --------------------------------------------------------------------------------------
def paper(browser: Browser, conversation: int, **query: str) -> str:
    answer = browser.get(f"/conversations/{conversation}/print/", query)
    assert answer.status_code == 200
    return answer.getvalue().decode()


def test_a_thread_is_printed_oldest_first_with_days_names_and_notes(sams, sam, dana, texts):
    conversation = texts[0].conversation
    queue_sms(uuid=uuid.uuid4(), conversation=conversation, body="Jövünk <b>!</b>", author=dana, now=NOW + timedelta(days=1))
    write_note(uuid=uuid.uuid4(), conversation=conversation, body="Fontos ügyfél", author=dana, now=NOW + timedelta(days=1))
    page = paper(sams, conversation.pk, notes="1")
    in_order = ["Kontakt Kft.", "Kiss Boti", "+36 30 999 0001", "Support", "Monday, November 23, 2026", "=1+1", "Kérem a számlát"]
    in_order += ["Köszönöm", "Tuesday, November 24, 2026", "Jövünk &lt;b&gt;!&lt;/b&gt;", "Dana", "Internal note", "Fontos ügyfél"]
    page = page[page.index("<main") :]
    places = [page.index(words) for words in in_order]
    assert places == sorted(places)
    assert page.count("paper-day") == 2
    assert "Titok" not in page
    entry = AuditEntry.objects.get(action="conversation.printed")
    assert (entry.actor, entry.target, entry.detail["notes"]) == (sam, str(conversation.pk), True)


@pytest.mark.parametrize("query", [{}, {"notes": "0"}, {"notes": ""}, {"notes": "yes"}])
def test_notes_are_not_printed_unless_they_are_asked_for(sams, dana, texts, query):
    conversation = texts[0].conversation
    write_note(uuid=uuid.uuid4(), conversation=conversation, body="Fontos ügyfél", author=dana, now=NOW)
    page = paper(sams, conversation.pk, **query)
    assert "Fontos" not in page
    assert "Internal" not in page
    assert "=1+1" in page


def test_what_was_taken_away_is_not_printed(sams, texts):
    Message.objects.filter(pk=texts[1].pk).update(deleted_at=NOW)
    assert "számlát" not in paper(sams, texts[0].conversation_id)


def test_a_long_thread_is_printed_whole_with_each_day_once(sams, texts, django_assert_max_num_queries):
    first = texts[0]
    Message.objects.bulk_create(
        Message(
            subscriber_id=first.subscriber_id,
            conversation_id=first.conversation_id,
            line_id=first.line_id,
            direction="in",
            status="received",
            body=f"Sorszám {n:04}.",
            created_at=NOW + timedelta(minutes=10 + n // 3),
        )
        for n in range(1200)
    )
    with django_assert_max_num_queries(25):
        page = paper(sams, first.conversation_id)
    assert re.findall(r"Sorszám (\d{4})", page) == [f"{n:04}" for n in range(1200)]
    assert page.count("paper-day") == 1


def test_a_thread_on_a_line_that_one_was_not_given_is_not_printed(danas, texts):
    assert danas.get(f"/conversations/{texts[3].conversation_id}/print/").status_code == 404
    assert not AuditEntry.objects.filter(action="conversation.printed").exists()


def test_the_threads_menu_offers_paper_and_sheet(sams, texts):
    page = sams.get(f"/conversations/{texts[0].conversation_id}/").text
    assert f"/conversations/{texts[0].conversation_id}/print/" in page
    assert f"{NEW}?conversation={texts[0].conversation_id}&amp;oldest=1" in page
