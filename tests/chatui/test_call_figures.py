"""Follow-up: which missed calls somebody has seen to, how soon, and which promises were kept."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from io import BytesIO

import pytest
from django.utils import timezone
from openpyxl import load_workbook

from server.accounts.models import AuditEntry
from server.calls.models import Call, Promise
from server.contacts.models import Contact
from server.contacts.phonebook import contact_for
from server.messaging.inbound import conversation_between
from server.messaging.models import Conversation
from tests.conftest import NOW
from tests.doors import Browser

PERIOD = "?from=2026-11-20&to=2026-11-23"


@pytest.fixture
def missed(kontakt, line, boti):
    """`missed("2026-11-20 10:00", after=5, by=dana)`: a missed call, followed up after so many minutes; UTC."""
    numbers = iter(range(1, 100))

    def missed(text: str, *, after: float | None = None, by=None, on=line, **values) -> Call:
        at = datetime.fromisoformat(text + "+00:00")
        said = {"state": "missed", "began_at": at, "told_at": at, "exchange_id": str(next(numbers))} | values
        followed = {} if after is None else {"followed_up_at": at + timedelta(minutes=after), "followed_up_by": by}
        thread = conversation_between(line=on, contact=boti, now=NOW)
        return Call.objects.create(**{"subscriber": on.subscriber, "line": on, "conversation": thread} | said | followed)

    return missed


@pytest.fixture
def week(missed, dana, bela, sales_line, rival_line, kontakt):
    """Five missed calls, three of them followed up; and what does not count."""
    _promise(missed("2026-11-20 10:00", after=5, by=dana), kept_at=NOW, kept_by=dana)
    missed("2026-11-20 11:00", after=20, by=bela, state="busy")
    # In Budapest it is the 22nd already.
    missed("2026-11-21 23:30", after=60, state="failed", on=sales_line)
    missed("2026-11-23 09:00")
    _promise(missed("2026-11-23 09:05", on=sales_line))
    missed("2026-11-23 09:10", state="answered")
    missed("2026-11-23 09:15", direction="out")
    missed("2026-11-19 22:59")
    # Nobody can call them back, or shall.
    missed("2026-11-23 09:20", conversation=None)
    hidden = conversation_between(line=sales_line, contact=contact_for(subscriber=kontakt, number="+36309990042", now=NOW), now=NOW)
    Conversation.objects.filter(pk=hidden.pk).update(hidden_at=NOW)
    missed("2026-11-23 09:25", conversation=hidden)


def _promise(call: Call, **kept) -> Promise:
    """Made when they called, to call back by noon of the 23rd."""
    of = {"subscriber": call.subscriber, "conversation": call.conversation, "call": call, "made_at": call.began_at}
    return Promise.objects.create(**of, due_at=NOW + timedelta(hours=2), **kept)


def tables(page) -> dict[str, list[list[str]]]:
    """The rows of each table by its caption."""
    found = {}
    for table in re.findall(r"<table>.*?</table>", page.text, re.DOTALL):
        rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", table.split("<tbody>")[1])]
        found[re.search(r"<caption[^>]*>(.*?)</caption>", table)[1]] = [[cell.replace("\xa0", " ") for cell in row] for row in rows]
    return found


def test_missed_calls_stand_against_those_followed_up_by_day_line_and_colleague(sam, week):
    found = tables(Browser(sam).get(f"/call-logic/figures/{PERIOD}"))
    assert [row[1:] for row in found["Missed calls per day"]] == [
        ["2", "2", "100%", "12 min 30 s", "1", "1"],
        ["0", "0", "–", "–", "0", "0"],
        ["1", "1", "100%", "1 h", "0", "0"],
        ["2", "0", "0%", "–", "1", "0"],
    ]
    assert found["By line"] == [
        ["Support", "3", "2", "66.7%", "12 min 30 s", "1", "1"],
        ["Sales", "2", "1", "50.0%", "1 h", "1", "0"],
    ]
    assert sorted(found["By colleague"]) == [
        ["Bela", "1", "20 min", "0"],
        ["Dana", "1", "5 min", "1"],
        ["On the telephone, by whom was not told", "1", "1 h", "0"],
    ]


def test_a_long_period_goes_by_weeks(sam, week):
    found = tables(Browser(sam).get("/call-logic/figures/?from=2026-06-03&to=2026-11-23"))
    weeks = [row for row in found["Missed calls per week"] if row[1] != "0"]
    assert [row[:3] for row in weeks] == [["November 16, 2026", "4", "3"], ["November 23, 2026", "2", "0"]]
    assert len(found["Missed calls per week"]) == 26


def test_promises_are_kept_kept_late_open_or_overdue(sam, kontakt, missed):
    now = timezone.now()
    for due, kept in ((60, 59), (60, 61), (60, None), (-60, None), (60, 60)):
        call = missed("2026-11-20 10:00")
        made_at = now - timedelta(days=1) if kept else now - timedelta(hours=2)
        due_at = made_at + timedelta(minutes=due) if kept else now + timedelta(minutes=due)
        Promise.objects.create(
            subscriber=kontakt,
            # Each open one on a thread of its own.
            conversation=call.conversation if due != -60 else _other_thread(call),
            call=call,
            made_at=made_at,
            due_at=due_at,
            kept_at=made_at + timedelta(minutes=kept) if kept else None,
        )
    found = tables(Browser(sam).get("/call-logic/figures/"))
    assert [row[:2] for row in found["Call-back promises"]] == [["Kept", "2"], ["Kept late", "1"], ["Open", "1"], ["Overdue", "1"]]


def _other_thread(call):
    other = Contact.objects.create(subscriber=call.subscriber, number="+36301112222", created_at=NOW)
    return conversation_between(line=call.line, contact=other, now=NOW)


@pytest.mark.parametrize("query", ["?from=x", "?from=2026-11-23&to=2026-11-20", "?from=2020-01-01&to=2026-11-20", "?to=2026-02-30"])
def test_a_period_that_is_none_is_said_to_be_none(sam, week, query):
    page = Browser(sam).get(f"/call-logic/figures/{query}")
    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert Browser(sam).get(f"/call-logic/figures/download/{query}").status_code == 302


def test_nothing_missed_is_said_in_words(sam, kontakt):
    page = Browser(sam).get("/call-logic/figures/")
    assert "No missed calls in this period" in page.text
    assert "download/" not in page.text


def test_they_are_for_those_who_see_all_lines(dana, sam, ada, aron, eve, week):
    address = f"/call-logic/figures/{PERIOD}"
    assert [Browser(person).get(address).status_code for person in (dana, sam, ada, aron)] == [403, 200, 200, 200]
    assert Browser(eve).get(address).status_code == 403
    type(eve).objects.filter(pk=eve.pk).update(role="supervisor")
    eve.refresh_from_db()
    assert "No missed calls in this period" in Browser(eve).get(address).text


def test_they_are_taken_away_as_a_workbook(sam, week):
    answer = Browser(sam).get(f"/call-logic/figures/download/{PERIOD}")
    assert answer.status_code == 200
    book = load_workbook(BytesIO(answer.content))
    assert book.sheetnames[1:] == ["Missed calls per day", "By line", "By colleague", "Call-back promises"]
    rows = [row[:3] for row in book["Missed calls per day"].iter_rows(min_row=2, max_row=5, values_only=True)]
    assert [row[1:] for row in rows] == [(2, 2), (0, 0), (1, 1), (2, 0)]
    assert AuditEntry.objects.filter(action="figures.downloaded", actor=sam).count() == 1


def test_however_many_calls_there_are_they_are_read_by_one_query(sam, week, missed, django_assert_max_num_queries):
    browser = Browser(sam)
    with django_assert_max_num_queries(12):
        browser.get(f"/call-logic/figures/{PERIOD}")
