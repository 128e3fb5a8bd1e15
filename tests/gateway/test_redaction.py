"""Providers are asked to forget what was erased here, until they have."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from gateway.models import SimulatedSms, WebhookReceipt
from gateway.providers import simulator
from gateway.redaction import ask_to_forget
from gateway.sending import send_due
from server.lines.models import Line
from server.messaging.inbound import receive_sms
from server.messaging.models import DeliveryReport, Message
from server.privacy.erasing import AskedHow, erase, request_erasure
from server.privacy.models import Erasure, ProviderRedaction
from tests.conftest import BOTI


@pytest.fixture
def erased(boti, ada):
    """Boti is erased; returns the erasure."""

    def erase_now() -> Erasure:
        erasure = request_erasure(contact=boti, asked_how=AskedHow.EMAIL, typed="0001", by=ada, now=timezone.now())
        erase(erasure_id=erasure.pk)
        erasure.refresh_from_db()
        return erasure

    return erase_now


@pytest.fixture
def at_twilio(twilio, twilio_line, sent, boti):
    """One message to Boti and one, with two pictures, from him."""
    out = sent("Titkos válasz")
    taken = twilio.receive(twilio_line.account_sid, sender=BOTI, to=twilio_line.number, body="Titkos szöveg", num_media=2)
    taken.media = ["ME1", "ME2"]
    came = receive_sms(
        line=twilio_line,
        provider_account=f"twilio:{twilio_line.account_sid}",
        provider_message_id=taken.sid,
        sender=BOTI,
        body="Titkos szöveg",
        media=[{"url": "x", "content_type": "image/png"}],
        now=timezone.now(),
    )
    return twilio, out, came.message


def test_twilio_forgets_texts_and_pictures_and_has_confirmed_it(at_twilio, erased):
    twilio, _, _ = at_twilio
    erasure = erased()
    assert erasure.redactions.count() == 2
    assert erasure.confirmed_at is None
    assert ask_to_forget(timezone.now()) == 2
    assert [message.body for message in twilio.messages] == ["", ""]
    assert [message.media for message in twilio.messages] == [[], []]
    erasure.refresh_from_db()
    assert erasure.confirmed_at
    assert ask_to_forget(timezone.now() + timedelta(days=2)) == 0


@pytest.mark.parametrize("refusal", ["429", "409:20009", "500", "503"])
def test_what_was_refused_is_asked_again_after_growing_pauses(refusal, at_twilio, erased):
    twilio, _, _ = at_twilio
    erasure, now = erased(), timezone.now()
    twilio.refusals.extend([refusal] * 6)
    pauses = []
    for _ in range(3):
        ask_to_forget(now)
        one = erasure.redactions.order_by("pk").first()
        assert one.problem
        assert one.confirmed_at is None
        pauses.append(one.next_attempt_at - timezone.now())
        assert ask_to_forget(now) == 0, "not before its time"
        now = max(erasure.redactions.values_list("next_attempt_at", flat=True))
    assert pauses[0] < pauses[1] < pauses[2]
    assert ask_to_forget(now) == 2
    erasure.refresh_from_db()
    assert erasure.confirmed_at


def test_what_twilio_does_not_know_any_more_is_forgotten(at_twilio, erased):
    twilio, _, _ = at_twilio
    twilio.messages.clear()
    erasure = erased()
    assert ask_to_forget(timezone.now()) == 2
    erasure.refresh_from_db()
    assert erasure.confirmed_at


def test_a_refused_account_waits_and_is_shown_until_it_lets_us_in(at_twilio, erased, twilio_line):
    erasure = erased()
    Line.objects.filter(pk=twilio_line.pk).update(auth_token="")
    wrong = Line.objects.get(pk=twilio_line.pk)
    wrong.auth_token = "wrong"
    wrong.save()
    now = timezone.now()
    assert ask_to_forget(now) == 0
    assert set(erasure.redactions.values_list("problem", flat=True)) == {"account refused"}
    wrong.auth_token = "12345"
    wrong.save()
    assert ask_to_forget(now + timedelta(hours=1)) == 2


def test_a_message_of_another_account_is_not_asked_of_the_wrong_one(at_twilio, erased, twilio_line):
    erasure = erased()
    Line.objects.filter(pk=twilio_line.pk).update(account_sid="AC" + "f" * 32)
    assert ask_to_forget(timezone.now()) == 0
    assert set(erasure.redactions.values_list("problem", flat=True)) == {"other account"}


def test_a_held_line_is_not_asked(at_twilio, erased, twilio_line):
    erasure = erased()
    Line.objects.filter(pk=twilio_line.pk).update(held_since=timezone.now())
    assert ask_to_forget(timezone.now()) == 0
    assert set(erasure.redactions.values_list("problem", flat=True)) == {"line held"}


def test_a_repeated_webhook_and_a_late_report_bring_nothing_back(line, boti, conversation, queued, erased):
    """The whole road, by the simulated network."""
    queued("Titkos válasz", conversation=conversation)
    text = simulator.text_in(line, BOTI, "Titkos szöveg")
    send_due()
    sms = SimulatedSms.objects.get(direction="out")
    report = sms.reports_to_post.order_by("due_at").last()
    erased()
    simulator.repeat_webhook(text)
    simulator._post_report(report)
    assert Message.objects.count() == 2
    assert {message.body for message in Message.objects.all()} == {""}
    for rows in (WebhookReceipt.objects, DeliveryReport.objects):
        assert rows.count() >= 1
        assert {str(row.raw) for row in rows.all()} == {"{}"}
    assert not SimulatedSms.objects.exists()
    assert ask_to_forget(timezone.now()) == 2
    assert not ProviderRedaction.objects.filter(confirmed_at=None).exists()


def test_receipts_of_others_stay_as_they_came(line, boti, conversation, erased):
    simulator.text_in(line, BOTI, "Titkos szöveg")
    simulator.text_in(line, "+36205550001", "Másé")
    erased()
    assert sorted(bool(raw) for raw in WebhookReceipt.objects.values_list("raw", flat=True)) == [False, True]
