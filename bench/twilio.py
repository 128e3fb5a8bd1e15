"""Webhooks as Twilio sends them: the parameters of a real one, signed, as the bytes of an HTTP request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from bench.company import ACCOUNT_SID, AUTH_TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterable


def sender(number: int) -> str:
    return f"+3630999{number:04}"


def request(*, url: str, path: str, message_id: str, sender: str, to: str, body: str) -> bytes:
    """A signed POST of a customer's text; `url` is the address that the signature is for."""
    form = {
        "ToCountry": "HU",
        "ToState": "",
        "SmsMessageSid": message_id,
        "NumMedia": "0",
        "ToCity": "",
        "FromZip": "",
        "SmsSid": message_id,
        "FromState": "",
        "SmsStatus": "received",
        "FromCity": "",
        "Body": body,
        "FromCountry": "HU",
        "To": to,
        "ToZip": "",
        "NumSegments": "1",
        "MessageSid": message_id,
        "AccountSid": ACCOUNT_SID,
        "From": sender,
        "ApiVersion": "2010-04-01",
    }
    content = urlencode(form).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n"
        f"X-Twilio-Signature: {RequestValidator(AUTH_TOKEN).compute_signature(url + path, form)}\r\n"
        f"Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


class Connection(asyncio.Protocol):
    """A connection that is kept: one request after the other."""

    def __init__(self) -> None:
        self._heard = b""
        self._answer: asyncio.Future[None] | None = None

    @classmethod
    async def to(cls, port: int) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    async def post(self, request: bytes) -> None:
        """Send it, and wait for the answer; anything but 200 is a failure."""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        await self._answer

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, end, rest = self._heard.partition(b"\r\n\r\n")
        if end and not head.startswith(b"HTTP/1.1 200 "):
            self._answer.set_exception(AssertionError(self._heard.decode(errors="replace")))
        elif end and len(rest) >= (length := int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])):
            self._heard = rest[length:]
            self._answer.set_result(None)

    def connection_lost(self, problem: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(problem or ConnectionError("the server hung up"))


async def post_all(port: int, requests: Iterable[bytes], *, at_once: int) -> None:
    """Post them over so many connections, each with one request on its way."""
    waiting = iter(requests)

    async def post_some() -> None:
        connection = await Connection.to(port)
        for one in waiting:
            await connection.post(one)
        connection.transport.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(post_some())
