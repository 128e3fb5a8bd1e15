from __future__ import annotations

import uuid
from functools import partial
from itertools import permutations

import pytest

from server.contacts.models import OptOut
from server.events.models import Event
from server.messaging.delivery import Report, apply_delivery_report
from server.messaging.models import RANK, DeliveryReport, Message, Status
from server.messaging.outbound import discard_sms, retry_sms
from server.messaging.sending import mark_sent, mark_unconfirmed, reap_leases
from tests.conftest import NOW
from tests.server.conftest import later

TOLD = ["sent", "delivered", "undelivered", "delivered again", "stale"]


@pytest.mark.parametrize("order", list(permutations(TOLD)), ids="-".join)
def test_in_whatever_order_reports_come_delivered_stays_delivered(order, send, report, dana):
    message = retried(send, report, dana)
    statuses = []
    for at, word in enumerate(order):
        status = Status(word.split()[0]) if word != "stale" else Status.UNDELIVERED
        report(message, status, sid="OLD" if word == "stale" else "SM2", at=later(minutes=10 + at))
        message.refresh_from_db()
        statuses.append(message.status)
    assert message.status == Status.DELIVERED
    assert (message.reason, message.failed_at, message.provider_message_id) == ("", None, "SM2")
    ranks = [RANK[Status(status)] for status in statuses]
    assert ranks == sorted(ranks), "a status went back"


@pytest.mark.parametrize(
    "told", [told for n in (1, 2, 3) for told in permutations(["sent", "undelivered", "failed"], n)], ids="-".join
)
def test_without_a_delivery_the_highest_rank_stays_and_of_equals_the_first(told, send, report):
    message = send()
    for status in told:
        report(message, Status(status), reason="unreachable")
    message.refresh_from_db()
    assert message.status == next((status for status in told if status != "sent"), "sent")


def retried(send, report, dana) -> Message:
    """A message whose first attempt was OLD and whose second is SM2, just accepted."""
    message = send()
    Message.objects.filter(pk=message.pk).update(provider_message_id="OLD")
    report(message, Status.UNDELIVERED, sid="OLD", reason="unreachable")
    message.refresh_from_db()
    assert retry_sms(message=message, by=dana, now=later(minutes=1))
    from server.messaging.sending import claim_next

    again = claim_next(by="two", now=later(minutes=2))
    assert mark_sent(message=again, provider_account="simulator:", provider_message_id="SM2", now=later(minutes=2))
    return again


def test_a_report_is_kept_raw_and_the_same_one_once(send, report):
    message = send()
    for _ in range(3):
        report(message, Status.DELIVERED)
    kept = DeliveryReport.objects.get()
    assert (kept.status, kept.raw) == (Status.DELIVERED, {"MessageStatus": "delivered"})
    assert Message.objects.get().delivered_at == NOW


def test_each_report_that_changes_something_is_told_once(send, report):
    message = send()
    count = Event.objects.count()
    for status in (Status.SENT, Status.DELIVERED, Status.DELIVERED, Status.SENT, Status.UNDELIVERED):
        report(message, status)
    assert Event.objects.count() == count + 1


def test_ten_reports_at_once_are_one(many_hands, send, line):
    message = send()
    count = Event.objects.count()
    said = Report(status=Status.DELIVERED, provider_status="delivered", provider_message_id=message.provider_message_id, raw={})
    results = many_hands(*[partial(apply_delivery_report, line=line, uuid=message.uuid, report=said, now=NOW)] * 10)
    assert {type(result) for result in results} == {Message}
    assert DeliveryReport.objects.count() == 1
    assert Event.objects.count() == count + 1


def test_a_report_by_another_line_or_of_an_unknown_or_inbound_message_changes_nothing(
    send, rival_line, sales_line, line, boti_texts
):
    message = send()
    said = Report(status=Status.FAILED, provider_status="failed", raw={})
    assert apply_delivery_report(line=rival_line, uuid=message.uuid, report=said, now=NOW) is None
    assert apply_delivery_report(line=sales_line, uuid=message.uuid, report=said, now=NOW) is None
    assert apply_delivery_report(line=line, uuid=uuid.uuid4(), report=said, now=NOW) is None
    assert apply_delivery_report(line=line, uuid=boti_texts("Szia!").uuid, report=said, now=NOW) is None
    message.refresh_from_db()
    assert message.status == Status.SENT
    assert not DeliveryReport.objects.exists()


