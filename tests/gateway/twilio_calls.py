"""Twilio's voice: posts what it posts in the course of a call, and reads TwiML as strictly as it does."""

from __future__ import annotations

import uuid
from email.utils import format_datetime
from xml.etree import ElementTree

from django.utils import timezone

from server.calls.models import Call
from tests.conftest import BOTI
from tests.gateway.twilio_webhooks import TwilioWebhooks

COLLEAGUE = "+36305550001"
OTHER = "+36305550002"

# Verb → its attributes, and what may stand in it.  https://www.twilio.com/docs/voice/twiml
TWIML = {
    "Response": (set(), {"Say", "Gather", "Dial", "Hangup"}),
    "Say": ({"language", "voice"}, set()),
    "Gather": ({"action", "method", "input", "numDigits", "finishOnKey", "timeout"}, {"Say"}),
    "Dial": ({"action", "method", "timeout", "answerOnBridge", "callerId"}, {"Number"}),
    "Number": ({"statusCallback", "statusCallbackMethod", "statusCallbackEvent"}, set()),
    "Hangup": (set(), set()),
}


class TwilioCall:
    """One call to a line, from the caller's first ring on."""

    def __init__(self, webhooks: TwilioWebhooks, caller: str = BOTI) -> None:
        self.webhooks, self.line, self.caller = webhooks, webhooks.line, caller
        self.sid, self.leg_sid = f"CA{uuid.uuid4().hex}", f"CA{uuid.uuid4().hex}"
        self._number = 0

    @property
    def row(self) -> Call:
        return Call.objects.get(exchange_id=self.sid)

    @property
    def kinds(self) -> list[str]:
        return sorted(f"{event.kind} {event.detail}".strip() for event in self.row.events.all())

    def form(self, **more: str) -> dict[str, str]:
        return {
            "AccountSid": self.line.account_sid,
            "ApiVersion": "2010-04-01",
            "CallSid": self.sid,
            "CallStatus": "in-progress",
            "Called": self.line.number,
            "CalledCity": "",
            "CalledCountry": "HU",
            "Caller": self.caller,
            "CallerCountry": "HU",
            "CallToken": '{"parentCallInfoToken":"eyJhbGciOiJFUzI1NiJ9.e30.c2ln","identityHeaderTokens":[]}',
            "Direction": "inbound",
            "From": self.caller,
            "FromCountry": "HU",
            "To": self.line.number,
            "ToCountry": "HU",
        } | more

    def post(self, step: str, form: dict[str, str]):
        answer = self.webhooks.post(form, f"/gateway/twilio/{self.line.key}/voice/{step}")
        assert answer.status_code == 200, answer.content
        return said(answer)

    def comes(self, **more: str):
        return self.post("", self.form(CallStatus="ringing", **more))

    def presses(self, digits: str, **more: str):
        return self.post("key/", self.form(Digits=digits, FinishedOnKey="", msg="Gather End", **more))

    def rang(self, status: str, bridged: str | None = None, seconds: str = "", **more: str):
        told = {"DialCallStatus": status, "DialCallSid": self.leg_sid} | more
        if bridged is not None:
            told["DialBridged"] = bridged
        if seconds:
            told["DialCallDuration"] = seconds
        return self.post("rang/", self.form(**told))

    def leg(self, status: str, to: str = COLLEAGUE, **more: str):
        """A colleague's leg; its From is what the colleague's phone shows."""
        told = {"CallSid": self.leg_sid, "ParentCallSid": self.sid, "To": to, "Called": to, "Direction": "outbound-dial"}
        return self.post("leg/", self.form(CallStatus=status, **told, **self._progress() | more))

    def ends(self, status: str, **more: str):
        return self.post(
            "status/", self.form(CallStatus=status, **self._progress() | {"CallDuration": "9", "Duration": "1"} | more)
        )

    def _progress(self) -> dict[str, str]:
        self._number += 1
        return {
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(self._number),
            "Timestamp": format_datetime(timezone.now()),
        }


def said(answer) -> ElementTree.Element:
    """The TwiML of an answer; every verb, attribute and nesting in it is one that Twilio knows."""
    assert answer["Content-Type"].startswith("text/xml")
    response = ElementTree.fromstring(answer.content)
    assert response.tag == "Response"
    _check(response)
    return response


def _check(verb: ElementTree.Element) -> None:
    attributes, inside = TWIML[verb.tag]
    assert set(verb.attrib) <= attributes, verb.attrib
    for name in set(verb.attrib) & {"action", "statusCallback"}:
        assert verb.attrib[name].startswith("https://")
    for child in verb:
        assert child.tag in inside, (verb.tag, child.tag)
        _check(child)


def verbs(response: ElementTree.Element) -> list[str]:
    return [verb.tag for verb in response]


def spoken(response: ElementTree.Element) -> list[str]:
    return [say.text or "" for say in response.iter("Say")]


def rung(response: ElementTree.Element) -> list[str]:
    return [number.text or "" for number in response.iter("Number")]
