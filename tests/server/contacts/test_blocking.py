"""Blocked senders: stored, hidden, no notice, reversible."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from server.accounts.models import AuditEntry
from server.contacts.entries import Facts
from server.contacts.models import Contact, OptOut
from server.events.models import Event, Kind
from server.history.filter import HistoryFilter
from server.history.rows import number_of, page_of
from server.messaging.conversations import mark_done, mark_read, unread_by
from server.messaging.models import Conversation, Message
from server.messaging.partners import block_sender, save_entry, unblock_sender
from tests.conftest import BOTI, NOW

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def blocked(boti, boti_texts, dana):
    """Boti has texted once, and is blocked since."""
    boti_texts("Szia")
    block_sender(entry=boti, by=dana, now=NOW)
    return Conversation.objects.get()


def standing(conversation: Conversation) -> tuple:
    return Conversation.objects.values_list("inbound_count", "waiting_since", "done_at", "hidden_at").get(pk=conversation.pk)


def test_what_a_blocked_sender_writes_is_stored_and_news_to_nobody(blocked, boti_texts, dana):
    before = standing(blocked)
    text = boti_texts("Nyertél!", at=LATER)
    assert Message.objects.get(pk=text.pk).body == "Nyertél!"
    assert standing(blocked) == before
    assert unread_by(dana) == []
    event = Event.objects.latest("number")
    assert (event.kind, event.message_id) == (Kind.MESSAGE_CHANGED, text.pk)


def test_a_finished_thread_stays_finished(blocked, boti_texts, dana):
    mark_done(conversation=blocked, by=dana, now=NOW)
    boti_texts("Nyertél!", at=LATER)
    assert standing(blocked)[2] == NOW


def test_stop_is_heeded_still(blocked, boti_texts, line):
    boti_texts("STOP", at=LATER)
    assert OptOut.objects.filter(line=line, number=BOTI, ended_at=None).exists()


def test_the_first_message_on_another_line_makes_a_hidden_thread(blocked, boti_texts, sales_line, sam):
    text = boti_texts("Nyertél!", to=sales_line, at=LATER)
    conversation = Conversation.objects.get(pk=text.conversation_id)
    assert conversation.hidden_at is not None
    assert (conversation.inbound_count, conversation.waiting_since) == (0, None)
    assert unread_by(sam) == []


def test_the_same_message_told_twice_is_one(blocked, line):
    from server.messaging.inbound import receive_sms

    facts = {
        "line": line,
        "provider_account": "simulator:",
        "provider_message_id": "SM1",
        "sender": BOTI,
        "body": "X",
        "now": LATER,
    }
    assert [receive_sms(**facts).is_new for _ in range(2)] == [True, False]


def test_unblocked_everything_is_back_in_its_place_and_not_unread(blocked, boti, boti_texts, dana):
    mark_read(conversation=blocked, by=dana, upto=1, now=NOW)
    boti_texts("Nyertél!", at=LATER)
    assert unblock_sender(entry=boti, by=dana, now=LATER)
    blocked.refresh_from_db()
    assert (blocked.hidden_at, blocked.latest_at, blocked.latest_message.body) == (None, LATER, "Nyertél!")
    assert unread_by(dana) == []
    assert number_of(dana, HistoryFilter()) == 2
    boti_texts("Szia megint", at=LATER)
    assert unread_by(dana) == [blocked.pk]


def test_blocking_covers_every_number_of_the_entry_also_one_that_comes_later(blocked, boti, boti_texts, dana):
    other = boti_texts("Én vagyok", sender="+36309990002").conversation
    save_entry(subscriber=dana.subscriber, entry=boti, facts=Facts(name="Kiss Boti", numbers=[BOTI, "+36309990002"]), now=NOW)
    other.refresh_from_db()
    assert other.hidden_at is not None
    unblock_sender(entry=Contact.objects.get(number="+36309990002"), by=dana, now=NOW)
    assert not Contact.objects.exclude(blocked_at=None).exists()
    assert not Conversation.objects.exclude(hidden_at=None).exists()


def test_twice_is_once_and_the_audit_log_has_ids_only(blocked, boti, dana):
    assert not block_sender(entry=boti, by=dana, now=NOW)
    assert unblock_sender(entry=boti, by=dana, now=NOW)
    assert not unblock_sender(entry=boti, by=dana, now=NOW)
    entries = AuditEntry.objects.order_by("pk")
    assert [(entry.action, entry.target, entry.detail) for entry in entries] == [
        ("contact.blocked", str(boti.pk), {"contact": boti.pk}),
        ("contact.unblocked", str(boti.pk), {"contact": boti.pk}),
    ]


def test_the_history_leaves_them_out_unless_they_are_asked_for(blocked, boti, boti_texts, dana):
    text = boti_texts("Nyertél!", at=LATER)
    other = boti_texts("Jó napot", sender="+36309990002")
    assert [row.pk for row in page_of(dana, HistoryFilter(), size=50)] == [other.pk]
    assert number_of(dana, HistoryFilter(text="Nyertél")) == 0
    assert number_of(dana, HistoryFilter(name="Boti")) == 0
    for wanted in (HistoryFilter(contact=boti.pk), HistoryFilter(conversation=blocked.pk)):
        assert number_of(dana, wanted) == 2
    assert number_of(dana, HistoryFilter(only=(text.uuid,))) == 1


def test_of_very_many_blocked_ones_the_database_keeps_count(blocked, dana, monkeypatch):
    monkeypatch.setattr("server.history.rows._FEW_HIDDEN", 0)
    assert number_of(dana, HistoryFilter()) == 0


def test_where_nobody_is_blocked_no_row_is_asked_about(conversation, dana, django_assert_num_queries):
    from server.history.rows import rows

    assert "NOT IN" not in str(rows(dana, HistoryFilter()).query)
    assert "NOT (" not in str(rows(dana, HistoryFilter()).query)


def test_the_messages_of_a_contact_are_those_of_all_its_numbers(boti, boti_texts, dana):
    boti_texts("Szia")
    text = boti_texts("Én vagyok", sender="+36309990002")
    save_entry(subscriber=dana.subscriber, entry=boti, facts=Facts(name="Kiss Boti", numbers=[BOTI, "+36309990002"]), now=NOW)
    for contact in (boti.pk, text.conversation.contact_id):
        assert number_of(dana, HistoryFilter(contact=contact)) == 2


def hidden_and_unread(text: Message) -> tuple[bool, int]:
    conversation = Conversation.objects.get(pk=text.conversation_id)
    return conversation.hidden_at is not None, conversation.inbound_count


def test_what_comes_while_somebody_unblocks_is_shown(overtaken, boti, boti_texts, dana):
    boti_texts("Szia")
    block_sender(entry=boti, by=dana, now=NOW)
    text = overtaken(partial(unblock_sender, entry=boti, by=dana, now=NOW), partial(boti_texts, "Itt vagyok", at=LATER))
    assert hidden_and_unread(text) == (False, 2)


def test_what_comes_while_somebody_blocks_is_hidden(overtaken, boti, boti_texts, dana):
    boti_texts("Szia")
    text = overtaken(partial(block_sender, entry=boti, by=dana, now=NOW), partial(boti_texts, "Nyertél!", at=LATER))
    assert hidden_and_unread(text) == (True, 1)


def test_a_first_message_while_somebody_blocks_is_hidden(overtaken, boti, boti_texts, sales_line, dana):
    boti_texts("Szia")
    first_there = partial(boti_texts, "Nyertél!", to=sales_line, at=LATER)
    text = overtaken(partial(block_sender, entry=boti, by=dana, now=NOW), first_there)
    assert hidden_and_unread(text) == (True, 0)


def test_somebody_is_blocked_while_their_first_message_comes(overtaken, boti, boti_texts, sales_line, dana):
    boti_texts("Szia")
    overtaken(partial(boti_texts, "Nyertél!", to=sales_line, at=LATER), partial(block_sender, entry=boti, by=dana, now=NOW))
    assert not Conversation.objects.filter(hidden_at=None).exists()
