"""A stateful Twilio on loopback: it takes messages, lists them, calls back, and fails as told.

One fault of `plan` is used up per POST: ok · 429 · 429:SECONDS · 503 · 400:CODE · 401 · 403:CODE · 404 · reset ·
accept-then-reset · accept-then-sleep:SECONDS · accept-then-garbage · accept-then-nothing · call-back-first:STATUS
A question for the list uses up list-503 · list-sleep:SECONDS when that comes next.
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import socket
import struct
import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import requests
from twilio.request_validator import RequestValidator

ACCOUNT = "/2010-04-01/Accounts/{}.json"
MESSAGES = "/2010-04-01/Accounts/{}/Messages.json"
MESSAGE = "/2010-04-01/Accounts/{}/Messages/{}"
NUMBERS = "/2010-04-01/Accounts/{}/IncomingPhoneNumbers.json"
NUMBER = "/2010-04-01/Accounts/{}/IncomingPhoneNumbers/{}.json"


@dataclass
class FakeMessage:
    """One message at Twilio."""

    sid: str
    account_sid: str
    from_: str
    to: str
    body: str
    direction: str = "outbound-api"
    status: str = "queued"
    error_code: int | None = None
    status_callback: str = ""
    params: dict[str, str] = field(default_factory=dict)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    num_media: int = 0
    media: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        date = format_datetime(self.created_at.replace(microsecond=0))
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "from": self.from_,
            "to": self.to,
            "body": self.body,
            "direction": self.direction,
            "status": self.status,
            "error_code": self.error_code,
            "error_message": None,
            "num_segments": "1",
            "num_media": str(self.num_media),
            "date_created": date,
            "date_sent": date if self.status not in {"queued", "accepted"} else None,
            "date_updated": date,
            "messaging_service_sid": None,
            "price": None,
            "price_unit": "USD",
            "api_version": "2010-04-01",
            "uri": f"/2010-04-01/Accounts/{self.account_sid}/Messages/{self.sid}.json",
            "subresource_uris": {"media": f"/2010-04-01/Accounts/{self.account_sid}/Messages/{self.sid}/Media.json"},
        }


@dataclass
class FakeNumber:
    """A number that an account has rented, and what is called when somebody texts it."""

    number: str
    account_sid: str
    sid: str = field(default_factory=lambda: f"PN{secrets.token_hex(16)}")
    settings: dict[str, str] = field(
        default_factory=lambda: {
            "SmsUrl": "https://demo.twilio.com/welcome/sms/reply",
            "VoiceUrl": "https://demo.twilio.com/welcome/voice/",
        }
    )
    has_voice: bool = True

    def as_json(self) -> dict[str, Any]:
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "phone_number": self.number,
            "sms_url": self.settings.get("SmsUrl", ""),
            "sms_method": self.settings.get("SmsMethod", "POST"),
            "sms_fallback_url": self.settings.get("SmsFallbackUrl", ""),
            "sms_fallback_method": self.settings.get("SmsFallbackMethod", "POST"),
            "sms_application_sid": self.settings.get("SmsApplicationSid", ""),
            "voice_url": self.settings.get("VoiceUrl", ""),
            "voice_method": self.settings.get("VoiceMethod", "POST"),
            "voice_fallback_url": self.settings.get("VoiceFallbackUrl", ""),
            "voice_fallback_method": self.settings.get("VoiceFallbackMethod", "POST"),
            "voice_application_sid": self.settings.get("VoiceApplicationSid", ""),
            "status_callback": self.settings.get("StatusCallback", ""),
            "status_callback_method": self.settings.get("StatusCallbackMethod", "POST"),
            "trunk_sid": self.settings.get("TrunkSid"),
            "capabilities": {"voice": self.has_voice, "sms": True, "mms": False, "fax": False},
        }


class FakeTwilio:
    """`with FakeTwilio({account_sid: auth_token}) as twilio:` then point TWILIO_API_BASE_URL at `twilio.url`."""

    def __init__(self, accounts: dict[str, str]) -> None:
        self.accounts = accounts
        self.messages: list[FakeMessage] = []
        self.numbers: list[FakeNumber] = []
        # active, suspended or closed, by account
        self.standing: dict[str, str] = {}
        self.plan: deque[str] = deque()
        # What it answers next to who wants a message forgotten: 429, 409:20009.
        self.refusals: deque[str] = deque()
        self.posts = 0
        # How often an account's list was asked for.
        self.looks: Counter[str] = Counter()
        # Set to let the sleepers of accept-then-sleep go early.
        self.wake = threading.Event()
        self._lock = threading.Lock()
        twilio = self

        class Handler(_Handler):
            fake = twilio

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FakeTwilio:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.wake.set()
        self._server.shutdown()
        self._server.server_close()

    def next_fault(self) -> str:
        with self._lock:
            self.posts += 1
            return self.plan.popleft() if self.plan else "ok"

    def take(self, account_sid: str, params: dict[str, str]) -> FakeMessage:
        message = FakeMessage(
            sid=new_sid(),
            account_sid=account_sid,
            from_=params.get("From", ""),
            to=params.get("To", ""),
            body=params.get("Body", ""),
            status_callback=params.get("StatusCallback", ""),
            params=params,
        )
        with self._lock:
            self.messages.append(message)
        return message

    def rent(self, account_sid: str, number: str) -> FakeNumber:
        """The account gets a number."""
        self.numbers.append(FakeNumber(number, account_sid))
        return self.numbers[-1]

    def receive(
        self, account_sid: str, *, sender: str, to: str, body: str, at: datetime | None = None, num_media: int = 0
    ) -> FakeMessage:
        """A customer's text reaches Twilio; whether a webhook comes of it is another matter."""
        message = FakeMessage(new_sid(), account_sid, sender, to, body, direction="inbound", status="received", num_media=num_media)
        message.created_at = at or message.created_at
        self.messages.append(message)
        return message

    def report(
        self, message: FakeMessage, status: str, error_code: int | None = None
    ) -> tuple[str, dict[str, str], dict[str, str]]:
        """The status callback as Twilio makes it: URL, form and headers."""
        message.status, message.error_code = status, error_code
        form = {
            "MessageSid": message.sid,
            "SmsSid": message.sid,
            "AccountSid": message.account_sid,
            "From": message.from_,
            "To": message.to,
            "MessageStatus": status,
            "SmsStatus": status,
            "ApiVersion": "2010-04-01",
        }
        if error_code:
            form["ErrorCode"] = str(error_code)
        return message.status_callback, form, self.signed(message.status_callback, form, message.account_sid)

    def call_back(self, message: FakeMessage, status: str, error_code: int | None = None) -> int:
        """Post the status callback over HTTP; returns the status of the answer."""
        url, form, headers = self.report(message, status, error_code)
        return requests.post(url, data=form, headers=headers, timeout=10).status_code

    def signed(self, url: str, form: dict[str, str], account_sid: str) -> dict[str, str]:
        return {"X-Twilio-Signature": RequestValidator(self.accounts[account_sid]).compute_signature(url, form)}


