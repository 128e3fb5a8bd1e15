"""How many deliveries a CPU second buys, against a bare asyncio WebSocket server that sends the same bytes.

    python bench/fanout.py

A company with 200 colleagues who all look at the list; customers text in, one after the other. Three
figures come from one run on the same machine, since only their ratios travel:

- bare: a server of forty lines that does nothing but write each frame to 200 sockets;
- handing out: our hub under daphne, from a drawn frame to the 200 sockets;
- all of it: from the doorbell on, with reading the log, drawing the row, and the event's own frame.

Only the server's own CPU time counts (all its threads); readers and writers of rows are another process.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.figures import Figure as Row

ROOT = Path(__file__).resolve().parent.parent
# As a script it would find the modules beside it before installed ones of the same name.
sys.path[:] = [str(ROOT), *(place for place in sys.path if Path(place).resolve() not in {ROOT, ROOT / "bench"})]
VIEWERS = 200
EVENTS = 300
ROUNDS = 5
PATIENCE = 60


@dataclass(frozen=True)
class Figure:
    name: str
    deliveries: int
    cpu_seconds: float

    @property
    def per_cpu_second(self) -> float:
        return self.deliveries / self.cpu_seconds


@dataclass(frozen=True)
class Fanout:
    bare: Figure
    handing_out: Figure
    all_of_it: Figure

    @property
    def ratio(self) -> float:
        """Handing out against the bare server: the same bytes, the same number of frames."""
        return self.handing_out.per_cpu_second / self.bare.per_cpu_second

    @property
    def ratio_with_drawing(self) -> float:
        return self.all_of_it.per_cpu_second / self.bare.per_cpu_second


def measure() -> Fanout:
    """Run the whole comparison; about half a minute. The servers take turns, for others use this machine too."""
    with tempfile.TemporaryDirectory(prefix="fonal-bench-") as folder:
        port = _free_port()
        os.environ.update(_environment(Path(folder), port))
        company = _company()
        frame = Path(folder) / "frame"
        with _Child("hub", port) as hub, _Readers(port, company.sessions) as readers:
            _texts_come_in(hub, readers, company)
            frame.write_bytes(readers.last_frame)
            port = _free_port()
            with _Child("bare", port, str(frame)) as bare, _Readers(port, company.sessions) as bare_readers:
                bare_readers.last_frame = readers.last_frame
                return median(
                    (
                        Fanout(
                            all_of_it=_texts_come_in(hub, readers, company),
                            handing_out=_frames_go_out("handing out", hub, readers, f"again {company.subscriber}"),
                            bare=_frames_go_out("bare", bare, bare_readers, "again"),
                        )
                        for _ in range(ROUNDS)
                    ),
                )


def median(rounds: Iterable[Fanout]) -> Fanout:
    """The round whose ratio stands in the middle."""
    return sorted(rounds, key=lambda fanout: fanout.ratio)[ROUNDS // 2]


def report(result: Fanout) -> str:
    figures = (result.bare, result.handing_out, result.all_of_it)
    lines = [f"{figure.name:<12} {figure.per_cpu_second:>9,.0f} deliveries per CPU second" for figure in figures]
    lines.append(
        f"handing out reaches {result.ratio:.2f} of the bare server, with reading and drawing {result.ratio_with_drawing:.2f}"
    )
    return "\n".join(lines)


def figures() -> list[Row]:
    """The same for the table of `make bench`."""
    from bench.figures import Figure as Row

    result = measure()
    unit, limit, of_limit = "deliveries / CPU s", result.bare.per_cpu_second, "a bare asyncio server, the same bytes"
    return [
        Row("fan-out, a drawn frame", unit, result.handing_out.per_cpu_second, limit, of_limit, result.ratio),
        Row("fan-out, log and drawing too", unit, result.all_of_it.per_cpu_second, limit, of_limit, result.ratio_with_drawing),
    ]


def _texts_come_in(hub: _Child, readers: _Readers, company: _Company) -> Figure:
    before = hub.cpu_seconds()
    for _ in range(EVENTS):
        number = company.gets_a_text()
        hub.tell(f"ring {company.subscriber} {number}")
        readers.read_until(f'number="{number}"></live-position>'.encode())
    return Figure("all of it", EVENTS * VIEWERS, hub.cpu_seconds() - before)


def _frames_go_out(name: str, server: _Child, readers: _Readers, command: str) -> Figure:
    before = server.cpu_seconds()
    for _ in range(EVENTS):
        server.tell(command)
        readers.read_one()
    return Figure(name, EVENTS * VIEWERS, server.cpu_seconds() - before)


# --- The company ---------------------------------------------------------------------------------
def _environment(folder: Path, port: int) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "server.settings",
        "DATABASE_URL": f"sqlite:///{folder / 'fonal.sqlite3'}",
        "REDIS_URL": "",
        "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "LOG_LEVEL": "WARNING",
        # Nothing but the frames under measure.
        "LIVE_HEARTBEAT_SECONDS": "3600",
        "LIVE_RECHECK_SECONDS": "3600",
    }


class _Company:
    def __init__(self, line, sessions: list[str]) -> None:
        self.line, self.sessions = line, sessions
        self.subscriber = line.subscriber_id
        self._texts = 0

    def gets_a_text(self) -> int:
        """A customer's text, stored as a webhook would; the event's number."""
        from django.utils import timezone

        from server.accounts.models import Subscriber
        from server.messaging.inbound import receive_sms

        self._texts += 1
        receive_sms(
            line=self.line,
            provider_account="bench",
            provider_message_id=str(self._texts),
            sender=f"+36309990{self._texts % 10:03}",
            body="Jó napot! Mikor vannak nyitva szombaton?",
            now=timezone.now(),
        )
        return Subscriber.objects.values_list("last_event", flat=True).get(pk=self.subscriber)


def _company() -> _Company:
    import django

    django.setup()
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command
    from django.utils import timezone

    from server.accounts.models import Activation, Role, Subscriber, User
    from server.lines.models import Line

    call_command("migrate", verbosity=0)
    subscriber = Subscriber.objects.create(slug="bench", name="Bench Kft.")
    Activation.objects.create(subscriber=subscriber, sms_since=timezone.now(), chat_since=timezone.now())
    line = Line.objects.create(subscriber=subscriber, number="+36301110001", label="Support", provider="simulator")
    people = [
        User(
            username=f"user{number}",
            password="!",
            name=f"User {number}",
            role=Role.SUPERVISOR,
            subscriber=subscriber,
            language="hu",
        )
        for number in range(VIEWERS)
    ]
    sessions = []
    for user in User.objects.bulk_create(people):
        session = SessionStore()
        session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session.create()
        sessions.append(session.session_key)
    return _Company(line, sessions)


# --- The readers: raw sockets, so that they cost little -------------------------------------------
class _Readers:
    def __init__(self, port: int, sessions: list[str]) -> None:
        self.port, self.sessions = port, sessions
        self.last_frame = b""
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> _Readers:
        self._sockets = [self._open(session) for session in self.sessions]
        self.read_until(b"</live-position>")
        return self

    def __exit__(self, *_: object) -> None:
        for viewer in self._sockets:
            viewer.close()
        self._selector.close()

    def read_until(self, end: bytes) -> None:
        """Until everybody's bytes end so."""
        heard = dict.fromkeys(self._sockets, b"")
        while heard:
            for viewer in self._readable():
                if viewer in heard:
                    heard[viewer] += viewer.recv(1 << 16)
                    if heard[viewer].endswith(end):
                        self.last_frame = heard.pop(viewer)

    def read_one(self) -> None:
        """Until everybody has one more frame like the last one."""
        missing = dict.fromkeys(self._sockets, len(self.last_frame))
        while missing:
            for viewer in self._readable():
                if viewer in missing:
                    missing[viewer] -= len(viewer.recv(missing[viewer]))
                    if not missing[viewer]:
                        del missing[viewer]

    def _readable(self) -> list[socket.socket]:
        ready = self._selector.select(PATIENCE)
        assert ready, "the server fell silent"
        return [key.fileobj for key, _ in ready]  # type: ignore[misc]

    def _open(self, session: str) -> socket.socket:
        viewer = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        key = base64.b64encode(os.urandom(16)).decode()
        viewer.sendall(
            f"GET /ws/ HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Origin: http://127.0.0.1:{os.environ['PORT']}\r\nCookie: sessionid={session}\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += viewer.recv(1)
        assert b" 101 " in answer, answer
        statement = json.dumps({"since": 0}).encode()
        viewer.sendall(bytes((0x81, 0x80 | len(statement))) + bytes(4) + statement)
        self._selector.register(viewer, selectors.EVENT_READ)
        return viewer


# --- The servers: children that are told what to do on stdin --------------------------------------
class _Child:
    def __init__(self, role: str, port: int, *more: str) -> None:
        self.command = [sys.executable, str(Path(__file__).resolve()), role, str(port), *more]
        self.port = port

    def __enter__(self) -> _Child:
        self._process = subprocess.Popen(
            self.command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.05)
        raise RuntimeError(f"{self.command[2]} did not start")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)

    def tell(self, command: str) -> None:
        self._process.stdin.write(command + "\n")

    def cpu_seconds(self) -> float:
        self.tell("cpu")
        return float(self._process.stdout.readline())


