"""Kimutatás: who sees which numbers, what the page refuses, and the workbook."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from io import BytesIO
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from server.accounts.models import AuditEntry, User
from server.contacts.models import Contact
from server.messaging.inbound import conversation_between
from server.messaging.models import Conversation, Direction, Message, Status
from tests.cut_off import cut_off
from tests.doors import Browser

NOVEMBER = "from=2026-11-01&to=2026-11-30"
# They end with the last message, whatever the day on which the tests run.
WEEKS = "from=2026-11-01&to=2026-11-20"
# Friday, November 20, 2026, 9:00 in Budapest.
MORNING = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
NASTY = '"><script>alert(1)</script><text>'


@pytest.fixture
def history(kontakt, line, sales_line, dana, bela):
    """On the shared line two questions, dana's answer of three segments, bela's that failed; on Sales one question."""
    boti = _conversation(line, "+36309990001", "Kiss Boti")
    _say(boti, 0)
    _say(boti, 10, dana, segments=3, plain_segments=1)
    _say(boti, 60)
    _say(boti, 90, bela, status=Status.FAILED, reason="unreachable")
    hidden = _conversation(sales_line, "+36309990002", "Nagy Cili")
    _say(hidden, 0)
    Conversation.objects.filter(pk=hidden.pk).update(waiting_since=MORNING)
    return boti


def _conversation(line, number: str, name: str) -> Conversation:
    contact = Contact.objects.create(subscriber=line.subscriber, number=number, name=name, created_at=MORNING)
    return conversation_between(line=line, contact=contact, now=MORNING)


def _say(conversation: Conversation, minutes: int, author: User | None = None, **facts) -> Message:
    direction, status = (Direction.OUT, Status.DELIVERED) if author else (Direction.IN, Status.RECEIVED)
    return Message.objects.create(
        subscriber_id=conversation.subscriber_id,
        conversation=conversation,
        line_id=conversation.line_id,
        direction=direction,
        author=author,
        created_at=MORNING + timedelta(minutes=minutes),
        **({"status": status, "body": "Szia"} | facts),
    )


def page_of(user: User, query: str = NOVEMBER):
    return Browser(user).get(f"/figures/?{query}")


def tiles(page) -> dict[str, str]:
    found = re.findall(r"<dt>([^<]+)</dt><dd class=\"num\">([^<]+)</dd>", page.text)
    return {unescape(name): unescape(number) for name, number in found}


def table(page, key: str) -> list[list[str]]:
    """The numbers behind a chart."""
    section = re.search(rf'aria-labelledby="title-{key}".*?</section>', page.text, re.DOTALL)
    assert section, key
    body = re.search(r"<tbody>(.*?)</tbody>", section[0], re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", body[1] if body else "", re.DOTALL)
    return [[unescape(cell) for cell in re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row)] for row in rows]


# --- What is shown, and to whom --------------------------------------------------------------------


def test_a_supervisor_sees_all_lines_and_everybody(sam, history):
    page = page_of(sam)
    assert page.status_code == 200
    shown = tiles(page)
    assert (shown["Incoming"], shown["Outgoing"], shown["Answered within"], shown["Delivered"]) == ("3", "2", "10\xa0min", "50.0%")
    assert shown["Waiting now"] == "1"
    assert table(page, "lines") == [["Support", "2", "2", "1", "4"], ["Sales", "1", "0", "0", "0"]]
    assert table(page, "colleagues") == [["Bela", "1", "1", "1", "1", "30\xa0min"], ["Dana", "1", "0", "3", "1", "10\xa0min"]]
    assert table(page, "reasons") == [["the phone could not be reached", "1"]]
    assert ["Friday, November 20, 2026", "3", "2"] in table(page, "messages")
    assert table(page, "hours")[4][10:12] == ["2", "1"]
    assert "Accents cost 2 of 4 segments: without them 2 would have done, 50.0% less." in page.text
    assert "Nagy Cili" in page.text


def test_a_colleague_sees_the_own_lines_and_nobody_elses_row(dana, history):
    page = page_of(dana)
    assert table(page, "lines") == [["Support", "2", "2", "1", "4"]]
    assert table(page, "colleagues") == [["Dana", "1", "0", "3", "1", "10\xa0min"]]
    section = page.text.split('id="title-colleagues"')[1]
    assert "Bela" not in section
    assert "Nagy Cili" not in page.text
    assert tiles(page)["Waiting now"] == "0"
    assert "Nobody is waiting for an answer." in page.text


def test_a_colleague_is_told_kindly_that_the_figures_of_others_are_not_to_be_seen(dana, bela, history, kontakt):
    kontakt.colleagues_may_export = True
    kontakt.save()
    of_bela = f"{NOVEMBER}&colleague={bela.pk}"
    page = page_of(dana, of_bela)
    assert page.status_code == 422
    assert "Only supervisors and administrators see the figures of others." in page.text
    assert not tiles(page)
    assert "30\xa0min" not in page.text
    # Its quick choices lead out of there.
    assert "colleague=" not in "".join(re.findall(r'href="(/figures/\?[^"]*)"', page.text))
    assert "/figures/download/" not in page.text
    answer = Browser(dana).get(f"/figures/download/?{of_bela}")
    assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, "/figures/")
    assert f"colleague={bela.pk}" in answer.headers["Location"]
    assert not AuditEntry.objects.filter(action="figures.downloaded").exists()


def test_a_colleague_asks_for_the_own_figures_and_a_supervisor_for_anybodys(dana, bela, sam, history):
    of_dana, of_bela = (page_of(person, f"{NOVEMBER}&colleague={pk}") for person, pk in ((dana, dana.pk), (sam, bela.pk)))
    assert (tiles(of_dana)["Answered within"], tiles(of_bela)["Answered within"]) == ("10\xa0min", "30\xa0min")


@pytest.mark.parametrize("query", ["", f"&line={{line}}&{NOVEMBER}", f"&conversation={{conversation}}&{NOVEMBER}"])
def test_another_companys_ids_give_nothing(eve, history, query):
    page = page_of(eve, query.format(line=history.line_id, conversation=history.pk))
    assert page.status_code == 200
    assert "No messages in this period" in page.text
    assert not re.search("Boti|Dana|Support|999 0001", page.text)


def test_without_log_in_without_sms_and_for_the_operator_there_is_no_page(kontakt, dana, oper, client):
    assert client.get("/figures/").status_code == 302
    assert Browser(oper).get("/figures/").status_code == 302
    kontakt.activation.sms_since = kontakt.activation.chat_since = None
    kontakt.activation.save()
    assert Browser(dana).get("/figures/").status_code == 403
    assert Browser(dana).get("/figures/download/").status_code == 403


def test_without_chat_those_who_wait_lead_to_their_messages(sam, history, kontakt):
    conversation = Conversation.objects.get(waiting_since__isnull=False)
    assert f'href="/conversations/{conversation.pk}/"' in page_of(sam).text
    kontakt.activation.chat_since = None
    kontakt.activation.save()
    assert f'href="/messages/?conversation={conversation.pk}"' in page_of(sam).text


def test_the_menu_leads_there(dana, line):
    assert 'href="/figures/" aria-current="page"' in page_of(dana, "").text
    assert 'href="/figures/"' in Browser(dana).get("/messages/").text


# --- The filter --------------------------------------------------------------------------------------


def test_without_dates_the_page_says_that_it_is_the_last_thirty_days(dana, line):
    page = page_of(dana, "")
    assert "Figures of the last 30 days, from " in page.text
    assert re.search(r'aria-current="true">30 days</a>', page.text)
    assert "last 30 days, from" not in page_of(dana, NOVEMBER).text


def test_a_quick_choice_keeps_the_other_conditions(sam, history):
    page = page_of(sam, f"{NOVEMBER}&line={history.line_id}")
    choices = [
        unescape(query) for query in re.findall(r'href="/figures/\?([^"]+)"[^>]*>(?:7 days|Last month|This year)', page.text)
    ]
    assert len(choices) == 3
    assert all(f"line={history.line_id}" in choice for choice in choices)
    assert table(page, "lines") == [["Support", "2", "2", "1", "4"]]


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("from=2026-11-30&to=2026-11-01", "The end lies before the beginning."),
        ("from=tomorrow", "Write it like 2026-11-01 08:30."),
        ("line=x&status=lost", "There is no such choice."),
    ],
)
def test_a_filter_that_is_none_is_refused_with_its_reason_and_no_numbers(sam, history, query, problem):
    page = page_of(sam, query)
    assert page.status_code == 422
    assert problem in page.text
    assert not tiles(page)
    assert "<svg class=" not in page.text
    assert "/figures/download/" not in page.text
    answer = Browser(sam).get(f"/figures/download/?{query}")
    assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, "/figures/")


def test_where_there_is_nothing_a_sentence_says_so_instead_of_a_chart(sam, history):
    page = page_of(sam, f"{NOVEMBER}&direction=in")
    assert "No outgoing message in this period." in page.text
    assert 'aria-labelledby="title-reasons explained-reasons"' not in page.text
    assert "No incoming message in this period." in page_of(sam, f"{NOVEMBER}&direction=out").text


def test_too_much_at_once_is_said_kindly(sam, history):
    with cut_off('"all_segments"') as met:
        page = page_of(sam)
        download = Browser(sam).get(f"/figures/download/?{NOVEMBER}")
    assert len(met) == 2
    assert page.status_code == 422
    assert "please choose a shorter period" in page.text
    assert not tiles(page)
    assert download.status_code == 302


TOO_LONG = (
    "The period is too long for this figure: it could not be counted in time. "
    "Please choose a shorter one, for example November 14 – 20, 2026."
)
TOO_MUCH = "There is too much for this figure: it could not be counted in time. Please narrow the filter."


@pytest.mark.parametrize(
    ("key", "sheet", "part", "said"),
    [
        ("messages", "Messages per day", '"start"', TOO_LONG),
        ("hours", "Busiest hours", '"weekday"', TOO_LONG),
        ("answers", "First answer", "LEAD(", TOO_LONG),
        ("waiting", "Waiting longest now", '"waiting_since" IS NOT NULL', TOO_MUCH),
    ],
)
def test_what_could_not_be_counted_in_time_says_so_on_its_own_card_and_sheet(sam, history, key, sheet, part, said):
    others = {"messages", "hours", "answers", "lines", "colleagues", "delivery", "reasons", "segments"} - {key}
    with cut_off(part) as met:
        page, book = page_of(sam, WEEKS), sheets_of(sam, WEEKS)
    assert len(met) == 2
    assert page.status_code == 200
    card = re.search(rf'<section[^>]*aria-labelledby="title-{key}".*?</section>', page.text, re.DOTALL)[0]
    assert said in card
    assert '<svg class="chart' not in card
    assert page.text.count(" it could not be counted in time.") == 1
    assert all(table(page, other) for other in others)
    assert values(book[sheet])[0] == [said]
    assert len([cell for row in values(book[sheet]) for cell in row]) == 2
    assert len(values(book["By line"])) > 2


def test_a_key_number_that_could_not_be_counted_in_time_is_a_dash(sam, history):
    with cut_off("LEAD(", '"waiting_since" IS NOT NULL'):
        page = page_of(sam)
    shown = tiles(page)
    assert (shown["Incoming"], shown["Outgoing"], shown["Delivered"]) == ("3", "2", "50.0%")
    assert (shown["Answered within"], shown["Waiting now"]) == ("–", "–")
    assert page.text.count('<dd class="about">could not be counted in time</dd>') == 2
    assert table(page, "colleagues") == [["Bela", "1", "1", "1", "–", "–"], ["Dana", "1", "0", "3", "–", "–"]]
    assert "Answers could not be counted in time." in page.text


def test_the_shorter_period_is_one_click_away_with_the_other_conditions_kept(sam, history):
    with cut_off("LEAD("):
        page = page_of(sam, f"from=2026-11-01&to=2026-11-20&line={history.line_id}")
    (query,) = re.findall(r'href="/figures/\?([^"]+)">Show the shorter period', page.text)
    assert f"line={history.line_id}" in query
    shorter = page_of(sam, unescape(query))
    assert "Figures of November 14 – 20" in shorter.text
    assert tiles(shorter)["Incoming"] == "2"


def waiting_card(page) -> str:
    return re.search(r'<section[^>]*aria-labelledby="title-waiting".*?</section>', page.text, re.DOTALL)[0]


def test_who_waits_says_which_conditions_it_does_not_look_at(sam, history):
    page = page_of(sam, f"{NOVEMBER}&line={history.line_id}&q=szia&direction=in")
    card = waiting_card(page)
    assert re.findall(r'<span class="condition">([^<]+)</span>', card) == ["direction: Incoming", "text: szia"]
    assert "Does not depend on:" in card
    assert "not by every condition of the filter" in page.text
    # Nothing was found; who waits does not wait because of that text.
    card = waiting_card(page_of(sam, f"{NOVEMBER}&q=semmi"))
    assert "text: semmi" in card


def test_of_conditions_on_whole_threads_and_periods_nothing_needs_to_be_said(sam, history):
    page = page_of(sam, f"{NOVEMBER}&line={history.line_id}")
    assert "Does not depend on:" not in page.text
    assert "not by every condition of the filter" not in page.text


def test_names_and_labels_are_text_wherever_they_stand(sam, history, line, dana):
    type(line).objects.filter(pk=line.pk).update(label=NASTY)
    User.objects.filter(pk=dana.pk).update(name=NASTY)
    Contact.objects.filter(name="Nagy Cili").update(name=NASTY)
    page = page_of(sam)
    assert "<script>alert" not in page.text
    assert table(page, "lines")[0][0] == NASTY
    for drawing in re.findall(r'<svg class="chart.*?</svg>(?!<text class="amount")', page.text, re.DOTALL):
        ElementTree.fromstring(drawing)
    # What the page may not hold under its CSP.
    main = page.text.split("<main")[1].split("</main>")[0]
    assert not re.search(r"<style|<script|\sstyle=|\son\w+=|\{#|#\}", main)


def test_every_chart_has_a_name_an_explanation_and_its_table(sam, history):
    page = page_of(sam)
    charts = re.findall(r'<svg class="chart[^>]*role="img" aria-labelledby="([\w-]+) ([\w-]+)"', page.text)
    assert len(charts) == 7
    for title, explained in charts:
        assert f'id="{title}"' in page.text
        assert f'id="{explained}"' in page.text
        assert table(page, title.removeprefix("title-"))


def test_numbers_are_written_as_the_language_has_it(bela, line, sam):
    conversation = _conversation(line, "+36309990001", "Kiss Boti")
    Message.objects.bulk_create(
        Message(
            subscriber_id=conversation.subscriber_id,
            conversation=conversation,
            line=line,
            direction=Direction.IN,
            status=Status.RECEIVED,
            body="Szia",
            created_at=MORNING,
        )
        for _ in range(1284)
    )
    assert tiles(page_of(sam))["Incoming"] == "1,284"
    assert tiles(page_of(bela))["Bejövő"] == "1\xa0284"


# --- The workbook ---------------------------------------------------------------------------------------


def sheets_of(user: User, query: str = NOVEMBER):
    answer = Browser(user).get(f"/figures/download/?{query}")
    assert answer.status_code == 200, answer.status_code
    assert re.search(r'filename="fonal-figures-\d{4}-\d\d-\d\d\.xlsx"', answer.headers["Content-Disposition"])
    return load_workbook(BytesIO(answer.content))


def values(sheet) -> list[list]:
    return [[cell for cell in row if cell is not None] for row in sheet.iter_rows(values_only=True)]


def test_the_workbook_holds_the_numbers_of_the_page(sam, history):
    book, page = sheets_of(sam), page_of(sam)
    assert book.sheetnames == [
        "Figures",
        "Messages per day",
        "Busiest hours",
        "First answer",
        "Waiting longest now",
        "Delivery",
        "Why messages failed",
        "By line",
        "By colleague",
        "SMS segments",
    ]
    assert values(book["By line"])[:3] == [
        ["Line", "Incoming", "Outgoing", "Failed", "Segments"],
        ["Support", 2, 2, 1, 4],
        ["Sales", 1, 0, 0, 0],
    ]
    assert values(book["By colleague"])[2] == ["Dana", 1, 0, 3, 1, timedelta(minutes=10)]
    assert [datetime(2026, 11, 20), 3, 2] in values(book["Messages per day"])
    assert values(book["Waiting longest now"])[1][:5] == [
        "Nagy Cili",
        "+36 30 999 0002",
        "Sales",
        "–",
        datetime(2026, 11, 20, 9, 0),
    ]
    assert values(book["Delivery"])[5] == ["Rate of delivery", 0.5]
    assert len(values(book["Busiest hours"])[1]) == 25
    assert tiles(page)["Incoming"] == str(sum(row[1] for row in values(book["Messages per day"])[1:] if len(row) == 3))


def test_the_workbook_says_what_it_is_of(sam, history):
    lines = values(sheets_of(sam, f"{NOVEMBER}&line={history.line_id}&q=szia")["Figures"])
    about = dict(line for line in lines if len(line) == 2)
    assert (about["Company"], about["Asked for by"], about["Time zone"]) == ("Kontakt Kft.", "Sam (sam)", "Europe/Budapest")
    assert about["Filter"] == "November 1 – 30, 2026"
    # The other conditions stand below the first one.
    assert lines[5:7] == [["line: Support"], ["text: szia"]]


def test_every_text_of_the_workbook_stays_text(sam, history, line, dana):
    type(line).objects.filter(pk=line.pk).update(label="=1+1")
    User.objects.filter(pk=dana.pk).update(name='=HYPERLINK("http://example.hu")')
    Contact.objects.filter(name="Nagy Cili").update(name="+cmd|'/c calc'!A0\x0b")
    book = sheets_of(sam)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [cell for cell in cells if cell.data_type in {"f", "e", "h"}]
    assert book["By line"]["A2"].value == "=1+1"
    assert book["By line"]["A2"].data_type == "s"
    assert book["By colleague"]["A3"].data_type == "s"
    assert book["Waiting longest now"]["A2"].value == "+cmd|'/c calc'!A0\ufffd"


def test_a_download_stands_in_the_audit_log(sam, history):
    sheets_of(sam)
    entry = AuditEntry.objects.get(action="figures.downloaded")
    assert (entry.actor, entry.subscriber) == (sam, sam.subscriber)
    assert entry.detail["filter"] == {"from": "2026-11-01 00:00", "to": "2026-11-30 23:59"}


def test_colleagues_download_their_figures_only_if_the_administrator_allows_it(dana, history, kontakt):
    assert Browser(dana).get(f"/figures/download/?{NOVEMBER}").status_code == 403
    assert "/figures/download/" not in page_of(dana).text
    assert not AuditEntry.objects.filter(action="figures.downloaded").exists()
    kontakt.colleagues_may_export = True
    kontakt.save()
    assert "/figures/download/" in page_of(dana).text
    book = sheets_of(dana)
    assert values(book["By line"])[1:2] == [["Support", 2, 2, 1, 4]]
    assert [row[0] for row in values(book["By colleague"])[1:2]] == ["Dana"]
    assert "Sales" not in str([values(sheet) for sheet in book])


def test_of_nothing_there_is_no_file(sam, history):
    answer = Browser(sam).get("/figures/download/?from=2001-01-01&to=2001-01-31")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/figures/?from=2001-01-01+00%3A00&to=2001-01-31+23%3A59")
    assert not AuditEntry.objects.filter(action="figures.downloaded").exists()


# --- What it costs ---------------------------------------------------------------------------------------


def test_more_messages_are_no_more_questions(sam, history, line):
    browser = Browser(sam)
    browser.get(f"/figures/?{NOVEMBER}")
    with CaptureQueriesContext(connection) as few:
        browser.get(f"/figures/?{NOVEMBER}")
    other = _conversation(line, "+36309990003", "Harmadik")
    for minutes in range(20):
        _say(other, minutes, sam if minutes % 2 else None)
    with CaptureQueriesContext(connection) as more:
        browser.get(f"/figures/?{NOVEMBER}")
    assert len(more) == len(few)
