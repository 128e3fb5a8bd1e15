"""The conversation list: its views, its search and its pages."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from server.contacts.phonebook import record_contacts
from server.lines.models import LineAccess
from server.messaging.conversations import claim_conversation, mark_done
from server.messaging.models import Conversation
from tests.conftest import BOTI, NOW
from tests.doors import Browser, next_page, rows_in


@pytest.fixture
def hundred(boti_texts):
    """A hundred and one customers text the shared line, four of them at a time; returns their conversations, newest first."""
    texts = [boti_texts(f"text {n}", sender=f"+3630555{n:04}", at=NOW + timedelta(minutes=n // 4)) for n in range(101)]
    return [text.conversation_id for text in sorted(texts, key=lambda text: (text.created_at, text.conversation_id), reverse=True)]


def walk(browser: Browser, address: str) -> list[int]:
    """All rows of all pages, as a scrolling person gets them."""
    seen = []
    while address:
        page = browser.get(address)
        assert page.status_code == 200
        seen += rows_in(page)
        address = next_page(page)
    return seen


def counts(browser: Browser, **query) -> dict[str, int]:
    return browser.get("/conversations/counts/", query).json()


@pytest.mark.parametrize("address", ["/", "/conversations/rows/"])
def test_every_conversation_is_on_exactly_one_page_newest_first(dana, hundred, address):
    assert walk(Browser(dana), address) == hundred


def test_longest_waiting_first_walks_the_other_way(dana, hundred):
    seen = walk(Browser(dana), "/conversations/rows/?sort=waiting")
    assert sorted(seen) == sorted(hundred)
    assert len(seen) == len(set(seen))
    assert seen[0] == min(hundred)
    assert seen[-1] == max(hundred)


def test_what_moves_up_between_two_pages_hides_no_other(dana, hundred, boti_texts):
    browser = Browser(dana)
    first = browser.get("/conversations/rows/")
    boti_texts("again", sender="+36305550000", at=NOW + timedelta(hours=1))

    rest = walk(browser, next_page(first))

    assert set(rows_in(first)) | set(rest) == set(hundred) - {hundred[-1]}
    assert len(rows_in(first)) + len(rest) == 100


def test_each_view_shows_what_it_counts(dana, bela, hundred):
    def conversation(place):
        return Conversation.objects.get(pk=hundred[place])

    for place in range(3):
        claim_conversation(conversation=conversation(place), by=dana, now=NOW)
    claim_conversation(conversation=conversation(3), by=bela, now=NOW)
    mark_done(conversation=conversation(4), by=dana, now=NOW)
    browser = Browser(dana)
    Browser(dana).send(conversation(0), "Jövünk!")

    shown = {view: walk(browser, f"/conversations/rows/?view={view}") for view in ("all", "mine", "waiting", "free", "done")}

    assert {view: len(rows) for view, rows in shown.items()} == {"all": 100, "mine": 3, "waiting": 99, "free": 96, "done": 1}
    assert counts(browser) == {view: len(shown[view]) for view in ("all", "mine", "waiting", "free")}
    assert shown["done"] == [hundred[4]]
    assert hundred[4] not in shown["all"]
    # Who was answered just now went to the top.
    assert shown["mine"][0] == hundred[0]


def test_whom_we_promised_to_call_back_before_now_stand_first_in_every_view(dana, hundred):
    browser = Browser(dana)
    addresses = [f"/conversations/rows/{query}" for query in ("", "?view=waiting", "?view=free", "?sort=waiting", "?q=text")]
    usual = {address: walk(browser, address) for address in addresses}
    Conversation.objects.filter(pk=hundred[50]).update(promised_until=timezone.now() + timedelta(hours=1))
    # In an order that is none of theirs.
    others = sorted({*hundred} - {hundred[50]}, key=lambda pk: (pk % 3, pk))
    for overdue in (1, 40, 41, 85):
        late = others[:overdue]
        for minutes, pk in enumerate(reversed(late)):
            Conversation.objects.filter(pk=pk).update(promised_until=timezone.now() - timedelta(hours=1, minutes=minutes))
        for address in addresses:
            assert walk(browser, address) == late + [pk for pk in usual[address] if pk not in late]


def test_a_row_says_by_when_they_were_promised_to_be_called_back(dana, conversation):
    Conversation.objects.update(promised_until=NOW)
    assert f'data-promised="{int(NOW.timestamp() * 1000)}"' in Browser(dana).get("/").text
    Conversation.objects.update(promised_until=None)
    assert "data-promised" not in Browser(dana).get("/").text


def test_a_promise_for_another_day_is_not_taken_for_one_of_today(dana, conversation):
    for days in (-3, 1):
        at = timezone.localtime(timezone.now(), ZoneInfo("Europe/Budapest")) + timedelta(days=days)
        Conversation.objects.update(promised_until=at)
        page = Browser(dana).get("/").text
        assert f'data-format="due">{at:%b} {at.day}</time>' in page
        assert f"{at.hour}:{at:%M}" in page.partition("We promised to call back by ")[2].partition('"')[0]


@pytest.mark.parametrize(
    "asked",
    [
        "Boti", "boti", "KISS", "0630999", "06 30 999", "+36 30 999 0001", "36309990001", "3630 9990001", "0001",
        "ÁRVÍZ", "arviz", "tükör", "tukorfuro árvíz", "kiss tükör", "0001 boti árvíz",
    ],
)  # fmt: skip
def test_it_is_found_by_name_number_and_text(dana, boti_texts, asked):
    boti_texts("Árvíztűrő tükörfúrógép")
    boti_texts("something else", sender="+36205551234")

    found = Browser(dana).get("/conversations/rows/", {"q": asked})

    assert found.text.count('id="row-') == 1
    assert "Kiss Boti" in found.text.replace("<mark>", "").replace("</mark>", "")


def test_a_search_finds_what_is_done_and_counts_it(dana, boti_texts):
    mark_done(conversation=boti_texts("Szia").conversation, by=dana, now=NOW)
    browser = Browser(dana)

    assert len(rows_in(browser.get("/", {"q": "szia"}))) == 1
    assert counts(browser, q="szia")["all"] == 1
    assert counts(browser)["all"] == 0


def test_a_view_is_chosen_within_a_search(dana, boti_texts):
    claim_conversation(conversation=boti_texts("Szia").conversation, by=dana, now=NOW)
    mark_done(conversation=boti_texts("Szia", sender="+36205551234").conversation, by=dana, now=NOW)
    browser = Browser(dana)

    assert counts(browser, q="szia")["mine"] == len(rows_in(browser.get("/", {"q": "szia", "view": "mine"}))) == 1
    assert len(rows_in(browser.get("/", {"q": "szia", "view": "done"}))) == 1
    assert 'href="/?view=mine&amp;q=szia"' in browser.get("/", {"q": "szia"}).text


def test_each_thing_looked_for_must_be_met_by_the_thread(dana, boti_texts):
    boti_texts("Szia")
    boti_texts("Holnap jövök")
    boti_texts("Szia, ma jövök", sender="+36205551234")
    browser = Browser(dana)

    def number_found(text):
        return len(rows_in(browser.get("/", {"q": text})))

    # Even by two messages of it, or by one of them and the name.
    assert [number_found(text) for text in ("szia", "szia holnap", "boti jövök", "boti ma", "szia zzz")] == [2, 1, 1, 0, 0]


def test_a_word_of_many_messages_finds_their_threads(dana, boti_texts, monkeypatch):
    monkeypatch.setattr("server.history.threads._SELDOM", 1)
    boti_texts("Szia")
    boti_texts("Szia", sender="+36205551234")
    boti_texts("Jó napot", sender="+36205551235")
    assert len(rows_in(Browser(dana).get("/", {"q": "szia"}))) == 2


@pytest.mark.parametrize("asked", ["%", "_", "100%", "\x00", "a\x00b", "\\", "'", '"><script>', "x" * 5000, "🙂", " "])
def test_a_strange_search_is_only_a_search(dana, boti_texts, asked):
    boti_texts("Szia")
    page = Browser(dana).get("/", {"q": asked})
    assert page.status_code == 200
    assert len(rows_in(page)) == (1 if not asked.strip() else 0)
    assert '"><script>' not in page.text


@pytest.mark.parametrize(
    "after", ["", "x", "1", "1_", "_1", "-1_-1", "1_99999999999999999999", "9" * 5000, "9" * 30 + "_1", "1_-" + "9" * 25]
)
@pytest.mark.parametrize("sort", ["", "waiting", "nonsense"])
def test_a_cursor_that_nobody_of_ours_wrote_breaks_nothing(dana, boti_texts, after, sort):
    boti_texts("Szia")
    assert Browser(dana).get("/conversations/rows/", {"after": after, "sort": sort, "view": "nonsense"}).status_code == 200


def test_the_list_asks_the_database_as_often_for_forty_as_for_one(dana, boti_texts, django_assert_num_queries):
    boti_texts("first")
    browser = Browser(dana)
    with django_assert_num_queries(16):
        assert len(rows_in(browser.get("/"))) == 1
    for n in range(45):
        conversation = boti_texts(f"text {n}", sender=f"+3630555{n:04}").conversation
        claim_conversation(conversation=conversation, by=dana, now=NOW)
        browser.say(f"/conversations/{conversation.pk}/read/", upto=1)
    with django_assert_num_queries(16):
        assert len(rows_in(browser.get("/"))) == 40


def test_a_colleague_sees_rows_of_the_lines_they_were_given_only(dana, sam, boti_texts, sales_line):
    shown, hidden = boti_texts("Szia"), boti_texts("Titok", to=sales_line)

    assert rows_in(Browser(dana).get("/")) == [shown.conversation_id]
    assert counts(Browser(dana)) == {"all": 1, "mine": 0, "waiting": 1, "free": 1}
    assert rows_in(Browser(dana).get("/", {"q": "titok"})) == []
    assert set(rows_in(Browser(sam).get("/"))) == {shown.conversation_id, hidden.conversation_id}


def test_a_draft_on_a_line_that_was_taken_away_is_not_shown(dana, line, boti_texts):
    conversation = boti_texts("Szia").conversation
    browser = Browser(dana)
    browser.say(f"/conversations/{conversation.pk}/draft/", body="unfinished")
    assert "unfinished" in browser.get("/").text

    LineAccess.objects.filter(line=line, user=dana).delete()

    assert "unfinished" not in browser.get("/").text


def test_a_renamed_contact_is_found_by_the_new_name(dana, kontakt, boti_texts):
    boti_texts("Szia")
    record_contacts(subscriber=kontakt, names={BOTI: "Ördög Ármin"}, now=NOW)
    assert len(rows_in(Browser(dana).get("/", {"q": "ÁRMIN"}))) == 1
    assert rows_in(Browser(dana).get("/", {"q": "Kiss"})) == []
