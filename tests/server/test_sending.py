from __future__ import annotations

from functools import partial
from unittest.mock import Mock

import pytest
from django.db import connection

from server.accounts.models import AuditEntry
from server.contacts.models import Contact, OptOut
from server.events.models import Event
from server.messaging import sending
from server.messaging.inbound import conversation_between
from server.messaging.models import Activity, Message, Status
from server.messaging.outbound import retry_sms
from server.messaging.sending import (
    HOLDS_OTHERS_FOR,
    LEASE,
    claim_next,
    give_back,
    hold_line,
    hold_messages,
    mark_failed,
    mark_sent,
    mark_unconfirmed,
    note_absence,
    reap_leases,
    release_line,
    requeue_absent,
)
from tests.conftest import NOW
from tests.server.conftest import later


@pytest.fixture
def other_conversation(line):
    contact = Contact.objects.create(subscriber=line.subscriber, number="+36309990002", created_at=NOW)
    return conversation_between(line=line, contact=contact, now=NOW)


def status_of(message: Message) -> str:
    return Message.objects.get(pk=message.pk).status


def accept(message: Message, sid: str = "SM1", **more) -> bool:
    return mark_sent(message=message, provider_account="simulator:", provider_message_id=sid, now=NOW, **more)


def test_a_claimed_message_is_leased_and_counted(queue, claim):
    queue()
    message = claim(by="one")
    for seen in (message, Message.objects.get(pk=message.pk)):
        assert (seen.status, seen.attempts, seen.lease_by) == (Status.SENDING, 1, "one")
        assert (seen.lease_until, seen.attempted_at) == (NOW + LEASE, NOW)
    assert claim() is None


def test_a_claim_brings_all_that_sending_needs(queue, claim, django_assert_num_queries):
    queue()
    with django_assert_num_queries(3):  # look, claim, opt-out
        message = claim()
        assert message.conversation.contact.number
        assert message.conversation.line.auth_token == ""
        assert message.conversation.line.subscriber.name


def test_ten_dispatchers_at_once_claim_each_message_once(many_hands, queue, other_conversation):
    messages = [queue("egy"), queue("kettő", to=other_conversation)]
    results = many_hands(*[partial(claim_next, by=str(n), now=NOW) for n in range(10)])
    claimed = [result for result in results if result is not None]
    assert {message.pk for message in claimed} == {message.pk for message in messages}
    assert len(claimed) == 2
    assert set(Message.objects.values_list("attempts", flat=True)) == {1}


def test_within_a_conversation_one_goes_after_the_other(queue, claim):
    first, second = queue("egy"), queue("kettő")
    assert claim() == first
    assert claim() is None
    accept(first := Message.objects.get(pk=first.pk))
    assert claim() == second


def test_conversations_do_not_wait_for_one_another(queue, claim, other_conversation):
    queue("egy")
    other = queue("kettő", to=other_conversation)
    claim()
    assert claim() == other


def test_looking_for_the_next_does_not_read_all_messages(db):
    if connection.vendor == "sqlite":  # PostgreSQL reads a table this small from end to end, whatever there is.
        assert "messages_by_status" in sending._sendable(NOW).order_by("id")[:1].explain()


def test_a_busy_line_is_passed_over(queue, line):
    queue()
    assert claim_next(by="one", now=NOW, busy_lines=[line.pk]) is None


def test_a_failed_one_does_not_hold_the_next(queue, claim):
    queue("egy")
    second = queue("kettő")
    mark_failed(message=claim(), reason="invalid_number", now=NOW)
    assert claim() == second


def test_one_given_back_for_later_holds_the_next(queue, claim):
    first = queue("egy")
    queue("kettő")
    assert give_back(message=claim(), until=later(seconds=8), now=NOW)
    assert claim(at=later(seconds=7)) is None
    again = claim(at=later(seconds=8))
    assert (again, again.attempts, again.next_attempt_at) == (first, 2, None)


def test_one_given_back_is_not_snatched_before_its_time_by_who_looked_before(queue, claim, monkeypatch):
    queue()
    look = sending._sendable

    def look_while_another_claims(now):
        seen = look(now).first()
        monkeypatch.setattr(sending, "_sendable", look)
        give_back(message=claim(by="quick"), until=later(seconds=8), now=NOW)
        return Mock(**{"exclude.return_value.order_by.return_value.first.return_value": seen})

    monkeypatch.setattr(sending, "_sendable", look_while_another_claims)
    assert claim(by="slow") is None
    assert Message.objects.get().status == Status.QUEUED


