"""The simulated network goes through the same doors as a real one."""

from __future__ import annotations

import uuid
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from gateway.lane import answer
from gateway.providers import simulator
from gateway.reconcile import look_up_unconfirmed
from gateway.sending import send_due
from server.messaging.models import Message, Status
from server.messaging.outbound import queue_sms
from tests.conftest import BOTI


@pytest.fixture
def reply(conversation):
    """Dana answers on the simulated line, and all reports that the network has for it come in."""

    def write(body: str = "Szia, Boti!") -> Message:
        message = queue_sms(uuid=uuid.uuid4(), conversation=conversation, body=body, author=None, now=timezone.now())
        send_due()
        simulator.post_due_reports(timezone.now() + timedelta(minutes=1))
        message.refresh_from_db()
        return message

    return write


@pytest.mark.parametrize("times", [1, 2, 5])
def test_a_text_arrives_once_however_often_the_webhook_comes(line, times):
    simulator.text_in(line, BOTI, "Szia!", times=times)

    assert Message.objects.get().body == "Szia!"


def test_an_answer_is_delivered_and_stands_on_the_phone(reply, line):
    simulator.text_in(line, BOTI, "Szia!")

    assert reply("Szia, Boti!").status == Status.DELIVERED
    assert [(sms.direction, sms.body) for sms in simulator.conversation(BOTI)] == [("in", "Szia!"), ("out", "Szia, Boti!")]


def test_a_phone_that_is_off_gets_nothing(reply):
    simulator.switch_phone(BOTI, is_on=False)

    message = reply()

    assert (message.status, message.reason) == (Status.UNDELIVERED, "unreachable")
    assert not simulator.conversation(BOTI).get().has_arrived


@pytest.mark.parametrize(
    ("order", "status", "reports"),
    [
        ("normal", Status.DELIVERED, 2),
        ("reversed", Status.DELIVERED, 2),
        ("duplicate", Status.DELIVERED, 2),
        ("never", Status.SENT, 0),
    ],
)
def test_reports_come_in_the_order_that_was_set(reply, order, status, reports):
    simulator.set_report_order(BOTI, order)

    message = reply()

    assert message.status == status
    assert message.reports.count() == reports


def test_an_unconfirmed_message_is_found_in_the_simulators_list(conversation, reply):
    message = reply()
    Message.objects.filter(pk=message.pk).update(status=Status.UNCONFIRMED, provider_message_id="")

    look_up_unconfirmed(timezone.now() + timedelta(seconds=61))

    message.refresh_from_db()
    assert message.status == Status.DELIVERED


def test_nobody_else_can_post_as_the_simulator(line):
    form = urlencode({"id": "SIM1", "from": BOTI, "to": line.number, "body": "Szia!"}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Simulator-Signature": "0" * 64}

    assert answer(method="POST", path=f"/gateway/simulator/{line.key}/messages/", headers=headers, body=form).status_code == 403


def test_any_text_and_any_sender_can_come_from_the_handset(line):
    simulator.text_in(line, "INFO", "a\x00b \ud83d 🙂")

    assert Message.objects.get().body == "a\ufffdb \ufffd 🙂"
