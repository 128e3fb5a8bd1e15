"""Calls in their partner's thread, in its row, and on the partner's page."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from freezegun import freeze_time

from server.calls import timeline
from server.calls.models import MessageNode, Promise
from server.messaging.models import Message, Origin
from server.messaging.outbound import queue_sms
from tests.chatui.calls_told import a_rule, applied, told
from tests.conftest import BOTI, NOW
from tests.doors import HTMX, Browser, entries_in

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def hers(dana) -> Browser:
    return Browser(dana)


def entry_of(page, uuid) -> str:
    """A call's entry in a thread, as text without marks."""
    found = re.search(rf'<div class="event call[^>]*id="entry-{uuid}".*?</a></div>', page.text, re.DOTALL)
    assert found, "no such call in the thread"
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", found[0]))


def test_a_missed_call_stands_between_the_messages_and_is_clearly_no_sms(hers, line, boti_texts):
    before = boti_texts("Hívom önöket", at=NOW - MINUTE)
    call = told(line, "ringing", queue="Ügyfélszolgálat").call
    call = told(line, "missed", at=NOW + 25 * SECOND).call
    after = boti_texts("Nem értem el senkit", at=NOW + MINUTE)

    page = hers.get(f"/conversations/{call.conversation_id}/")

    assert entries_in(page) == [str(before.uuid), str(call.uuid), str(after.uuid)]
    assert "Missed call · 11:00 · Ügyfélszolgálat · rang 25 s" in entry_of(page, call.uuid)
    assert 'class="event call missed"' in page.text


def test_an_answered_call_says_by_whom_and_how_long(hers, line):
    told(line, "ringing")
    call = told(line, "answered", at=NOW + 5 * SECOND, agent="Kata", duration=192).call
    said = entry_of(hers.get(f"/conversations/{call.conversation_id}/"), call.uuid)
    assert "Answered call · 11:00 · Support · answered by Kata · talked 3 m 12 s" in said


def test_our_own_call_is_an_outgoing_one(hers, line):
    call = told(line, "answered", direction="out", duration=9).call
    said = entry_of(hers.get(f"/conversations/{call.conversation_id}/"), call.uuid)
    assert "Outgoing call · 11:00 · Support · talked 9 s" in said


def test_a_call_that_ended_in_the_menu_was_not_missed(hers, line):
    told(line, "ringing")
    call = told(line, "key", key="2", ends=True, at=NOW + 9 * SECOND).call
    assert "Incoming call, ended in the menu · 11:00 · Supportpressed 2" in entry_of(
        hers.get(f"/conversations/{call.conversation_id}/"), call.uuid
    )
    assert "Incoming call, ended in the menu" in hers.get("/").text


def test_a_call_of_which_no_more_is_told_does_not_ring_for_ever(hers, line):
    call = told(line, "key", key="1").call
    page = f"/conversations/{call.conversation_id}/"
    with freeze_time(NOW + MINUTE):
        assert "Incoming call · 11:00" in entry_of(hers.get(page), call.uuid)
    with freeze_time(NOW + 16 * MINUTE):
        assert "Incoming call, its end was not told · 11:00" in entry_of(hers.get(page), call.uuid)
        assert "Incoming call, its end was not told" in hers.get("/").text


def test_the_keys_and_the_node_stand_in_the_call(hers, line, kontakt):
    node = MessageNode.objects.create(subscriber=kontakt, name="Kapunyitás", created_at=NOW)
    told(line, "key", key="1")
    told(line, "key", key="2", at=NOW + SECOND)
    call = told(line, "node", node=node, at=NOW + 2 * SECOND).call
    assert "pressed 1 · pressed 2 · reached “Kapunyitás”" in entry_of(
        hers.get(f"/conversations/{call.conversation_id}/"), call.uuid
    )


def test_a_call_told_late_says_that_no_rule_looked_at_it(hers, line):
    call = told(line, "missed", late=40 * MINUTE).call
    said = entry_of(hers.get(f"/conversations/{call.conversation_id}/"), call.uuid)
    assert "told 40 minutes late: no rule looked at it" in said
    assert "Why?" in said


def test_what_came_of_it_stands_in_the_call_in_short(hers, line, kontakt, dana, bela, sam):
    recorded = told(line, "missed")
    rule = a_rule(kontakt, "Foreign callers")
    applied(
        rule,
        recorded.event,
        {"user": dana, "channel": "sms"},
        {"user": bela, "channel": "email"},
        {"user": sam, "channel": "email", "state": "skipped", "reason": "away"},
        {"channel": "sms"},
    )
    applied(a_rule(kontakt, "New one"), recorded.event, {"user": dana, "channel": "email", "state": "dry"}, is_dry=True)
    said = entry_of(hers.get(f"/conversations/{recorded.call.conversation_id}/"), recorded.call.uuid)
    assert "Foreign callers Dana (SMS) Bela (e-mail) Sam: away the caller (SMS)" in said
    assert "New one only tried out Dana (e-mail)" in said


def test_a_thread_with_many_calls_costs_as_many_questions_as_one_with_one(hers, line, kontakt, dana, django_assert_num_queries):
    rule = a_rule(kontakt, "Everybody")
    first = told(line, "missed", call="c0")
    applied(rule, first.event, {"user": dana, "channel": "sms"})
    address = f"/conversations/{first.call.conversation_id}/"
    hers.get(address, headers=HTMX)
    # The thread's own, and of calls: themselves, what happened, the rules, whom they told; and promises.
    with django_assert_num_queries(22):
        hers.get(address, headers=HTMX)
    for n in range(1, 20):
        applied(rule, told(line, "missed", call=f"c{n}", at=NOW + n * MINUTE).event, {"user": dana, "channel": "sms"})
    with django_assert_num_queries(22):
        hers.get(address, headers=HTMX)


