"""Web, dispatcher and worker as processes of their own, on PostgreSQL and Redis: /health/ names what is away, and recovers."""

from __future__ import annotations

import time

import pytest
import requests

from tests.services import dispatch, web, worker

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("faults")]


def health_of(url: str) -> tuple[int, dict[str, str]]:
    answer = requests.get(url + "/health/", timeout=15)
    return answer.status_code, answer.json()


def until(url: str, status: int, seconds: float = 30) -> dict[str, str]:
    last = time.monotonic() + seconds
    while time.monotonic() < last:
        code, said = health_of(url)
        if code == status:
            return said
        time.sleep(0.3)
    pytest.fail(f"not {status} within {seconds} s: {code} {said}")


def test_each_part_that_goes_is_named_and_all_is_well_again_when_it_is_back(database_url, cache, cluster):
    env = {"DATABASE_URL": database_url, "REDIS_URL": cache.url}
    with web(env=env) as server:
        said = until(server.url, 503)
        assert (said["database"], said["layer"], said["dispatcher"]) == ("ok", "ok", "unwell")
        with dispatch(env={**env, "PUBLIC_URL": server.url}), worker(env=env):
            until(server.url, 200)
            cache.kill()
            before = time.monotonic()
            said = until(server.url, 503)
            assert (said["database"], said["layer"], said["dispatcher"]) == ("ok", "unwell", "ok")
            assert time.monotonic() - before < 10
            cache.start()
            until(server.url, 200)
            cluster.stop()
            said = until(server.url, 503)
            assert (said["database"], said["layer"]) == ("unwell", "ok")
            cluster.start()
            until(server.url, 200)
            assert "Traceback" not in server.output


def test_each_process_stops_on_sigterm(database_url, cache):
    env = {"DATABASE_URL": database_url, "REDIS_URL": cache.url}
    with web(env=env) as server, dispatch(env=env) as dispatcher, worker(env=env) as tasks:
        time.sleep(2)
        assert [process.stop(timeout=15) for process in (dispatcher, tasks, server)] == [0, 0, 0]
