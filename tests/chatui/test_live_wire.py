"""Frames on real sockets: under daphne, straight to the kernel."""

from __future__ import annotations

import asyncio
import base64
import functools
import json
import os
import select
import socket
from types import SimpleNamespace

import pytest
import requests
from django.conf import settings
from websockets.asyncio.client import connect

from chatui.wire import BACKLOG_LIMIT, Parcel, QueuedWire, StraightWire, text_frame, wire_for
from server.events.log import record
from server.events.models import Kind
from server.messaging.inbound import receive_sms
from server.messaging.models import Conversation
from tests.live import PATIENCE, in_thread, logged_in
from tests.services import sqlite_url, web


@pytest.mark.parametrize(
    ("length", "header"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65535, b"\x81\x7e\xff\xff"),
        (65536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_the_length_of_a_frame_is_written_in_7_16_or_64_bits(length, header):
    assert text_frame(b"x" * length) == header + b"x" * length


def test_a_lone_surrogate_does_not_make_an_invalid_frame():
    assert Parcel("a\ud83db").frame == text_frame(b"a?b")
    assert Parcel("a\ud83db").text == "a?b"


class FakeTransport:
    """What Twisted's TCP transport shows us; `room` bytes fit into the kernel's buffer."""

    offset = 0

    def __init__(self, room: int) -> None:
        self.dataBuffer = b""
        self.taken = bytearray()
        self.room = room
        self._tempDataBuffer: list[bytes] = []
        self._tempDataLen = 0
        self.socket = SimpleNamespace(send=self._send)
        self.is_aborted = False

    def _send(self, data: bytes) -> int:
        if not self.room:
            raise BlockingIOError
        taken = data[: self.room]
        self.room -= len(taken)
        self.taken += taken
        return len(taken)

    def write(self, data: bytes) -> None:
        self._tempDataBuffer.append(data)
        self._tempDataLen += len(data)

    def abortConnection(self) -> None:  # noqa: N802
        self.is_aborted = True


def straight(transport: FakeTransport) -> StraightWire:
    return StraightWire(SimpleNamespace(transport=transport, state=3, STATE_OPEN=3), send=None)


def test_what_does_not_fit_into_the_kernel_waits_in_order():
    transport = FakeTransport(room=10)
    writing = straight(transport)

    assert writing.write(Parcel("twelve bytes"))
    assert writing.write(Parcel("more"))

    assert bytes(transport.taken) + b"".join(transport._tempDataBuffer) == text_frame(b"twelve bytes") + text_frame(b"more")


def test_who_does_not_read_is_refused_beyond_the_limit():
    writing = straight(FakeTransport(room=0))

    taken = 0
    while writing.write(Parcel("x" * 10_000)):
        taken += 10_000

    assert BACKLOG_LIMIT <= taken < BACKLOG_LIMIT + 20_000


def test_nothing_is_written_after_the_close():
    writing = straight(FakeTransport(room=100))
    writing._protocol.state = 2

    assert not writing.write(Parcel("late"))
    assert not writing._transport.taken


@pytest.mark.parametrize(
    "protocol",
    [
        SimpleNamespace(),
        SimpleNamespace(transport=None),
        SimpleNamespace(transport=FakeTransport(room=0), state=3, STATE_OPEN=3, _perMessageCompress=None, send_queue=[]),
    ],
    ids=["no transport", "closed", "no real socket"],
)
async def test_what_is_not_daphnes_takes_the_ordinary_way(protocol):
    async def reply(protocol, message): ...

    assert isinstance(wire_for(functools.partial(reply, protocol)), QueuedWire)


async def test_the_ordinary_way_keeps_the_order_and_gives_up_on_who_does_not_read():
    sent, may_go_on = [], asyncio.Event()

    async def send(message):
        await may_go_on.wait()
        sent.append(message.get("text", message["type"]))

    async def consumer():
        writing = QueuedWire(send)
        assert writing.write(Parcel("one"))
        assert writing.write(Parcel("two"))
        may_go_on.set()
        await writing.close(1000)
        assert not writing.write(Parcel("late"))

    await asyncio.create_task(consumer())
    assert sent == ["one", "two", "websocket.close"]

    may_go_on.clear()

    async def deaf_consumer():
        writing = QueuedWire(send)
        while writing.write(Parcel("x" * 10_000)):
            pass
        may_go_on.set()
        writing.cut()
        await asyncio.Event().wait()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.create_task(deaf_consumer()), PATIENCE)


# --- A real server ---------------------------------------------------------------------------
@pytest.fixture
def server(on_disk, db):
    with web(env={"DATABASE_URL": sqlite_url(on_disk.parent), "LIVE_HEARTBEAT_SECONDS": "0.2"}) as running:
        yield running


def _address(server) -> str:
    return server.url.replace("http", "ws", 1) + "/ws/"


def _socket(server, session_key: str):
    headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session_key}"}
    return connect(_address(server), origin=server.url, additional_headers=headers, max_size=None)


