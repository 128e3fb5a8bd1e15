"""What is drawn live is the page's own HTML, read in a fixed number of queries."""

from __future__ import annotations

import re
import uuid
from itertools import chain

import pytest

from chatui.rendering import frames_for
from server.events.log import missed_since
from server.messaging.conversations import assign_conversation
from server.messaging.inbound import receive_sms
from server.messaging.models import Message, Status
from server.messaging.outbound import queue_sms
from tests.conftest import NOW
from tests.doors import ENTRY, Browser

LANGUAGES = ("en", "hu")


@pytest.fixture
def drawn(kontakt):
    """Everything that happened so far, drawn as for people who look on: the text of all frames, by language."""

    def draw():
        events = missed_since(subscriber_id=kontakt.pk, since=0).events
        return {language: "".join(frame.text for frame in frames) for language, frames in frames_for(events, LANGUAGES).items()}

    return draw


@pytest.fixture
def eventful(line, boti, boti_texts, dana, bela):
    """Three conversations: one with answers that went well and wrong, one with a picture, one that asked us to stop."""
    conversation = boti_texts("Szia <b>!</b> https://example.com/").conversation
    assign_conversation(conversation=conversation, to=bela, by=dana, now=NOW)
    for status in (Status.QUEUED, Status.DELIVERED, Status.UNCONFIRMED, Status.FAILED):
        message = queue_sms(uuid=uuid.uuid4(), conversation=conversation, body=f"Ez {status}", author=dana, now=NOW)
        Message.objects.filter(pk=message.pk).update(status=status, sent_at=NOW, reason="unreachable")
    receive_sms(
        line=line,
        provider_account="a",
        provider_message_id="picture",
        sender="INFO",
        body="",
        media=[{"url": "https://example.com/1.png", "content_type": "image/png"}],
        now=NOW,
    )
    boti_texts("STOP", sender="+36309990099")


def test_a_row_is_drawn_like_the_list_s(drawn, eventful, dana, bela):
    frames = drawn()

    for colleague in (dana, bela):
        rows = rows_of(Browser(colleague).get("/").text)
        assert len(rows) == 3
        assert rows_of(frames[colleague.language]) == rows


def test_an_entry_is_drawn_like_the_thread_s(drawn, eventful, dana, bela):
    frames = drawn()

    for colleague in (dana, bela):
        browser = Browser(colleague)
        on_pages = {}
        for pk in rows_of(browser.get("/").text):
            on_pages |= entries_of(browser.get(f"/conversations/{pk}/").text)
        assert len(on_pages) == 7
        assert entries_of(frames[colleague.language]) == on_pages


def test_the_banner_is_drawn_like_the_thread_s(drawn, eventful, dana, bela):
    frames = drawn()

    for colleague in (dana, bela):
        browser = Browser(colleague)
        banners = [banners_of(browser.get(f"/conversations/{pk}/").text) for pk in rows_of(browser.get("/").text)]
        assert sorted([*chain(*banners)]) == sorted(banners_of(frames[colleague.language]))
        assert len([*chain(*banners)]) == 2


def test_rows_are_read_once_for_all_languages(kontakt, boti_texts, django_assert_num_queries):
    for n in range(5):
        boti_texts("Szia", sender=f"+3630999000{n}")
    events = missed_since(subscriber_id=kontakt.pk, since=0).events

    # Conversations, read markers; where threads are open, messages and opt-outs, too.
    with django_assert_num_queries(2):
        frames_for(events, LANGUAGES, opened=())
    with django_assert_num_queries(4):
        frames_for(events, LANGUAGES)


def rows_of(html: str) -> dict[str, str]:
    """Each row's HTML by its conversation's id; without what a page knows of the person who looks."""
    rows = re.findall(r'<li id="row-(\d+)"(.*?)</li>', html, re.DOTALL)
    return {pk: re.sub(r"(data-unread>)\d+", r"\1", row.replace('class="row unread"', 'class="row"')) for pk, row in rows}


def entries_of(html: str) -> dict[str, str]:
    """Each message's HTML by its id; without its place among its neighbours, and without the forms' secret."""
    html = re.sub(r'<input type="hidden" name="csrfmiddlewaretoken"[^>]*>', "", html)
    messages = [_element(html, found.start()) for found in re.finditer('<div class="message ', html)]
    return {ENTRY.search(message)[1]: re.sub('( more| followed| turn)+(?=" id)', "", message) for message in messages}


def _element(html: str, start: int) -> str:
    """The div that begins there, with all that is in it."""
    depth = 0
    for tag in re.compile("<(/?)div").finditer(html, start):
        depth += -1 if tag[1] else 1
        if depth == 0:
            return html[start : tag.end()]
    raise AssertionError("not closed")


def banners_of(html: str) -> list[str]:
    return re.findall(r'<div class="banner.*?</div>', html, re.DOTALL)
