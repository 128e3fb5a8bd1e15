"""Üzenetek: all messages of both directions, newest first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from server.messaging.models import Message, Status
from tests.conftest import NOW
from tests.doors import HTMX, Browser, shown, walk


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_every_message_is_on_exactly_one_page_newest_first(dana, boti_texts, headers):
    texts = [boti_texts(f"text {n}", sender=f"+3630555{n % 7:04}", at=NOW + timedelta(minutes=n // 4)) for n in range(120)]
    in_order = sorted(texts, key=lambda text: (text.created_at, text.pk), reverse=True)
    assert walk(Browser(dana), headers=headers) == [str(text.uuid) for text in in_order]


def test_both_directions_with_what_became_of_them(dana, boti_texts):
    conversation = boti_texts("Szia").conversation
    browser = Browser(dana)
    browser.send(conversation, "Jövünk!")
    Message.objects.filter(body="Jövünk!").update(status=Status.FAILED, reason="other")
    page = browser.get("/messages/").text
    for words in ("Incoming", "Outgoing", "Received", "Not sent", "the provider gave no clear reason", "Kiss Boti"):
        assert words in page


def test_what_was_taken_away_is_not_listed(dana, boti_texts):
    conversation = boti_texts("Szia").conversation
    browser = Browser(dana)
    browser.send(conversation, "Jövünk!")
    message = Message.objects.outbound().get()
    Message.objects.filter(pk=message.pk).update(status=Status.FAILED)
    browser.say(f"/messages/{message.uuid}/discard/")
    assert str(message.uuid) not in walk(browser)


def test_only_the_lines_one_was_given(dana, sam, eve, boti_texts, sales_line):
    mine, other = boti_texts("Szia"), boti_texts("Titok", to=sales_line, at=NOW + timedelta(minutes=1))
    assert walk(Browser(dana)) == [str(mine.uuid)]
    assert walk(Browser(sam)) == [str(other.uuid), str(mine.uuid)]
    assert walk(Browser(eve)) == []


@pytest.mark.parametrize(
    "before", ["", "x", "1", "1_", "-1_-1", "99999999999999999999_1", "1_99999999999999999999", "9" * 5000, "\x00"]
)
def test_a_cursor_that_nobody_of_ours_wrote_breaks_nothing(dana, boti_texts, before):
    boti_texts("Szia")
    assert Browser(dana).get("/messages/", {"before": before}).status_code == 200


def test_it_asks_the_database_as_often_for_fifty_as_for_one(dana, boti_texts, django_assert_num_queries):
    boti_texts("first")
    browser = Browser(dana)
    with django_assert_num_queries(13):
        browser.get("/messages/")
    for n in range(60):
        boti_texts(f"text {n}", sender=f"+3630555{n:04}")
    with django_assert_num_queries(13):
        assert len(shown(browser.get("/messages/"))) == 50