@pytest.fixture
def promise(line):
    call = told(line, "missed").call
    return Promise.objects.create(
        subscriber=call.subscriber, conversation=call.conversation, call=call, made_at=NOW, due_at=NOW + 3 * 60 * MINUTE
    )


def promised(page) -> str:
    found = re.search(r'<span class="event promise.*?</span></span>|<span class="event promise.*', page.text, re.DOTALL)
    assert found
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", found[0]))


def test_a_promise_stands_in_the_thread_and_says_what_became_of_it(hers, promise, dana):
    address = f"/conversations/{promise.conversation_id}/"
    with freeze_time(NOW):
        assert "We promised to call back by 14:00 · open" in promised(hers.get(address))
    with freeze_time(NOW + 4 * 60 * MINUTE):
        assert "We promised to call back by 14:00 · overdue" in promised(hers.get(address))
    Promise.objects.update(kept_at=NOW + 140 * MINUTE, kept_by=dana, kept_how="call")
    assert "We promised to call back by 14:00 · kept 13:20 · Dana · a call" in promised(hers.get(address))
    Promise.objects.update(kept_at=NOW + 190 * MINUTE)
    assert "kept late 14:10" in promised(hers.get(address))


def test_calls_are_printed_with_the_thread(sam, promise):
    page = Browser(sam).get(f"/conversations/{promise.conversation_id}/print/")
    text = re.sub(r"<[^>]+>", "", b"".join(page.streaming_content).decode())
    assert "Missed call · 11:00 · Support" in text
    assert "We promised to call back by 14:00" in text


def last_line(page) -> str:
    return re.sub(r"<[^>]+>", "", re.search(r'<span class="last.*?</span><span class="draft">', page.text, re.DOTALL)[0]).strip()


def test_the_row_says_missed_call_while_the_call_is_the_newest(hers, line, boti_texts):
    boti_texts("Halló?", at=NOW - MINUTE)
    told(line, "missed")
    page = hers.get("/")
    assert last_line(page).startswith("Missed call")
    assert "Waiting for an answer" in page.text
    assert 'data-inbound="1"' in page.text
    boti_texts("Itt vagyok", at=NOW + MINUTE)
    assert last_line(hers.get("/")).startswith("Itt vagyok")


def test_an_automatic_message_says_so_and_leads_to_the_reason(hers, sam, line, kontakt):
    recorded = told(line, "missed")
    run = applied(a_rule(kontakt, "Sorry"), recorded.event, {"channel": "sms", "body": "Visszahívjuk!"})
    telling = run.tellings.get()
    queue_sms(
        uuid=telling.uuid, conversation=recorded.call.conversation, body="Visszahívjuk!", author=None, origin=Origin.RULE, now=NOW
    )
    why = f'href="/call-logic/why/{telling.uuid}/"'
    assert why in hers.get(f"/conversations/{recorded.call.conversation_id}/").text
    assert why in hers.get("/messages/").text
    assert "the rule “Sorry” applies to a call" in hers.get(f"/call-logic/why/{telling.uuid}/").text
    # What the rule saw is forgotten sooner than the message.
    run.delete()
    assert "is not kept any more" in hers.get(f"/call-logic/why/{telling.uuid}/").text
    person = queue_sms(uuid=uuid.uuid4(), conversation=recorded.call.conversation, body="Én", author=sam, now=NOW)
    assert hers.get(f"/call-logic/why/{person.uuid}/").status_code == 404
    assert Message.objects.filter(origin=Origin.RULE).count() == 1


def test_the_partners_page_has_the_calls_of_all_their_numbers(hers, sam, line, sales_line, boti, promise):
    other = told(line, "answered", call="c2", caller="+36209990003", agent="Kata", duration=60).call
    other.conversation.contact.main = boti
    other.conversation.contact.save()
    elsewhere = told(sales_line, "busy", call="c3").call
    page = hers.get(f"/phonebook/{boti.pk}/")
    assert f"/call-logic/calls/{other.uuid}/" in page.text
    assert f"/call-logic/calls/{promise.call.uuid}/" in page.text
    assert "We promised to call back by" in page.text
    assert str(elsewhere.uuid) not in page.text
    assert str(elsewhere.uuid) in Browser(sam).get(f"/phonebook/{boti.pk}/").text
    assert str(other.uuid) in hers.get(f"/call-logic/calls/?contact={boti.pk}").text
    assert BOTI[-4:] in page.text


def test_who_calls_without_end_does_not_make_a_page_without_end(hers, sam, line, kontakt, conversation, monkeypatch):
    monkeypatch.setattr(timeline, "MOST", 3)
    calls = [told(line, "missed", call=f"c{n}", at=NOW + n * MINUTE).call for n in range(5)]
    page = hers.get(f"/conversations/{conversation.pk}/")
    assert entries_in(page) == ["earlier-calls", *(str(call.uuid) for call in calls[2:])]
    assert f'href="/call-logic/calls/?contact={conversation.contact_id}"' in page.text
    paper = b"".join(Browser(sam).get(f"/conversations/{conversation.pk}/print/").streaming_content).decode()
    assert "Earlier calls are left out here." in paper
