"""Asking the provider: was it taken, and did we miss something?"""

from __future__ import annotations

from datetime import timedelta

import pytest
from axes.models import AccessAttempt, AccessLog
from django.contrib.sessions.models import Session
from django.utils import timezone

from gateway.chores import CHORES, do_due_chores
from gateway.models import Chore, WebhookReceipt
from gateway.reconcile import fetch_missed_inbound, look_up_unconfirmed
from gateway.sending import send_due
from gateway.vocabulary import NoList
from server.messaging.models import Message, Origin, Status
from server.messaging.sending import hold_line, release_line
from tests.conftest import BOTI

S = Status


@pytest.fixture
def in_a_while():
    def later(**time) -> object:
        return timezone.now() + timedelta(**time)

    return later


def test_an_unconfirmed_message_found_at_twilio_was_sent(twilio, sent, in_a_while):
    twilio.plan.append("accept-then-reset")
    message = sent()

    assert look_up_unconfirmed(in_a_while(seconds=30)) == 0
    assert look_up_unconfirmed(in_a_while(seconds=61)) == 1

    message.refresh_from_db()
    assert message.status == S.SENT
    assert message.provider_message_id == twilio.messages[0].sid
    assert len(twilio.messages) == 1


def test_found_delivered_is_delivered_though_the_report_never_came(twilio, sent, in_a_while):
    twilio.plan.append("accept-then-reset")
    message = sent()
    twilio.messages[0].status = "delivered"

    look_up_unconfirmed(in_a_while(seconds=61))

    message.refresh_from_db()
    assert message.status == S.DELIVERED


def test_absent_twice_minutes_apart_is_sent_once_more(twilio, sent, in_a_while):
    twilio.plan.append("reset")
    message = sent()

    look_up_unconfirmed(in_a_while(seconds=61))
    look_up_unconfirmed(in_a_while(seconds=120))
    message.refresh_from_db()
    assert message.status == S.UNCONFIRMED
    look_up_unconfirmed(in_a_while(seconds=310))
    message.refresh_from_db()
    assert message.status == S.QUEUED

    send_due()
    message.refresh_from_db()
    assert message.status == S.SENT
    assert len(twilio.messages) == 1


def test_two_looks_right_after_one_another_prove_nothing(twilio, sent, in_a_while):
    twilio.plan.append("reset")
    message = sent()

    look_up_unconfirmed(in_a_while(minutes=30))
    look_up_unconfirmed(in_a_while(minutes=31))

    message.refresh_from_db()
    assert message.status == S.UNCONFIRMED


def test_having_been_asked_to_wait_does_not_count_as_an_attempt(twilio, sent, in_a_while):
    twilio.plan.extend(["429", "reset"])
    message = sent()
    Message.objects.update(next_attempt_at=None)
    send_due()
    for minutes in (2, 7):
        look_up_unconfirmed(in_a_while(minutes=minutes))
    send_due()

    message.refresh_from_db()
    assert message.status == S.SENT
    assert len(twilio.messages) == 1


def test_absent_after_the_second_attempt_too_has_failed(twilio, sent, in_a_while):
    twilio.plan.extend(["reset", "reset"])
    message = sent()
    for minutes in (2, 7):
        look_up_unconfirmed(in_a_while(minutes=minutes))
    send_due()

    for minutes in (9, 15):
        look_up_unconfirmed(in_a_while(minutes=minutes))

    message.refresh_from_db()
    assert (message.status, message.reason) == (S.FAILED, "absent")
    assert twilio.posts == 2


def test_two_that_could_be_it_are_for_a_person_to_judge(twilio, sent, in_a_while):
    twilio.plan.append("accept-then-reset")
    message = sent()
    twilio.messages.append(type(twilio.messages[0])(**{**vars(twilio.messages[0]), "sid": "SM" + "2" * 32}))

    look_up_unconfirmed(in_a_while(seconds=61))

    message.refresh_from_db()
    assert (message.status, message.reason) == (S.FAILED, "ambiguous")


def test_an_identical_text_that_is_known_to_be_another_message_is_not_taken_for_it(twilio, queued, in_a_while):
    twilio.plan.extend(["ok", "accept-then-reset"])
    first, second = queued("Jó"), queued("Jó")
    send_due()

    look_up_unconfirmed(in_a_while(seconds=61))

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == (S.SENT, S.SENT)
    assert first.provider_message_id != second.provider_message_id


def test_nothing_follows_from_a_list_that_can_not_be_read(twilio, sent, in_a_while):
    twilio.plan.extend(["reset", "list-503"])
    message = sent()

    look_up_unconfirmed(in_a_while(seconds=61))

    message.refresh_from_db()
    assert (message.status, message.absences) == (S.UNCONFIRMED, 0)


def test_a_provider_without_a_list_leaves_it_to_a_person(twilio, sent, in_a_while, monkeypatch):
    def no_list(*_):
        raise NoList

    monkeypatch.setattr("gateway.providers.twilio.Twilio.sent_since", no_list)
    twilio.plan.append("reset")
    message = sent()

    for minutes in (2, 7, 60):
        look_up_unconfirmed(in_a_while(minutes=minutes))

    message.refresh_from_db()
    assert message.status == S.UNCONFIRMED


