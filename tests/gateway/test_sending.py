"""The outbox through the real SDK to a fake Twilio: what is taken, what is not, and what nobody knows."""

from __future__ import annotations

import threading
import time
import uuid
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from gateway.providers import PROVIDERS
from gateway.sending import send_claimed, send_due
from server.accounts.models import AuditEntry
from server.contacts.models import Contact
from server.messaging.inbound import conversation_between
from server.messaging.models import Message, Status
from server.messaging.outbound import queue_sms
from server.messaging.sending import claim_next, release_line
from tests.conftest import BOTI
from tests.gateway.twilio_webhooks import PUBLIC_URL

S = Status


def test_a_message_goes_out_once_with_all_that_twilio_must_know(twilio, sent, twilio_line):
    message = sent("Szia, Boti! Jó: ő ű 🙂")

    [taken] = twilio.messages
    assert message.status == S.SENT
    assert message.provider_message_id == taken.sid
    assert message.provider_account == f"twilio:{twilio_line.account_sid}"
    assert taken.params == {
        "To": BOTI,
        "From": twilio_line.number,
        "Body": "Szia, Boti! Jó: ő ű 🙂",
        "StatusCallback": f"{PUBLIC_URL}/gateway/twilio/{twilio_line.key}/status/{message.uuid}/",
        "ValidityPeriod": "3600",
    }


@pytest.mark.parametrize(
    ("fault", "status", "reason", "at_twilio"),
    [
        ("ok", S.SENT, "", 1),
        ("429", S.QUEUED, "", 0),
        ("429:7", S.QUEUED, "", 0),
        ("503", S.UNCONFIRMED, "", 0),
        ("reset", S.UNCONFIRMED, "", 0),
        ("accept-then-reset", S.UNCONFIRMED, "", 1),
        ("accept-then-garbage", S.UNCONFIRMED, "", 1),
        ("accept-then-nothing", S.UNCONFIRMED, "", 1),
        ("400:21211", S.FAILED, "invalid_number", 0),
        ("400:21614", S.FAILED, "not_mobile", 0),
        ("400:21408", S.FAILED, "region_off", 0),
        ("403:21408", S.FAILED, "region_off", 0),
        ("400:21610", S.FAILED, "opted_out", 0),
        ("400:99999", S.FAILED, "other", 0),
        ("400:20003", S.HELD, "", 0),
        ("401", S.HELD, "", 0),
        ("403:20003", S.HELD, "", 0),
        ("404", S.HELD, "", 0),
    ],
)
def test_what_twilio_answers_decides_what_becomes_of_the_message(twilio, sent, fault, status, reason, at_twilio):
    twilio.plan.append(fault)

    message = sent()

    assert (message.status, message.reason, len(twilio.messages)) == (status, reason, at_twilio)
    # Neither the SDK nor we ever repeat a POST whose outcome is open.
    assert twilio.posts == 1


def test_an_answer_that_comes_too_late_leaves_the_message_unconfirmed(twilio, sent, monkeypatch):
    monkeypatch.setattr("gateway.providers.twilio.TIMEOUT", (0.5, 0.2))
    monkeypatch.delattr("gateway.providers.twilio._of_thread.http_client", raising=False)
    twilio.plan.append("accept-then-sleep:5")

    message = sent()

    assert message.status == S.UNCONFIRMED
    monkeypatch.delattr("gateway.providers.twilio._of_thread.http_client", raising=False)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://no-such-host.invalid"])
def test_a_connection_that_never_was_is_tried_again(queued, settings, address):
    settings.TWILIO_API_BASE_URL = address
    message = queued()

    send_due()

    message.refresh_from_db()
    assert message.status == S.QUEUED
    assert message.next_attempt_at > timezone.now()


def test_pauses_grow_and_retry_after_is_honoured(twilio, queued):
    message = queued()
    pauses = []
    for fault in ["429", "429", "429", "429", "429:120"]:
        twilio.plan.append(fault)
        Message.objects.filter(pk=message.pk).update(next_attempt_at=None)
        begun = timezone.now()
        send_due()
        message.refresh_from_db()
        pauses.append((message.next_attempt_at - begun).total_seconds())

    assert pauses[:4] == sorted(pauses[:4])
    assert 0.7 < pauses[0] < 2
    assert 120 <= pauses[4] < 125


def test_after_a_429_the_message_goes_out_once(twilio, queued):
    twilio.plan.append("429")
    message = queued()
    send_due()
    Message.objects.filter(pk=message.pk).update(next_attempt_at=timezone.now())

    send_due()

    message.refresh_from_db()
    assert message.status == S.SENT
    assert len(twilio.messages) == 1


def test_21610_records_the_opt_out(twilio, sent, twilio_line):
    twilio.plan.append("400:21610")

    sent()

    assert twilio_line.opt_outs.get().source == "provider"


def test_who_texts_stop_after_we_queued_gets_nothing_more(twilio, queued, boti_texted):
    message = queued()
    boti_texted("STOP")

    send_due()

    message.refresh_from_db()
    assert (message.status, message.reason) == (S.FAILED, "opted_out")
    assert twilio.posts == 0


