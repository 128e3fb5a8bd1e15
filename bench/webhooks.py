"""How many webhooks a CPU second buys: signed, stored, announced, against a bare answer of the same server.

Three daphnes take turns under the same requests from the same client:

- the product: `server.asgi`, with the fast lane;
- bare: an application of three lines that reads the body and answers 200 (the limit);
- the ordinary road: the product's view through Django's handler and middleware, without the lane.

Only the server's own CPU time counts (all its threads). At the end every message must be there, once.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from bench import company, twilio
from bench.figures import Figure, middle
from tests.services import Server, free_port, postgres, program, sqlite_url, web

if TYPE_CHECKING:
    from collections.abc import Iterator

SENDERS = 200
AT_ONCE = 16
ROUNDS = 5
# So that each takes about the same time in a round.
REQUESTS, ORDINARY_REQUESTS = 600, 80
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def on_sqlite() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="fonal-bench-") as folder:
        return _measure("SQLite", sqlite_url(Path(folder)))


def on_postgresql() -> list[Figure]:
    """Nothing, when PostgreSQL is not installed."""
    try:
        program("initdb")
    except AssertionError:
        return []
    with postgres() as cluster, cluster.database() as database_url:
        return _measure("PostgreSQL", database_url)


def _measure(database: str, database_url: str) -> list[Figure]:
    environment = company.settings(database_url=database_url)
    bench = company.found(environment=environment, senders=[twilio.sender(i) for i in range(SENDERS)])
    posted = _Posted(bench, environment["PUBLIC_URL"])
    with (
        web(env=environment) as product,
        _daphne("bench.bare:application", environment) as bare,
        _daphne("bench.ordinary:application", environment) as ordinary,
    ):
        # The first round only warms up.
        rounds = [
            (
                posted.per_cpu_second(product, REQUESTS),
                posted.per_cpu_second(bare, REQUESTS, counts=False),
                posted.per_cpu_second(ordinary, ORDINARY_REQUESTS),
            )
            for _ in range(ROUNDS + 1)
        ][1:]
    posted.check_that_each_is_stored_once()
    unit = "requests / CPU s"
    return [
        middle(f"webhook stored, {database}", unit, "a bare answer of daphne", [(ours, limit) for ours, limit, _ in rounds]),
        middle(
            "  the same", unit, "Django's ordinary road (no limit: what the lane saves)", [(ours, road) for ours, _, road in rounds]
        ),
    ]


def _daphne(application: str, environment: dict[str, str]) -> Server:
    port = free_port()
    return Server(sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), application, port=port, env=environment)


class _Posted:
    """Everything that was posted, to look for it afterwards."""

    def __init__(self, bench: company.Company, url: str) -> None:
        self._bench, self._url = bench, url
        self._message_ids: list[str] = []

    def per_cpu_second(self, server: Server, number: int, *, counts: bool = True) -> float:
        requests = list(self._requests(number, counts=counts))
        before = cpu_seconds(server.pid)
        asyncio.run(twilio.post_all(server.port, requests, at_once=AT_ONCE))
        return number / (cpu_seconds(server.pid) - before)

    def check_that_each_is_stored_once(self) -> None:
        from server.events.models import Event
        from server.messaging.models import Conversation, Message

        before = SENDERS
        stored = [*Message.objects.exclude(provider_message_id__startswith="before").values_list("provider_message_id", flat=True)]
        assert sorted(stored) == sorted(self._message_ids), "not each message is stored once"
        assert sum(Conversation.objects.values_list("inbound_count", flat=True)) == len(stored) + before
        assert Event.objects.count() == self._bench.last_event() == len(stored) + before

    def _requests(self, number: int, *, counts: bool) -> Iterator[bytes]:
        for i in range(number):
            message_id = f"SM{uuid.uuid4().hex}"
            if counts:
                self._message_ids.append(message_id)
            yield twilio.request(
                url=self._url,
                path=self._bench.webhook_path,
                message_id=message_id,
                sender=twilio.sender(i % SENDERS),
                to=self._bench.line.number,
                body="Jó napot! Mikor vannak nyitva szombaton?",
            )


def cpu_seconds(pid: int) -> float:
    """What all threads of a process have used, in user and system time."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