def _obey(loop: asyncio.AbstractEventLoop, commands: dict) -> None:
    os.set_blocking(0, False)

    def read() -> None:
        for line in os.read(0, 1 << 16).decode().splitlines():
            word, *numbers = line.split()
            if word == "cpu":
                print(time.process_time(), flush=True)
            else:
                commands[word](*map(int, numbers))

    loop.add_reader(0, read)


def _run_hub(port: int) -> None:
    """The product under daphne, told by stdin instead of by a doorbell from a webhook."""
    from daphne.server import Server, twisted_loop  # isort: skip

    from server.asgi import application  # isort: skip

    from chatui.feed import Feed, position
    from chatui.hub import current_hub
    from chatui.rendering import Frame

    last = {}

    def ring(subscriber: int, number: int) -> None:
        current_hub().hear({"type": "doorbell", "subscriber": subscriber, "number": number})

    def again(subscriber: int) -> None:
        feed = current_hub().feeds[subscriber]
        feed.deliver({"hu": [last["frame"]]}, position(feed.position))

    def keep(deliver):
        def delivering(feed, frames, tail=""):
            last["frame"] = Frame("".join(frame.text for frame in frames["hu"] if not frame.conversation_id))
            deliver(feed, frames, tail)

        return delivering

    handing_out = Feed.deliver
    Feed.deliver = keep(handing_out)
    _obey(twisted_loop, {"ring": ring, "again": again})
    Server(application, endpoints=[f"tcp:port={port}:interface=127.0.0.1"], server_name="bench").run()


class _Bare(asyncio.Protocol):
    """The limit: a WebSocket server that can only shake hands and write."""

    everybody: list[asyncio.Transport] = []

    def connection_made(self, transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if not data.startswith(b"GET"):
            return
        key = data.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        self.transport.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        self.transport.write(b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        self.everybody.append(self.transport)
        self.transport.write(b"\x81\x10</live-position>")


def _run_bare(port: int, frame: bytes) -> None:
    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(_Bare, "127.0.0.1", port)

        def again() -> None:
            for transport in _Bare.everybody:
                transport.write(frame)

        _obey(loop, {"again": again})
        await server.serve_forever()

    asyncio.run(serve())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main() -> None:
    match sys.argv[1:]:
        case ["hub", port]:
            _run_hub(int(port))
        case ["bare", port, frame]:
            _run_bare(int(port), Path(frame).read_bytes())
        case _:
            print(report(measure()))


if __name__ == "__main__":
    main()