# --- Order and holding ------------------------------------------------------------------------


def test_messages_of_a_conversation_go_out_in_the_order_they_were_written(twilio, queued):
    for body in ["egy", "kettő", "három", "négy"]:
        queued(body)

    send_due()

    assert [taken.body for taken in twilio.messages] == ["egy", "kettő", "három", "négy"]


def test_a_message_waits_while_the_one_before_it_is_open(twilio, queued):
    twilio.plan.extend(["429"])
    first, second = queued("egy"), queued("kettő")

    send_due()

    second.refresh_from_db()
    assert second.status == S.QUEUED
    assert twilio.messages == []
    Message.objects.filter(pk=first.pk).update(next_attempt_at=None)
    send_due()
    assert [taken.body for taken in twilio.messages] == ["egy", "kettő"]


def test_an_unconfirmed_message_holds_the_others_for_ten_minutes_at_most(twilio, queued):
    twilio.plan.append("503")
    first, second = queued("egy"), queued("kettő")
    send_due()
    assert twilio.messages == []

    Message.objects.filter(pk=first.pk).update(attempted_at=timezone.now() - timedelta(minutes=11))
    send_due()

    second.refresh_from_db()
    assert second.status == S.SENT


def test_a_refused_account_holds_the_line_and_loses_nothing(twilio, queued, twilio_line, ada, django_capture_on_commit_callbacks):
    ada.email = "ada@kontakt.example"
    ada.save()
    twilio.plan.append("401")
    messages = [queued("egy"), queued("kettő")]

    send_due()

    twilio_line.refresh_from_db()
    assert twilio_line.held_since is not None
    assert twilio.posts == 1
    assert AuditEntry.objects.get().action == "line.held"

    release_line(line=twilio_line, now=timezone.now())
    send_due()

    assert [taken.body for taken in twilio.messages] == ["egy", "kettő"]
    for message in messages:
        message.refresh_from_db()
        assert message.status == S.SENT


def test_the_administrator_hears_of_a_held_line(twilio, queued, twilio_line, ada, bela, settings):
    from gateway.tasks import tell_of_held_line

    ada.email = "ada@kontakt.example"
    ada.save()

    tell_of_held_line.func(twilio_line.pk)

    [letter] = mail.outbox
    assert letter.to == ["ada@kontakt.example"]
    assert twilio_line.label in letter.subject


def test_a_held_line_does_not_stop_another(twilio, queued, line, boti):
    twilio.plan.append("401")
    queued("egy")
    other = queued("kettő", conversation_between(line=line, contact=boti, now=timezone.now()))

    send_due()

    other.refresh_from_db()
    assert other.status == S.SENT


def test_a_line_of_a_provider_we_do_not_know_is_held(queued, line, boti):
    line.provider = "pigeon"
    line.save()
    message = queued("egy", conversation_between(line=line, contact=boti, now=timezone.now()))

    send_due()

    message.refresh_from_db()
    assert message.status == S.HELD


def test_a_mistake_in_a_providers_file_is_an_open_outcome_and_no_crash(queued, monkeypatch):
    monkeypatch.setattr(PROVIDERS["twilio"], "send", lambda *_: 1 / 0)
    message = queued()

    send_due()

    message.refresh_from_db()
    assert message.status == S.UNCONFIRMED


def test_a_claim_that_lay_about_is_given_back_unsent(twilio, queued):
    message = queued()
    claimed = claim_next(by="me", now=timezone.now())

    send_claimed(claimed, claimed_at=time.monotonic() - 6)

    message.refresh_from_db()
    assert message.status == S.QUEUED
    assert twilio.posts == 0


# --- Reports ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["queued", "sending", "sent", "delivered"], S.DELIVERED),
        (["delivered", "sent", "queued"], S.DELIVERED),
        (["sent", "delivered", "undelivered"], S.DELIVERED),
        (["undelivered", "delivered"], S.DELIVERED),
        (["read"], S.DELIVERED),
        (["sent", "undelivered", "sent"], S.UNDELIVERED),
        (["failed", "undelivered"], S.FAILED),
        (["canceled"], S.FAILED),
        (["delivered"] * 5, S.DELIVERED),
    ],
)
def test_reports_may_come_in_any_order_and_any_number(twilio, sent, webhooks, words, status):
    message = sent()

    for word in words:
        assert webhooks.report(message, word).status_code == 200

    message.refresh_from_db()
    assert message.status == status


@pytest.mark.parametrize(
    ("code", "reason"),
    [("30003", "unreachable"), ("30005", "unknown_phone"), ("30007", "filtered"), ("", "other"), ("77777", "other")],
)
def test_an_error_code_becomes_a_reason_in_our_words(twilio, sent, webhooks, code, reason):
    message = sent()

    webhooks.report(message, "undelivered", ErrorCode=code)

    message.refresh_from_db()
    assert (message.reason, message.provider_code) == (reason, code)