@pytest.mark.parametrize("status", [Status.QUEUED, Status.SENDING, Status.SENT])
def test_whatever_the_provider_says_of_an_unconfirmed_message_it_has_it(status, queue, claim, report):
    queue()
    message = claim()
    mark_unconfirmed(message=message, now=NOW)
    report(message, status, sid="SM1")
    message.refresh_from_db()
    assert (message.status, message.provider_message_id, message.sent_at) == (Status.SENT, "SM1", NOW)


def test_a_report_never_leaves_a_message_being_sent_without_a_lease(queue, claim, report):
    message = queue()
    claim()
    report(message, Status.SENDING, sid="SM1")
    reap_leases(now=later(hours=1))
    message.refresh_from_db()
    assert message.status == Status.SENT


def test_a_late_word_of_the_first_attempt_spares_the_second(queue, claim, report, dana):
    queue()
    message = claim()
    reap_leases(now=later(minutes=2))
    retry_sms(message=message, by=dana, now=later(minutes=3))
    report(message, Status.DELIVERED, sid="SM1", at=later(minutes=4))
    assert claim(at=later(minutes=5)) is None
    assert Message.objects.get().status == Status.DELIVERED


def test_a_late_word_of_a_failed_attempt_does_not_fail_the_retried_one(send, report, dana, claim):
    message = send()
    report(message, Status.UNDELIVERED)
    sid = Message.objects.get().provider_message_id
    retry_sms(message=message, by=dana, now=later(minutes=1))
    report(message, Status.UNDELIVERED, sid=sid, at=later(minutes=2))
    assert Message.objects.get().status == Status.QUEUED
    claim(at=later(minutes=3))
    report(message, Status.UNDELIVERED, sid=sid, at=later(minutes=4))
    assert Message.objects.get().status == Status.SENDING


def test_a_failure_marks_the_row_and_a_later_delivery_takes_the_mark_away(send, report, conversation):
    message = send()
    report(message, Status.UNDELIVERED, reason="unreachable", code="30003")
    message.refresh_from_db()
    conversation.refresh_from_db()
    assert (message.reason, message.provider_code, message.failed_at) == ("unreachable", "30003", NOW)
    assert conversation.has_failed
    report(message, Status.DELIVERED)
    message.refresh_from_db()
    conversation.refresh_from_db()
    assert (message.status, message.reason, message.provider_code, message.failed_at) == (Status.DELIVERED, "", "", None)
    assert not conversation.has_failed


def test_an_older_messages_failure_leaves_the_row_alone(send, report, conversation):
    older = send("egy")
    send("kettő", at=later(minutes=1))
    report(older, Status.UNDELIVERED)
    conversation.refresh_from_db()
    assert not conversation.has_failed


def test_a_discarded_message_that_arrived_after_all_is_shown_again(send, report, conversation):
    message = send()
    report(message, Status.UNDELIVERED)
    assert discard_sms(message=message, now=later(minutes=1))
    report(message, Status.DELIVERED, at=later(minutes=2))
    message.refresh_from_db()
    conversation.refresh_from_db()
    assert message.deleted_at is None
    assert conversation.latest_message == message


def test_a_message_that_failed_at_the_provider_was_never_sent(queue, claim, report):
    queue()
    message = claim()
    report(message, Status.FAILED, sid="SM1")
    assert Message.objects.get().sent_at is None


def test_a_report_that_the_customer_has_stopped_records_the_opt_out(send, report, boti):
    report(send(), Status.UNDELIVERED, reason="opted_out", code="21610")
    assert OptOut.objects.get(ended_at=None).number == boti.number


def test_what_no_database_can_keep_does_not_break_a_report(send, line):
    message = send()
    said = Report(
        status=Status.DELIVERED, provider_status="delivered" * 9, provider_code="x" * 99, raw={"a\x00": "b\x00\ud83d", "n": ["1"]}
    )
    assert apply_delivery_report(line=line, uuid=message.uuid, report=said, now=NOW)
    assert DeliveryReport.objects.get().raw == {"a\ufffd": "b\ufffd\ufffd", "n": ["1"]}
