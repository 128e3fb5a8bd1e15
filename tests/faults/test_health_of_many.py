"""Web, dispatcher and worker as processes of their own, on PostgreSQL and Redis: /health/ names what is away, and recovers."""

from __future__ import annotations

import signal
from functools import partial

import pytest
import requests

from tests.faults.patience import until
from tests.services import dispatch, web, worker

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("faults")]


def health_of(url: str) -> tuple[int, dict[str, str]]:
    answer = requests.get(url + "/health/", timeout=15)
    return answer.status_code, answer.json()


def answered(url: str, status: int) -> dict[str, str]:
    """What /health/ says, once its status is this."""
    return until(lambda: said if (said := health_of(url))[0] == status else None, f"/health/ answers {status}")[1]


def test_each_part_that_goes_is_named_and_all_is_well_again_when_it_is_back(database_url, cache, cluster):
    env = {"DATABASE_URL": database_url, "REDIS_URL": cache.url}
    with web(env=env) as server:
        said = answered(server.url, 503)
        assert (said["database"], said["layer"], said["dispatcher"]) == ("ok", "ok", "unwell")
        with dispatch(env={**env, "PUBLIC_URL": server.url}), worker(env=env):
            answered(server.url, 200)
            cache.kill()
            said = answered(server.url, 503)
            assert (said["database"], said["layer"], said["dispatcher"]) == ("ok", "unwell", "ok")
            cache.start()
            answered(server.url, 200)
            cluster.stop()
            said = answered(server.url, 503)
            assert (said["database"], said["layer"]) == ("unwell", "ok")
            cluster.start()
            answered(server.url, 200)
            assert "Traceback" not in server.output


def test_each_process_stops_on_sigterm(database_url, cache):
    env = {"DATABASE_URL": database_url, "REDIS_URL": cache.url}
    with web(env=env) as server, dispatch(env=env) as dispatcher, worker(env=env) as tasks:
        for process in (server, dispatcher, tasks):
            until(partial(process.minds, signal.SIGTERM), "it knows what to do when told to stop")
        assert [process.stop(timeout=15) for process in (dispatcher, tasks, server)] == [0, 0, 0]