def test_an_unconfirmed_one_holds_the_others_for_ten_minutes_at_most(queue, claim):
    queue("egy")
    second = queue("kettő")
    mark_unconfirmed(message=claim(), now=NOW)
    assert claim(at=NOW + HOLDS_OTHERS_FOR * 0.99) is None
    assert claim(at=NOW + HOLDS_OTHERS_FOR) == second


def test_nothing_goes_out_of_a_line_that_is_off_or_held_or_without_service(queue, claim, line):
    queue()
    type(line).objects.update(is_active=False)
    assert claim() is None
    type(line).objects.update(is_active=True, held_since=NOW)
    assert claim() is None
    type(line).objects.update(held_since=None)
    line.subscriber.activation.delete()
    assert claim() is None


def test_who_texts_stop_after_we_queued_gets_nothing_more(queue, claim, boti_texts, conversation):
    message = queue()
    boti_texts("STOP")
    assert claim() is None
    message.refresh_from_db()
    conversation.refresh_from_db()
    assert (message.status, message.reason) == (Status.FAILED, "opted_out")
    assert conversation.has_failed


def test_a_lease_that_ran_out_becomes_unconfirmed_never_queued(queue, claim):
    message = queue()
    claim()
    assert reap_leases(now=NOW + LEASE) == 0
    assert reap_leases(now=NOW + LEASE * 1.1) == 1
    assert reap_leases(now=NOW + LEASE * 1.2) == 0
    assert status_of(message) == Status.UNCONFIRMED


def test_a_dispatcher_that_wakes_after_its_lease_still_tells_what_it_knows(queue, claim):
    queue()
    message = claim()
    reap_leases(now=later(minutes=2))
    assert accept(message)
    assert status_of(message) == Status.SENT


def test_what_was_surely_not_taken_is_queued_even_after_its_lease(queue, claim):
    queue()
    message = claim()
    reap_leases(now=later(minutes=2))
    assert give_back(message=message, until=later(minutes=3), now=later(minutes=2))
    assert status_of(message) == Status.QUEUED


def test_an_acceptance_told_after_somebody_pressed_retry_spares_the_second_sms(queue, claim, dana):
    queue()
    message = claim()
    reap_leases(now=later(minutes=2))
    assert retry_sms(message=message, by=dana, now=later(minutes=3))
    assert accept(message)
    assert status_of(message) == Status.SENT
    assert claim(at=later(minutes=4)) is None


def test_an_acceptance_of_an_earlier_attempt_leaves_the_one_under_way_alone(queue, claim, dana):
    queue()
    first = claim()
    reap_leases(now=later(minutes=2))
    retry_sms(message=first, by=dana, now=later(minutes=3))
    second = claim(at=later(minutes=3))
    assert not accept(first, "SM1")
    assert status_of(second) == Status.SENDING
    assert accept(second, "SM2")
    assert Message.objects.get().provider_message_id == "SM2"


def test_accepting_writes_the_id_the_time_and_the_segments(queue, claim):
    queue()
    message = claim()
    assert accept(message, "SM1", segments=2)
    assert not accept(message, "SM1", segments=0)
    message = Message.objects.get()
    assert (message.status, message.provider_message_id, message.provider_account) == (Status.SENT, "SM1", "simulator:")
    assert (message.sent_at, message.segments, message.lease_until, message.lease_by) == (NOW, 2, None, "")


def test_a_report_quicker_than_our_own_record_is_not_overwritten(queue, claim, report):
    queue()
    message = claim()
    report(message, Status.DELIVERED, sid="SM1")
    assert not accept(message)
    assert (message.status, message.provider_message_id) == (Status.DELIVERED, "SM1")


def test_a_refusal_tells_why_and_marks_the_row(queue, claim, conversation):
    queue()
    assert mark_failed(message=claim(), reason="not_mobile", provider_code="21614", now=NOW)
    message = Message.objects.get()
    conversation.refresh_from_db()
    assert (message.status, message.reason, message.provider_code, message.failed_at) == (Status.FAILED, "not_mobile", "21614", NOW)
    assert conversation.has_failed