def test_a_report_that_comes_before_our_own_record_is_found_by_our_uuid(twilio, queued, webhooks, twilio_line):
    message = queued()
    claimed = claim_next(by="me", now=timezone.now())

    webhooks.report(message, "delivered", sid="SM" + "1" * 32)
    send_claimed(claimed, claimed_at=time.monotonic())

    message.refresh_from_db()
    assert message.status == S.DELIVERED


def test_a_word_that_we_do_not_know_is_kept_and_answered(twilio, sent, webhooks):
    message = sent()

    assert webhooks.report(message, "teleported").status_code == 200

    message.refresh_from_db()
    assert message.status == S.SENT
    from gateway.models import WebhookReceipt

    assert WebhookReceipt.objects.get(outcome="unknown word").raw["MessageStatus"] == "teleported"


def test_a_report_of_a_message_that_we_do_not_have_is_kept_and_answered(twilio, webhooks):
    assert webhooks.report(Message(uuid=uuid.uuid4()), "delivered").status_code == 200


def test_a_report_by_another_line_does_not_reach_the_message(twilio, sent, webhooks, kontakt):
    from server.lines.models import Line
    from tests.gateway.twilio_webhooks import TwilioWebhooks

    message = sent()
    other = Line.objects.create(
        subscriber=kontakt, number="+36301110009", label="O", provider="twilio", account_sid="AC" + "9" * 32, auth_token="9"
    )

    assert TwilioWebhooks(other).report(message, "delivered").status_code == 200

    message.refresh_from_db()
    assert message.status == S.SENT


def test_a_long_error_code_or_status_does_not_break_anything(twilio, sent, webhooks):
    message = sent()

    assert webhooks.report(message, "undelivered", ErrorCode="9" * 500).status_code == 200
    assert webhooks.report(message, "x" * 5000).status_code == 200
    assert webhooks.report(message, "delivered\x00").status_code == 200


# --- The loop ---------------------------------------------------------------------------------


def test_the_dispatcher_sends_what_is_queued_and_ends_when_told(on_file, twilio, twilio_line, kontakt):
    from gateway.dispatch import Dispatcher, dispatcher_is_alive

    stop = threading.Event()
    thread = threading.Thread(target=Dispatcher(threads=2).run, args=(stop,))
    conversations = [
        conversation_between(
            line=twilio_line,
            contact=Contact.objects.create(subscriber=kontakt, number=f"+3630999000{i}", created_at=timezone.now()),
            now=timezone.now(),
        )
        for i in range(4)
    ]
    for conversation in conversations:
        for body in ["egy", "kettő"]:
            queue_sms(uuid=uuid.uuid4(), conversation=conversation, body=body, author=None, now=timezone.now())

    thread.start()
    try:
        wait_until(lambda: Message.objects.filter(status=S.SENT).count() == 8)
        assert dispatcher_is_alive(timezone.now())
    finally:
        stop.set()
        thread.join(20)

    assert not thread.is_alive()
    for i in range(4):
        assert [taken.body for taken in twilio.messages if taken.to == f"+3630999000{i}"] == ["egy", "kettő"]


def test_a_line_that_hangs_does_not_stop_the_others(on_file, twilio, twilio_line, line, kontakt):
    from gateway.dispatch import Dispatcher

    stop = threading.Event()
    twilio.plan.extend(["accept-then-sleep:8"] * 4)
    for i in range(4):
        contact = Contact.objects.create(subscriber=kontakt, number=f"+3630999000{i}", created_at=timezone.now())
        for where in (twilio_line, line):
            conversation = conversation_between(line=where, contact=contact, now=timezone.now())
            queue_sms(uuid=uuid.uuid4(), conversation=conversation, body="egy", author=None, now=timezone.now())
    thread = threading.Thread(target=Dispatcher(threads=2).run, args=(stop,))

    thread.start()
    try:
        wait_until(lambda: Message.objects.filter(conversation__line=line, status__in=[S.SENT, S.DELIVERED]).count() == 4)
        assert Message.objects.filter(conversation__line=twilio_line, status=S.SENT).count() == 0
    finally:
        stop.set()
        twilio.wake.set()
        thread.join(20)


def wait_until(what, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_line_whose_secret_can_not_be_read_is_held_and_stops_no_other(twilio, queued, twilio_line, line, boti, settings):
    waiting = queued("egy")
    other = queued("kettő", conversation_between(line=line, contact=boti, now=timezone.now()))
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "lost" * 20

    send_due()

    twilio_line.refresh_from_db(fields=["held_since", "held_reason"])
    waiting.refresh_from_db()
    other.refresh_from_db()
    assert "SECRET_KEY" in twilio_line.held_reason
    assert (waiting.status, other.status) == (S.HELD, S.SENT)
    assert twilio.posts == 0

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, [old]
    release_line(line=twilio_line, now=timezone.now())
    send_due()
    assert [taken.body for taken in twilio.messages] == ["egy"]
