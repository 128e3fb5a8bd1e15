"""One conversation's page, and its further pages both ways."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from server.messaging.conversations import write_note
from server.messaging.inbound import conversation_between
from tests.conftest import NOW
from tests.doors import HTMX, Browser, entries_in


@pytest.fixture
def long_thread(boti_texts, dana):
    """A hundred and ten texts, a note after every thirtieth; with their ids as the page writes them, oldest first."""
    entries = []
    for n in range(110):
        at = NOW + timedelta(minutes=n // 3)
        message = boti_texts(f"text {n}", at=at)
        entries.append(str(message.uuid))
        if n % 30 == 29:
            later = at + timedelta(seconds=30)
            note = write_note(uuid=uuid.uuid4(), conversation=message.conversation, body=f"note {n}", author=dana, now=later)
            entries.append(str(note.uuid))
    return message.conversation, entries


def edge(page, which: str) -> str:
    """The address of the older or the newer page; empty where the thread ends."""
    mark = f'data-edge="{which}" hx-get="'
    return page.text.split(mark)[1].split('"')[0] if mark in page.text else ""


def test_scrolling_up_shows_every_entry_once(dana, long_thread):
    conversation, entries = long_thread
    browser = Browser(dana)
    page = browser.get(f"/conversations/{conversation.pk}/")
    seen = entries_in(page)
    while address := edge(page, "older"):
        page = browser.get(address)
        assert not edge(page, "newer")
        seen = entries_in(page) + seen
    assert seen == entries


def test_a_message_from_the_messages_page_is_shown_with_its_neighbours_and_both_ways_go_on(dana, long_thread):
    conversation, entries = long_thread
    browser = Browser(dana)
    wanted = entries[50]
    page = browser.get(f"/conversations/{conversation.pk}/?message={wanted}")
    assert f'data-target="entry-{wanted}"' in page.text
    seen = entries_in(page)
    assert wanted in seen
    older, newer = edge(page, "older"), edge(page, "newer")
    while older:
        page = browser.get(older)
        older, seen = edge(page, "older"), entries_in(page) + seen
    while newer:
        page = browser.get(newer)
        newer, seen = edge(page, "newer"), seen + entries_in(page)
    assert seen == entries


def test_the_pages_work_as_links_too(dana, long_thread):
    conversation, _ = long_thread
    browser = Browser(dana)
    page = browser.get(f"/conversations/{conversation.pk}/")
    older = browser.get(edge(page, "older").replace("/entries/", "/"))
    assert older.status_code == 200
    assert "<html" in older.text
    assert entries_in(older)
    assert not set(entries_in(older)) & set(entries_in(page))


def test_a_page_of_forty_asks_as_often_as_one_message(dana, boti_texts, django_assert_num_queries):
    conversation = boti_texts("first").conversation
    browser = Browser(dana)
    with django_assert_num_queries(19):
        browser.get(f"/conversations/{conversation.pk}/", headers=HTMX)
    for n in range(45):
        boti_texts(f"text {n}", at=NOW + timedelta(minutes=n))
        browser.send(conversation, f"answer {n}")
    with django_assert_num_queries(19):
        browser.get(f"/conversations/{conversation.pk}/", headers=HTMX)


def test_for_our_scripts_only_the_talk_comes(dana, boti_texts):
    conversation = boti_texts("Szia").conversation
    part = Browser(dana).get(f"/conversations/{conversation.pk}/", headers=HTMX)
    assert "<html" not in part.text
    assert 'id="talk"' in part.text
    # The browser's Back must not take the part for the page.
    assert "HX-Request" in part.headers["Vary"]
    whole = Browser(dana).get(f"/conversations/{conversation.pk}/", headers=HTMX | {"HX-Request-Type": "full"})
    assert "<html" in whole.text


@pytest.mark.parametrize("word", ["before", "after", "message"])
@pytest.mark.parametrize(
    "value", ["", "0", "-1", "abc", "1.5", "²", "99999999999999999999", "9" * 5000, "\x00", str(uuid.UUID(int=0))]
)
@pytest.mark.parametrize("page", ["", "entries/"])
def test_a_place_that_is_not_in_the_thread_shows_its_end(dana, boti_texts, word, value, page):
    message = boti_texts("Szia")
    answer = Browser(dana).get(f"/conversations/{message.conversation_id}/{page}", {word: value})
    assert answer.status_code == 200
    assert entries_in(answer) == [str(message.uuid)]


def test_a_conversation_without_messages_opens(dana, line, boti):
    empty = conversation_between(line=line, contact=boti, now=NOW)
    assert Browser(dana).get(f"/conversations/{empty.pk}/").status_code == 200
    assert Browser(dana).get(f"/conversations/{empty.pk}/entries/").status_code == 200


def test_what_customers_write_is_shown_and_never_run(dana, boti_texts, boti):
    boti.name = "<b>Boti</b>"
    boti.save()
    text = '<img src=x onerror=alert(1)> "quoted" javascript:alert(1) https://example.com/?a=1&b="2"'
    conversation = boti_texts(text).conversation
    for address in (f"/conversations/{conversation.pk}/", "/messages/", f"/phonebook/{boti.pk}/", "/messages/new/lookup/?to=boti"):
        page = Browser(dana).get(address).text
        assert "<img src=x" not in page
        assert "<b>Boti" not in page
        assert 'href="javascript:' not in page
    assert 'rel="noopener noreferrer nofollow"' in Browser(dana).get("/messages/").text


def test_the_unread_line_stands_before_the_first_unread_message(dana, boti_texts):
    boti_texts("one")
    conversation = boti_texts("two", at=NOW + timedelta(minutes=1)).conversation
    browser = Browser(dana)
    browser.say(f"/conversations/{conversation.pk}/read/", upto=2)
    fresh = boti_texts("three", at=NOW + timedelta(minutes=2))
    page = browser.get(f"/conversations/{conversation.pk}/").text
    assert page.index("two</div>") < page.index('id="fresh"') < page.index(f"entry-{fresh.uuid}")
    browser.say(f"/conversations/{conversation.pk}/read/", upto=3)
    assert 'id="fresh"' not in browser.get(f"/conversations/{conversation.pk}/").text