class _Handler(BaseHTTPRequestHandler):
    fake: FakeTwilio
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        params = dict(parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True))
        account_sid = self._account()
        if account_sid is None:
            return None
        if (number := self._number(account_sid)) is not None:
            number.settings |= params
            return self._answer(200, json.dumps(number.as_json()).encode())
        if (kept := self._message(account_sid)) is not None:
            return self._change(kept, params)
        fault, _, value = self.fake.next_fault().partition(":")
        if fault == "reset":
            return self._reset()
        if fault in {"429", "503", "400", "401", "403", "404"}:
            return self._fail(int(fault), value)
        message = self.fake.take(account_sid, params)
        if fault == "accept-then-reset":
            return self._reset()
        if fault == "accept-then-sleep":
            self.fake.wake.wait(float(value))
        if fault == "accept-then-garbage":
            return self._answer(201, b"<html>not what you think</html>")
        if fault == "accept-then-nothing":
            return self._answer(201, b"{}")
        if fault == "call-back-first":
            self.fake.call_back(message, value)
        self._answer(201, json.dumps(message.as_json()).encode())
        return None

    def do_GET(self) -> None:
        account_sid = self._account()
        if account_sid is None:
            return
        if self.fake.plan and self.fake.plan[0] == "list-503":
            self.fake.plan.popleft()
            self._fail(503, "")
            return
        if self.fake.plan and self.fake.plan[0].startswith("list-sleep:"):
            self.fake.wake.wait(float(self.fake.plan.popleft().partition(":")[2]))
        where = urlsplit(self.path).path
        if (kept := self._message(account_sid)) is not None:
            media = [{"sid": sid, "parent_sid": kept.sid, "account_sid": account_sid} for sid in kept.media]
            self._answer(200, json.dumps({"media_list": media, "next_page_uri": None}).encode())
            return
        if where == ACCOUNT.format(account_sid):
            account = {"sid": account_sid, "friendly_name": "Kontakt", "status": self.fake.standing.get(account_sid, "active")}
            self._answer(200, json.dumps(account).encode())
            return
        if where == NUMBERS.format(account_sid):
            wanted = parse_qs(urlsplit(self.path).query).get("PhoneNumber", [""])[0]
            numbers = [n.as_json() for n in self.fake.numbers if n.account_sid == account_sid and wanted in n.number]
            self._answer(200, json.dumps({"incoming_phone_numbers": numbers, "next_page_uri": None}).encode())
            return
        self.fake.looks[account_sid] += 1
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        found = [m for m in reversed(self.fake.messages) if m.account_sid == account_sid and _fits(m, query)]
        page = [m.as_json() for m in found[: int(query.get("PageSize", 50))]]
        self._answer(200, json.dumps({"messages": page, "next_page_uri": None, "page": 0, "page_size": 50}).encode())

    def do_DELETE(self) -> None:
        account_sid = self._account()
        kept = self._message(account_sid) if account_sid else None
        if kept is not None:
            kept.media.remove(self.path.rpartition("/")[2].removesuffix(".json"))
            self._answer(204, b"")

    def _change(self, kept: FakeMessage, params: dict[str, str]) -> None:
        """Twilio lets a message be changed in one way: its text be taken away."""
        if self.fake.refusals:
            status, _, code = self.fake.refusals.popleft().partition(":")
            return self._fail(int(status), code)
        if params != {"Body": ""}:
            return self._fail(400, "20001")
        kept.body = ""
        return self._answer(200, json.dumps(kept.as_json()).encode())

    def _message(self, account_sid: str) -> FakeMessage | None:
        """The message whose own address, or that of its media, this is."""
        mine = (m for m in self.fake.messages if m.account_sid == account_sid)
        path = urlsplit(self.path).path
        return next((m for m in mine if path.startswith(MESSAGE.format(account_sid, m.sid))), None)

    def _account(self) -> str | None:
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        sid, _, token = base64.b64decode(encoded).decode().partition(":") if scheme == "Basic" else ("", "", "")
        if self.fake.accounts.get(sid) != token or not token:
            self._fail(401, "20003")
            return None
        known = {address.format(sid) for address in (MESSAGES, ACCOUNT, NUMBERS)}
        if urlsplit(self.path).path not in known and self._number(sid) is None and self._message(sid) is None:
            self._fail(404, "20404")
            return None
        return sid

    def _number(self, sid: str) -> FakeNumber | None:
        path = urlsplit(self.path).path
        return next((n for n in self.fake.numbers if n.account_sid == sid and path == NUMBER.format(sid, n.sid)), None)

    def _fail(self, status: int, value: str) -> None:
        codes = {429: "20429", 401: "20003", 404: "20404"}
        code = int(codes.get(status) or value or status)
        headers = {"Retry-After": value} if status == 429 and value else {}
        self._answer(status, json.dumps({"code": code, "message": "No.", "more_info": "", "status": status}).encode(), headers)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    def _reset(self) -> None:
        # Linger 0: the kernel sends RST instead of FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.rfile.close()
        self.connection.close()


def new_sid() -> str:
    return f"SM{secrets.token_hex(16)}"


def _fits(message: FakeMessage, query: dict[str, str]) -> bool:
    since = query.get("DateSent>")
    return (
        ("To" not in query or message.to == query["To"])
        and ("From" not in query or message.from_ == query["From"])
        and (since is None or message.created_at >= datetime.fromisoformat(since))
    )