async def _reaches(browser, number: int) -> str:
    seen = ""
    async with asyncio.timeout(PATIENCE * 3):
        while f'number="{number}"' not in seen:
            seen += await browser.recv()
    return seen


@pytest.mark.django_db(transaction=True)
async def test_under_daphne_frames_of_every_length_arrive_whole(server, dana, line, now):
    # One event, its row and bubbles short and long: more than 64 KB in one frame.
    async with _socket(server, await in_thread(logged_in, dana)) as browser:
        await browser.send(json.dumps({"since": 0}))
        await _reaches(browser, 0)
        for number, length in enumerate([1, 1600], start=1):
            await in_thread(_receive, line, number, "á" * length, now)
            assert "á" * min(length, 50) in await _reaches(browser, number)
    await in_thread(lambda: [_receive(line, number, "é" * 1600, now) for number in range(3, 53)])
    conversation_id = await in_thread(lambda: Conversation.objects.get().pk)
    async with _socket(server, await in_thread(logged_in, dana)) as browser:
        await browser.send(json.dumps({"open": conversation_id, "since": 2}))
        seen = await _reaches(browser, 52)
        assert len(seen.encode()) > 65536
        assert seen.count("é" * 1600) >= 50


@pytest.mark.django_db(transaction=True)
async def test_who_does_not_read_is_cut_off_and_others_do_not_notice(server, dana, bela, line, kontakt, now):
    deaf = await in_thread(_deaf_browser, server, await in_thread(logged_in, dana))
    first = await in_thread(_receive, line, 0, "x", now)
    conversation_id = await in_thread(lambda: first.message.conversation_id)
    deaf.sendall(_masked(json.dumps({"open": conversation_id, "since": 1})))
    async with _socket(server, await in_thread(logged_in, bela)) as reader:
        await reader.send(json.dumps({"open": conversation_id, "since": 1}))
        for batch in range(1, 200):
            await in_thread(lambda batch=batch: [_receive(line, batch * 50 + n, "ő" * 1600, now) for n in range(50)])
            await _reaches(reader, 1 + batch * 50)
            if await in_thread(_is_cut_off, deaf):
                break
        else:
            pytest.fail("the one who does not read was never cut off")
        await in_thread(record, subscriber_id=kontakt.pk, kind=Kind.PHONEBOOK_CHANGED, at=now)
        assert "<live-reload>" in await _reaches(reader, 2 + batch * 50)
    deaf.close()


@pytest.mark.django_db(transaction=True)
async def test_logging_out_on_the_page_closes_the_socket(server, dana):
    key = await in_thread(logged_in, dana)
    async with _socket(server, key) as browser:
        await browser.send(json.dumps({"since": 0}))
        await _reaches(browser, 0)
        await in_thread(_log_out, server, key)
        await asyncio.wait_for(browser.wait_closed(), PATIENCE)
        assert browser.close_code == 4401


def _receive(line, number: int, body: str, now):
    return receive_sms(
        line=line, provider_account="simulator:", provider_message_id=f"sms-{number}", sender="+36309990001", body=body, now=now
    )


def _log_out(server, session_key: str) -> None:
    browser = requests.Session()
    browser.cookies.set(settings.SESSION_COOKIE_NAME, session_key)
    browser.cookies.set(settings.CSRF_COOKIE_NAME, "x" * 32)
    answer = browser.post(server.url + "/logout/", {"csrfmiddlewaretoken": "x" * 32}, headers={"Origin": server.url})
    assert answer.ok, answer.status_code


def _deaf_browser(server, session_key: str) -> socket.socket:
    """A socket that opens the live view and then reads nothing more."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.connect(("127.0.0.1", server.port))
    key = base64.b64encode(os.urandom(16)).decode()
    plain.sendall(
        f"GET /ws/ HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nOrigin: {server.url}\r\n"
        f"Cookie: {settings.SESSION_COOKIE_NAME}={session_key}\r\n\r\n".encode()
    )
    assert b" 101 " in plain.recv(1024)
    return plain


def _masked(text: str) -> bytes:
    """A short statement as a browser frames it, with a mask of zeros."""
    payload = text.encode()
    assert len(payload) < 126
    return bytes((0x81, 0x80 | len(payload))) + bytes(4) + payload


def _is_cut_off(deaf: socket.socket) -> bool:
    """Whether the server has reset the connection, found out without reading."""
    poll = select.poll()
    poll.register(deaf, select.POLLERR | select.POLLHUP)
    return bool(poll.poll(0))
