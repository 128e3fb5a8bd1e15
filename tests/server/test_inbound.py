from __future__ import annotations

import uuid
from functools import partial

import pytest

from server.contacts.models import Contact, OptOut
from server.events.models import Event, Kind
from server.messaging.conversations import mark_done
from server.messaging.inbound import conversation_between, receive_sms
from server.messaging.models import Activity, Conversation, Direction, Message, Origin, Status
from tests.conftest import BOTI, NOW
from tests.server.conftest import later


def receive(line, **changes):
    told = {"provider_account": "simulator:", "provider_message_id": uuid.uuid4().hex, "sender": BOTI, "body": "Szia!", "now": NOW}
    return receive_sms(line=line, **{**told, **changes})


def test_an_sms_of_a_stranger_makes_contact_conversation_message_and_event(line):
    message = receive(line, body="Árvíztűrő").message
    contact = Contact.objects.get()
    conversation = Conversation.objects.get()
    assert (contact.number, contact.name, contact.subscriber) == (BOTI, "", line.subscriber)
    assert (message.direction, message.status, message.body) == (Direction.IN, Status.RECEIVED, "Árvíztűrő")
    assert (conversation.latest_message, conversation.latest_at, conversation.inbound_count) == (message, NOW, 1)
    assert conversation.waiting_since == NOW
    event = Event.objects.get()
    assert (event.number, event.kind) == (1, Kind.MESSAGE_CREATED)
    assert (event.line_id, event.conversation_id, event.message_id) == (line.pk, conversation.pk, message.pk)


def test_the_next_sms_goes_into_the_same_conversation(line, boti_texts):
    boti_texts("Szia!")
    boti_texts("Itt vagytok?", at=later(minutes=1))
    conversation = Conversation.objects.get()
    assert conversation.inbound_count == 2
    assert conversation.latest_message.body == "Itt vagytok?"
    assert Contact.objects.count() == 1


def test_the_same_sms_told_again_changes_nothing(line):
    first = receive(line, provider_message_id="SM1")
    again = receive(line, provider_message_id="SM1", body="other words", now=later(hours=1))
    assert (first.is_new, again.is_new) == (True, False)
    assert again.message == first.message
    assert Conversation.objects.get().inbound_count == 1
    assert Event.objects.count() == 1


def test_the_same_id_at_another_provider_account_is_another_sms(line):
    receive(line, provider_message_id="SM1", provider_account="twilio:AC1")
    assert receive(line, provider_message_id="SM1", provider_account="twilio:AC2").is_new


def test_sms_without_an_id_are_not_taken_for_one_another_nor_for_what_waits_to_be_sent(line, queue):
    queue("no id yet")
    assert receive(line, provider_account="", provider_message_id="").is_new
    assert receive(line, provider_account="", provider_message_id="").is_new


def test_ten_webhooks_of_one_sms_at_once_store_it_once(many_hands, line):
    results = many_hands(*[partial(receive, line, provider_message_id="SM1")] * 10)
    assert sorted(result.is_new for result in results) == [False] * 9 + [True]
    assert len({result.message.pk for result in results}) == 1
    assert Message.objects.count() == Conversation.objects.count() == Contact.objects.count() == Event.objects.count() == 1
    assert Conversation.objects.get().inbound_count == 1


def test_ten_sms_of_a_stranger_at_once_make_one_conversation_and_are_all_counted(many_hands, line):
    results = many_hands(*[partial(receive, line, body=str(n)) for n in range(10)])
    assert all(result.is_new for result in results)
    assert Contact.objects.count() == Conversation.objects.count() == 1
    assert Conversation.objects.get().inbound_count == 10
    assert [event.number for event in Event.objects.order_by("number")] == list(range(1, 11))


@pytest.mark.parametrize(
    ("sender", "number"),
    [
        ("+36309990001", "+36309990001"),
        ("36309990001", "+36309990001"),
        ("1749", "1749"),
        ("INFO", "INFO"),
        ("Magyar Posta Zrt. hírlevél", "Magyar Posta Zrt. hí"),
        ("+266696687", "+266696687"),
        ("", "?"),
        ("A\x00B\ud83d", "A\ufffdB\ufffd"),
        ("😀" * 30, "😀" * 20),
    ],
)
def test_any_sender_is_accepted(line, sender, number):
    assert receive(line, sender=sender).message.conversation.contact.number == number


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("Árvíztűrő tükörfúrógép", "Árvíztűrő tükörfúrógép"),
        ("😀👨‍👩‍👧", "😀👨‍👩‍👧"),
        ("a\x00b", "a\ufffdb"),
        ("a\ud83db", "a\ufffdb"),
        ("", ""),
        ("  spaces stay \n", "  spaces stay \n"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("%s {} \\u0000 '\"; DROP TABLE", "%s {} \\u0000 '\"; DROP TABLE"),
        ("x" * 1600, "x" * 1600),
    ],
)
def test_any_text_survives(line, body, kept):
    message = receive(line, body=body).message
    message.refresh_from_db()
    assert message.body == kept


def test_pictures_are_noted_on_the_message(line):
    media = [{"url": "https://example.com/1", "content_type": "image/jpeg"}]
    assert Message.objects.get(pk=receive(line, body="", media=media).message.pk).media == media


def test_what_it_cost_is_counted(line):
    message = receive(line, body="á" * 71).message
    assert (message.encoding, message.segments) == ("UCS-2", 2)


