"""Two web processes and two dispatchers on one PostgreSQL and one Redis, with a Twilio on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import requests
from django.conf import settings

from tests.faults.patience import until
from tests.services import Process, Server, dispatch, free_port, web

if TYPE_CHECKING:
    from tests.gateway.fake_twilio import FakeTwilio
    from tests.services import Postgres, Redis


class House:
    """All of it, started once; a test may kill what it likes, the next one finds everything running again."""

    def __init__(self, *, cluster: Postgres, cache: Redis, twilio: FakeTwilio, database_url: str) -> None:
        self.cluster, self.cache, self.twilio, self.database_url = cluster, cache, twilio, database_url
        ports = [free_port(), free_port()]
        self.public_url = f"http://127.0.0.1:{ports[0]}"
        self.env = {
            "DATABASE_URL": database_url,
            "REDIS_URL": cache.url,
            "PUBLIC_URL": self.public_url,
            "TWILIO_API_BASE_URL": twilio.url,
            # Sessions and lines' secrets are also made here, in the test.
            "SECRET_KEY": settings.SECRET_KEY,
            "DATABASE_POOL": "8",
        }
        # On the first one only a doorbell or a whisper through Redis can close a socket in time.
        rare = {"LIVE_HEARTBEAT_SECONDS": "5", "LIVE_RECHECK_SECONDS": "600"}
        often = {"LIVE_HEARTBEAT_SECONDS": "1", "LIVE_RECHECK_SECONDS": "1"}
        self.webs: list[Server] = [web(env=self.env | clock, port=port) for port, clock in zip(ports, (rare, often), strict=True)]
        self.dispatchers: list[Process] = [dispatch(env=self.env), dispatch(env=self.env)]

    @property
    def processes(self) -> list[Process]:
        return [*self.webs, *self.dispatchers]

    def open(self) -> Self:
        """Start what is not running; returns when all is well."""
        for service in (self.cluster, self.cache):
            if not service.is_running:
                service.start()
        for process in self.processes:
            if not process.is_running:
                process.start(wait=False)
        for server in self.webs:
            server.wait_until_up()
            self.is_well(server)
        return self

    def is_well(self, server: Server) -> None:
        until(lambda: _health(server) == {"status": "ok", "database": "ok", "layer": "ok", "dispatcher": "ok"}, "all is well")

    def names_unwell(self, server: Server, part: str) -> None:
        until(lambda: _health(server).get(part) == "unwell", f"/health/ names the {part}")

    def close(self) -> None:
        for process in self.processes:
            process.kill()

    def stop_dispatchers(self) -> None:
        """As an operator would; what they have in hand they finish."""
        for dispatcher in self.dispatchers:
            dispatcher.stop()

    def start_dispatchers(self) -> None:
        for dispatcher in self.dispatchers:
            dispatcher.start()

    def words(self) -> str:
        """What the processes had to say; for when a test fails."""
        return "\n".join(f"--- {process.command[-3:]}\n{process.output[-3000:]}" for process in self.processes)


def _health(server: Server) -> dict[str, str]:
    try:
        return requests.get(server.url + "/health/", timeout=15).json()
    except requests.RequestException:
        return {}