# --- Inbound that no webhook brought ----------------------------------------------------------


def test_a_text_that_no_webhook_brought_is_recovered_once(twilio, twilio_line, webhooks):
    now = timezone.now()
    known = twilio.receive(twilio_line.account_sid, sender=BOTI, to=twilio_line.number, body="Megjött", at=now - timedelta(hours=1))
    webhooks.text("Megjött", MessageSid=known.sid)
    twilio.receive(
        twilio_line.account_sid, sender=BOTI, to=twilio_line.number, body="Elveszett", at=now - timedelta(minutes=30), num_media=1
    )

    assert fetch_missed_inbound(now) == 1
    assert fetch_missed_inbound(now) == 0

    recovered = Message.objects.get(origin=Origin.RECOVERED)
    assert recovered.body == "Elveszett"
    assert recovered.created_at < now - timedelta(minutes=29)
    assert len(recovered.media) == 1


def test_a_text_whose_webhook_may_be_on_its_way_is_left_alone(twilio, twilio_line):
    now = timezone.now()
    twilio.receive(twilio_line.account_sid, sender=BOTI, to=twilio_line.number, body="Épp most", at=now - timedelta(seconds=20))

    assert fetch_missed_inbound(now) == 0


def test_one_line_that_can_not_be_listed_does_not_keep_the_others_waiting(twilio, twilio_line, line):
    from gateway.providers import simulator

    twilio.plan.append("list-503")
    simulator.text_in(line, BOTI, "Elveszett", times=0)

    assert fetch_missed_inbound(timezone.now() + timedelta(minutes=5)) == 1


def test_texts_of_the_hours_in_which_the_list_could_not_be_read_are_recovered_later(twilio, twilio_line):
    began = timezone.now() - timedelta(hours=30)
    fetch_missed_inbound(began)
    lost_at = began + timedelta(hours=1)
    twilio.receive(twilio_line.account_sid, sender=BOTI, to=twilio_line.number, body="Elveszett", at=lost_at)
    for hours in (2, 3, 4):
        twilio.plan.append("list-503")
        fetch_missed_inbound(began + timedelta(hours=hours))

    assert fetch_missed_inbound(began + timedelta(hours=5)) == 1


def test_texts_of_the_days_in_which_the_line_was_held_are_recovered_after_its_release(twilio, twilio_line):
    began = timezone.now() - timedelta(days=3)
    fetch_missed_inbound(began)
    hold_line(line=twilio_line, reason="401 20003", now=began)
    lost_at = began + timedelta(hours=1)
    twilio.receive(twilio_line.account_sid, sender=BOTI, to=twilio_line.number, body="Elveszett", at=lost_at)
    for hours in range(2, 60):
        fetch_missed_inbound(began + timedelta(hours=hours))
    release_line(line=twilio_line, now=began + timedelta(hours=60))

    assert fetch_missed_inbound(began + timedelta(hours=61)) == 1


# --- Chores -----------------------------------------------------------------------------------


def test_each_chore_is_done_by_one_and_again_only_when_due(db):
    now = timezone.now()

    assert do_due_chores(now) == Chore.objects.count()
    assert do_due_chores(now) == 0
    soon = [chore for chore in CHORES if chore.every <= timedelta(seconds=6)]
    assert do_due_chores(now + timedelta(seconds=6)) == len(soon) < len(CHORES)


def test_a_chore_that_fails_does_not_keep_the_others_from_their_turn(db, monkeypatch):
    monkeypatch.setattr("gateway.models.WebhookReceipt.objects", None)

    assert do_due_chores(timezone.now()) == Chore.objects.count() - 1


def test_receipts_are_kept_for_ninety_days(db):
    now = timezone.now()
    for days in (89, 91):
        WebhookReceipt.objects.create(
            provider="twilio", kind="message", signature_ok=True, outcome="stored", received_at=now - timedelta(days=days)
        )

    do_due_chores(now)

    assert WebhookReceipt.objects.get().received_at == now - timedelta(days=89)


def test_tables_that_grow_with_every_log_in_are_cleared(db):
    now = timezone.now()
    for days in (-1, 1):
        Session.objects.create(session_key=f"s{days}", session_data="", expire_date=now + timedelta(days=days))
    for model in (AccessAttempt, AccessLog):
        for days in (89, 91):
            counted = {"failures_since_start": 1} if model is AccessAttempt else {}
            attempt = model.objects.create(username=f"u{days}", path_info="/login/", ip_address="192.0.2.1", **counted)
            model.objects.filter(pk=attempt.pk).update(attempt_time=now - timedelta(days=days))

    do_due_chores(now)

    assert Session.objects.get().session_key == "s1"
    assert AccessAttempt.objects.get().username == AccessLog.objects.get().username == "u89"


def test_a_dead_dispatchers_message_becomes_unconfirmed_not_queued(twilio, queued):
    from server.messaging.sending import claim_next

    message = queued()
    claim_next(by="the dead", now=timezone.now() - timedelta(seconds=61))

    do_due_chores(timezone.now())

    message.refresh_from_db()
    assert message.status == S.UNCONFIRMED
