"""The company's telephone exchange: calls from the phone come by the real, signed road."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from gateway.models import WebhookReceipt
from server.calls.models import Call, CallEvent, CallState, MessageNode
from server.messaging.models import Conversation

pytestmark = pytest.mark.usefixtures("a_few_conversations")
NEWCOMER = "+36309876543"
BRITON = "+447400123456"


class Phone:
    """Held in a hand that presses one button after the other."""

    def __init__(self, client, line) -> None:
        self.client, self.line, self.call, self.page = client, line, "", ""

    def press(self, act: str, *, number: str = NEWCOMER, **options: str) -> Phone:
        where = {"number": number, "line": self.line.pk, "call": self.call, "act": act, **options}
        answer = self.client.post(reverse("simulator:call"), where, headers={"X-Requested-With": "fetch", "Accept-Language": "en"})
        assert answer.status_code == 200
        self.page = answer.content.decode()
        self.call = re.search(r'name="call" value="([^"]*)"', self.page)[1]
        return self


@pytest.fixture
def phone(client, support_line) -> Phone:
    return Phone(client, support_line)


def test_a_call_that_rings_out_is_a_missed_call(phone):
    phone.press("dial")
    assert "Ringing…" in phone.page
    assert Call.objects.get(partner=NEWCOMER).state == CallState.RINGING

    phone.press("missed")

    assert Call.objects.get(partner=NEWCOMER).state == CallState.MISSED
    assert Conversation.objects.get(contact__number=NEWCOMER).call_state == "in:missed"
    assert phone.call == ""
    assert "Call: missed" in phone.page


@pytest.mark.parametrize("how", ["busy", "failed"])
def test_it_may_be_busy_or_fail(phone, how):
    phone.press("dial").press(how)

    assert Call.objects.get(partner=NEWCOMER).state == how


def test_hanging_up_before_anybody_answers_is_a_missed_call(phone):
    phone.press("dial").press("hang_up")

    assert Call.objects.get(partner=NEWCOMER).state == CallState.MISSED


def test_an_answered_call_has_a_duration_once_it_is_over(phone):
    phone.press("dial").press("answered")
    assert Call.objects.get(partner=NEWCOMER).duration is None

    phone.press("hang_up")

    call = Call.objects.get(partner=NEWCOMER)
    assert (call.state, call.duration) == (CallState.ANSWERED, 1)


def test_keys_and_message_nodes_are_reached_in_the_call(phone, rokolya):
    node = MessageNode.objects.filter(subscriber=rokolya).first()

    phone.press("dial").press("key:1").press(f"node:{node.pk}").press("hang_up")

    call = Call.objects.get(partner=NEWCOMER)
    assert [event.kind for event in call.events.order_by("id")] == ["ringing", "key", "node", "missed"]
    assert call.parameters["order"].startswith("K-52")


def test_a_withheld_number_is_recorded_and_has_no_thread(phone):
    phone.press("dial", withheld="on").press("missed", withheld="on")

    call = Call.objects.get(exchange_id__startswith="handset-")
    assert (call.partner, call.conversation) == ("", None)
    assert "withheld number" in phone.page


def test_a_call_from_abroad(phone):
    phone.press("dial", number=BRITON).press("missed", number=BRITON)

    assert Call.objects.get(partner=BRITON).state == CallState.MISSED


def test_told_twice_it_is_one_call(phone):
    phone.press("dial", manner="twice").press("missed")

    assert CallEvent.objects.filter(call__partner=NEWCOMER).count() == 2
    outcomes = WebhookReceipt.objects.filter(provider="pbx").order_by("id").values_list("outcome", flat=True)
    assert list(outcomes) == ["stored", "known already"] * 2
    assert "repeated: ignored" in phone.page


def test_told_in_reversed_order_it_comes_to_the_same(phone):
    phone.press("dial", manner="reversed").press("answered")
    assert not Call.objects.filter(partner=NEWCOMER).exists()

    phone.press("hang_up")

    call = Call.objects.get(partner=NEWCOMER)
    assert (call.state, call.duration) == (CallState.ANSWERED, 1)
    assert {event.kind for event in call.events.all()} == {"ringing", "answered"}


def test_told_twenty_minutes_late_no_rule_looks_at_it(phone):
    phone.press("dial", manner="late").press("missed")

    assert CallEvent.objects.filter(call__partner=NEWCOMER, is_late=True, due_at=None).count() == 2
    assert "too late for rules" in phone.page


def test_a_phone_that_is_off_calls_nobody(phone, client, support_line):
    client.post(reverse("simulator:phone"), {"number": NEWCOMER, "line": support_line.pk, "power": "off"})

    assert phone.press("dial").call == ""
    assert not Call.objects.filter(partner=NEWCOMER).exists()


@pytest.mark.parametrize("act", ["missed", "key:1", "hang_up", "", "dance"])
def test_without_a_call_there_is_nothing_to_press(phone, act):
    phone.press(act)

    assert not Call.objects.filter(partner=NEWCOMER).exists()


def test_a_call_that_was_tampered_with_is_none(phone):
    phone.press("dial")
    phone.call = phone.call[:-2] + "xx"

    phone.press("answered")

    assert Call.objects.get(partner=NEWCOMER).state == CallState.RINGING


def test_without_javascript_the_page_holds_the_call(client, support_line):
    where = {"number": NEWCOMER, "line": support_line.pk, "act": "dial", "withheld": "on", "manner": "twice"}

    page = client.post(reverse("simulator:call"), where, follow=True).content.decode()

    assert 'value="hang_up"' in page
    assert re.search(r'name="withheld" form="call" checked', page)