def test_waiting_counts_from_the_first_unanswered_sms(line, boti_texts, queue, conversation):
    boti_texts("Szia!", at=NOW)
    boti_texts("Hahó?", at=later(minutes=5))
    conversation.refresh_from_db()
    assert conversation.waiting_since == NOW
    queue("Jövünk!", at=later(minutes=6))
    conversation.refresh_from_db()
    assert conversation.waiting_since is None
    boti_texts("Köszönöm!", at=later(minutes=7))
    conversation.refresh_from_db()
    assert conversation.waiting_since == later(minutes=7)


def test_a_finished_conversation_comes_back_with_the_next_sms(boti_texts, conversation, dana):
    boti_texts("Köszi, minden rendben.")
    mark_done(conversation=conversation, by=dana, now=NOW)
    boti_texts("Mégsem!", at=later(minutes=1))
    conversation.refresh_from_db()
    assert conversation.done_at is None
    assert conversation.waiting_since == later(minutes=1)


def test_a_recovered_sms_of_earlier_neither_moves_the_row_back_nor_becomes_its_text(line, boti_texts, conversation):
    newest = boti_texts("Új", at=NOW)
    receive(line, body="Régi", at=later(hours=-3), now=later(minutes=1), origin=Origin.RECOVERED)
    conversation.refresh_from_db()
    assert (conversation.latest_message, conversation.latest_at) == (newest, NOW)
    assert conversation.inbound_count == 2
    # Boti has waited since then, though nobody knew.
    assert conversation.waiting_since == later(hours=-3)


def test_a_recovered_sms_of_before_our_answer_still_waits_for_one(line, queue, conversation):
    answer = queue("Jó napot!", at=NOW)
    late = receive(line, body="Kérdés", at=later(hours=-3), now=later(minutes=1), origin=Origin.RECOVERED).message
    conversation.refresh_from_db()
    assert late.created_at == later(hours=-3)
    assert conversation.latest_message == answer
    assert conversation.waiting_since == later(hours=-3)


def test_a_recovered_sms_of_a_stranger_is_the_rows_text(line):
    message = receive(line, at=later(hours=-3), origin=Origin.RECOVERED).message
    conversation = Conversation.objects.get()
    assert (conversation.latest_message, conversation.latest_at) == (message, later(hours=-3))


def test_a_provider_whose_clock_is_ahead_does_not_stay_on_top_for_ever(line):
    message = receive(line, at=later(days=300)).message
    assert message.created_at == NOW
    assert Conversation.objects.get().latest_at == NOW


def test_an_inbound_sms_is_taken_when_the_service_is_off(line):
    line.subscriber.activation.delete()
    line.subscriber.refresh_from_db()
    assert receive(line).is_new


def test_a_line_and_a_contact_of_two_subscribers_have_no_conversation(rival_line, boti):
    with pytest.raises(ValueError, match="two subscribers"):
        conversation_between(line=rival_line, contact=boti, now=NOW)


def test_the_same_number_texting_two_subscribers_is_two_contacts(line, rival_line):
    ours, theirs = receive(line).message, receive(rival_line).message
    assert ours.conversation.contact != theirs.conversation.contact
    assert ours.subscriber != theirs.subscriber
    assert [event.number for event in Event.objects.all()] == [1, 1]


def test_stop_silences_the_line_and_nobody_waits(boti_texts, conversation, line):
    boti_texts("Mikor jöttök?")
    boti_texts("STOP", at=later(minutes=1))
    conversation.refresh_from_db()
    opt_out = OptOut.objects.get()
    assert (opt_out.line, opt_out.number, opt_out.words, opt_out.ended_at) == (line, BOTI, "STOP", None)
    assert conversation.waiting_since is None
    assert Activity.objects.get().kind == "opted_out"


def test_stop_said_twice_is_one_opt_out_and_still_nobody_waits(boti_texts, conversation):
    boti_texts("STOP")
    boti_texts("STOP!!", at=later(minutes=1))
    conversation.refresh_from_db()
    assert OptOut.objects.count() == Activity.objects.count() == 1
    assert conversation.waiting_since is None


def test_start_ends_the_opt_out_and_stop_may_come_again(boti_texts):
    boti_texts("STOP")
    boti_texts("Start", at=later(minutes=1))
    assert OptOut.objects.get().ended_at == later(minutes=1)
    boti_texts("stop", at=later(minutes=2))
    assert OptOut.objects.filter(ended_at=None).count() == 1
    assert [activity.kind for activity in Activity.objects.order_by("at")] == ["opted_out", "opted_in", "opted_out"]


def test_a_stop_that_comes_late_does_not_undo_a_later_start(line, boti_texts):
    boti_texts("STOP", at=NOW)
    boti_texts("START", at=later(hours=2))
    receive(line, body="STOP", at=later(hours=1), now=later(hours=3), origin=Origin.RECOVERED)
    assert not OptOut.objects.filter(ended_at=None).exists()


def test_a_start_that_comes_late_does_not_undo_a_later_stop(line, boti_texts):
    boti_texts("STOP", at=later(hours=2))
    receive(line, body="START", at=later(hours=1), now=later(hours=3), origin=Origin.RECOVERED)
    assert OptOut.objects.filter(ended_at=None).exists()


def test_stop_on_one_line_leaves_the_others_open(boti_texts, line, sales_line):
    boti_texts("STOP", to=sales_line)
    assert not OptOut.objects.filter(line=line).exists()


def test_receiving_from_a_known_contact_costs_so_many_queries(line, boti_texts, django_assert_num_queries):
    boti_texts("Szia!")
    # Savepoint and its release; is it known, contact, conversation, its lock; message; conversation; event's savepoint-free number and row.
    with django_assert_num_queries(5):
        boti_texts("Itt vagytok?", at=later(minutes=1))
