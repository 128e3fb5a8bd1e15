"""How long a customer's text takes from the webhook's first byte to 200 open screens, at 100 texts a second.

The product runs as `make run` starts it (web, dispatcher and worker in one process, on SQLite); its
colleagues are really logged in. The limit is an asyncio program that answers the same POST by writing
the same bytes to the same number of sockets, and does nothing else. Both take turns, under the same
client, which is a process of its own. A frame that one viewer did not get is a failure, not a figure.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from bench import company, twilio
from bench.figures import Figure, middle
from bench.least import MARK
from bench.viewers import Viewer
from chatui.wire import text_frame
from tests.services import Process, environment, free_port, listens, serve, sqlite_url

if TYPE_CHECKING:
    from collections.abc import Iterator

VIEWERS = 200
PER_SECOND = 100
SECONDS = 3
# One text of each in a round: a row that is drawn late shows the newest text of its conversation only.
SENDERS = PER_SECOND * SECONDS
ROUNDS = 3
CONNECTIONS = 8
PATIENCE = 20


def figures() -> list[Figure]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="fonal-bench-") as folder:
        settings = company.settings(database_url=sqlite_url(Path(folder)), port=port)
        bench = company.found(
            environment=settings, colleagues=VIEWERS, senders=[twilio.sender(number) for number in range(SENDERS)]
        )
        with serve(env=settings, port=port, migrate=False):
            rounds = asyncio.run(_measure(bench, settings["PUBLIC_URL"], port, bench.last_event(), Path(folder) / "frame"))
    of_limit = "a bare asyncio server, the same bytes"
    return [
        middle(f"webhook to frame, {name}", "ms", of_limit, [(ours[name], limit[name]) for ours, limit in rounds])
        for name in ("p50", "p99")
    ]


async def _measure(
    bench: company.Company, url: str, port: int, since: int, frame: Path
) -> list[tuple[dict[str, float], dict[str, float]]]:
    texts = _Texts(bench, url)
    product = await _Screens.open(port, bench.sessions, url, since)
    # One alone: of those that come together, one frame may tell several.
    await product.watch(texts, 1 / PER_SECOND)
    frame.write_bytes(text_frame(product.last_frame))
    await product.watch(texts, 1)
    least_port = free_port()
    with _least(least_port, frame):
        least = await _Screens.open(least_port, bench.sessions, url, since)
        await least.watch(texts, 1)
        return [(await product.watch(texts, SECONDS), await least.watch(texts, SECONDS)) for _ in range(ROUNDS)]


def _least(port: int, frame: Path) -> Process:
    command = (sys.executable, "-m", "bench.least", str(port), str(frame))
    return Process(*command, env=environment(), is_up=lambda: listens(port))


class _Texts:
    """Customers' texts, each with a mark of its own in its words."""

    def __init__(self, bench: company.Company, url: str) -> None:
        self._bench, self._url = bench, url
        self._written = 0

    def write(self, number: int) -> Iterator[tuple[bytes, bytes]]:
        for i in range(self._written, self._written + number):
            mark = f"text{i:06}"
            request = twilio.request(
                url=self._url,
                path=self._bench.webhook_path,
                message_id=f"SM{uuid.uuid4().hex}",
                sender=twilio.sender(i % SENDERS),
                to=self._bench.line.number,
                body=f"{mark} Mikor vannak nyitva szombaton?",
            )
            yield mark.encode(), request
        self._written += number


class _Screens:
    """The 200 open screens of one server, and the connections that its webhooks come by."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._posted: dict[bytes, float] = {}
        # By mark: the delay of each screen, in seconds.
        self._delays: dict[bytes, list[float]] = {}
        self._missing = 0
        self._all_here = asyncio.Event()
        self.last_frame = b""
        self._marks: list[bytes] = []

    @classmethod
    async def open(cls, port: int, sessions: list[str], origin: str, since: int) -> _Screens:
        screens = cls(port)
        screens._viewers = [await Viewer.to(port, session, origin, since, screens._see) for session in sessions]
        screens._connections = [await twilio.Connection.to(port) for _ in range(CONNECTIONS)]
        return screens

    async def watch(self, texts: _Texts, seconds: float) -> dict[str, float]:
        """Post at a steady pace; how long it took until they were seen, in ms. Raises when something was not."""
        written = list(texts.write(int(PER_SECOND * seconds)))
        self._delays = {mark: [] for mark, _ in written}
        self._missing = len(written) * len(self._viewers)
        self._all_here.clear()
        await self._post_at_pace(written)
        try:
            await asyncio.wait_for(self._all_here.wait(), PATIENCE)
        except TimeoutError:
            raise AssertionError(f"{self._missing} of {len(written) * len(self._viewers)} frames did not come") from None
        delays = [1000 * delay for its_delays in self._delays.values() for delay in its_delays]
        assert all(len(its_delays) == len(self._viewers) for its_delays in self._delays.values()), "a frame came twice"
        return {"p50": statistics.median(delays), "p99": statistics.quantiles(delays, n=100)[98]}

    async def _post_at_pace(self, written: list[tuple[bytes, bytes]]) -> None:
        begin = time.monotonic()
        async with asyncio.TaskGroup() as group:
            free: asyncio.Queue[twilio.Connection] = asyncio.Queue()
            for connection in self._connections:
                free.put_nowait(connection)
            for i, (mark, request) in enumerate(written):
                await asyncio.sleep(begin + i / PER_SECOND - time.monotonic())
                # From here on, also while it waits for a connection: a slow server must not be asked less.
                self._posted[mark] = time.monotonic()
                group.create_task(self._post(request, free))

    async def _post(self, request: bytes, free: asyncio.Queue[twilio.Connection]) -> None:
        connection = await free.get()
        await connection.post(request)
        free.put_nowait(connection)

    def _see(self, payload: bytes, now: float) -> None:
        # All screens get the same bytes, so that they are looked into once.
        if payload != self.last_frame:
            self.last_frame, self._marks = payload, MARK.findall(payload)
        for mark in self._marks:
            self._delays[mark].append(now - self._posted[mark])
            self._missing -= 1
        if not self._missing:
            self._all_here.set()