def test_a_refusal_for_an_opt_out_records_the_opt_out(queue, claim, boti, boti_texts, conversation):
    boti_texts("Szia!")
    queue()
    boti_texts("Hahó?", at=later(minutes=1))
    mark_failed(message=claim(), reason="opted_out", provider_code="21610", now=later(minutes=2))
    conversation.refresh_from_db()
    assert OptOut.objects.get(ended_at=None).number == boti.number
    assert OptOut.objects.get().source == "provider"
    assert Activity.objects.get().kind == "opted_out"
    assert conversation.waiting_since is None


def test_one_look_by_two_is_one_look(queue, claim):
    queue()
    message = claim()
    mark_unconfirmed(message=message, now=NOW)
    one, two = Message.objects.get(), Message.objects.get()
    note_absence(message=one, now=NOW)
    note_absence(message=two, now=NOW)
    assert Message.objects.get().absences == 1
    assert Message.objects.get().next_attempt_at == NOW


def test_one_proved_absent_goes_out_once_more_and_it_stays_known_that_it_was(queue, claim):
    queue()
    mark_unconfirmed(message=claim(), now=NOW)
    note_absence(message=Message.objects.get(), now=NOW)
    assert requeue_absent(message=Message.objects.get(), now=later(minutes=6))
    again = claim(at=later(minutes=6))
    assert (again.attempts, again.absences) == (2, 2)


def test_a_single_look_says_nothing_of_the_next_attempt(queue, claim):
    queue()
    late = claim()
    mark_unconfirmed(message=late, now=NOW)
    note_absence(message=Message.objects.get(), now=NOW)
    give_back(message=late, until=NOW, now=NOW)
    assert claim().absences == 0


def test_each_step_is_told_to_the_screens_once(queue, claim):
    queue()
    message = claim()
    count = Event.objects.count()
    accept(message)
    accept(message)
    mark_failed(message=message, reason="other", now=NOW)
    reap_leases(now=later(hours=1))
    assert Event.objects.count() == count + 1


def test_a_line_is_held_by_one_and_released_with_all_that_waited(queue, claim, line, ada, other_conversation):
    first, second = queue("egy"), queue("kettő", to=other_conversation)
    claimed = claim()
    assert hold_line(line=line, reason="401", now=NOW)
    assert not hold_line(line=line, reason="401", now=NOW)
    assert hold_messages(message=claimed, now=NOW)
    assert status_of(first) == Status.HELD
    assert claim() is None
    assert release_line(line=line, now=later(hours=1), by=ada) == 1
    assert [claim(at=later(hours=1)), claim(at=later(hours=1))] == [first, second]
    assert [(entry.action, entry.actor) for entry in AuditEntry.objects.order_by("id")] == [
        ("line.held", None),
        ("line.released", ada),
    ]


def test_a_message_put_back_after_the_line_was_released_does_not_wait_for_ever(queue, claim, line):
    message = queue()
    claimed = claim()
    hold_line(line=line, reason="401", now=NOW)
    release_line(line=line, now=NOW)
    assert hold_messages(message=claimed, now=NOW)
    assert status_of(message) == Status.QUEUED


def test_a_held_one_holds_those_after_it(queue, claim, line):
    queue("egy")
    hold_line(line=line, reason="401", now=NOW)
    Message.objects.update(status=Status.HELD)
    second = queue("kettő")
    type(line).objects.update(held_since=None)
    assert claim() is None
    assert status_of(second) == Status.QUEUED


def test_releasing_a_line_that_is_not_held_is_not_audited(line):
    assert release_line(line=line, now=NOW) == 0
    assert not AuditEntry.objects.exists()


def test_who_texted_stop_gets_nothing_even_if_a_late_report_has_moved_the_message(queue, claim, line, monkeypatch):
    message = queue()

    def stopped_and_reported(**_):
        Message.objects.filter(pk=message.pk).update(status=Status.SENT)
        return True

    monkeypatch.setattr(sending, "opt_out_in_force", stopped_and_reported)
    assert claim() is None
    assert status_of(message) == Status.SENT
