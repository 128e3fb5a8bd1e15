"""Twilio's hand: posts what Twilio posts, signed as Twilio signs."""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

from django.test import Client
from twilio.request_validator import RequestValidator

from server.lines.models import Line
from server.messaging.models import Message
from tests.conftest import BOTI

PUBLIC_URL = "https://sms.kontakt.example"


class TwilioWebhooks:
    """Posts what Twilio posts, signed as Twilio signs."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.client = Client()

    @property
    def path(self) -> str:
        return f"/gateway/twilio/{self.line.key}/messages/"

    def form(self, body: str = "Szia!", **more: str) -> dict[str, str]:
        return {
            "MessageSid": f"SM{uuid.uuid4().hex}",
            "AccountSid": self.line.account_sid,
            "From": BOTI,
            "To": self.line.number,
            "Body": body,
            "NumMedia": "0",
            "NumSegments": "1",
            "SmsStatus": "received",
            "ApiVersion": "2010-04-01",
        } | more

    def signature(self, path: str, form: dict[str, str]) -> str:
        return RequestValidator(self.line.auth_token).compute_signature(PUBLIC_URL + path, form)

    def post(self, form: dict[str, str], path: str = "", signature: str | None = None, **extra):
        path = path or self.path
        headers = {"X-Twilio-Signature": self.signature(path, form) if signature is None else signature}
        return self.client.post(path, urlencode(form), content_type="application/x-www-form-urlencoded", headers=headers, **extra)

    def text(self, body: str = "Szia!", **more: str):
        """A customer's text, honestly signed."""
        return self.post(self.form(body, **more))

    def report(self, message: Message, status: str, sid: str = "", **more: str):
        """A status callback, honestly signed."""
        path = f"/gateway/twilio/{self.line.key}/status/{message.uuid}/"
        form = {
            "MessageSid": sid or message.provider_message_id or f"SM{uuid.uuid4().hex}",
            "AccountSid": self.line.account_sid,
            "MessageStatus": status,
            "From": self.line.number,
            "To": BOTI,
        } | more
        return self.post(form, path)
