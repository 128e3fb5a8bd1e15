"""`manage.py serve`, as a person or a supervisor starts and stops it."""

from __future__ import annotations

import signal
import socket
import sys
import time
from uuid import uuid4

import pytest
import requests

from tests.services import ROOT, Process, answers, command, environment, free_port, manage, serve, sqlite_url, web


@pytest.fixture
def env(tmp_path):
    return {"DATABASE_URL": sqlite_url(tmp_path)}


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_one_process_is_well_and_stops_cleanly(env, by):
    with serve(env=env) as server:
        _until_well(server.url)
        before = time.monotonic()
        server.signal(by)
        assert server.wait(10) == 0
        assert time.monotonic() - before < 5
        assert "Traceback" not in server.output
        assert f"Fonal is running on {server.url}/" in server.output


def _until_well(url: str) -> None:
    until = time.monotonic() + 15
    while time.monotonic() < until:
        if (answer := requests.get(url + "/health/", timeout=5)).status_code == 200:
            return
        time.sleep(0.2)
    pytest.fail(f"not well: {answer.text}")


def test_a_taken_port_is_said_plainly(env):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = command("serve", env={**env, "PORT": str(port)}).start(wait=False)
        assert refused.wait(30) == 1
        assert f"Port {port} on 127.0.0.1 can't be had" in refused.output
        assert "PORT=" in refused.output


def test_production_refuses_to_start_with_demo_people(env):
    manage("migrate", "--verbosity", "0", env=env)
    manage(
        "shell", "--no-imports", "-c", "from server.accounts.models import Subscriber as S; S.objects.create(slug='demo')", env=env
    )
    port = free_port()
    public = {**env, "PUBLIC_URL": "https://sms.example.hu", "SECRET_KEY": "x" * 60, "PORT": str(port)}
    one_process = command("serve", env=public).start(wait=False)
    assert one_process.wait(30) == 1
    assert "demo company" in one_process.output
    several = web(env=public, port=port).start(wait=False)
    assert several.wait(30) == 1
    assert "demo company" in several.output


@pytest.mark.parametrize("secret", [{}, {"SECRET_KEY": "x" * 60, "DEMO": "1"}])
def test_production_refuses_the_demo_secret_and_demo_mode(env, secret):
    with pytest.raises(AssertionError, match="so this is production: set SECRET_KEY"):
        manage("check", env={**env, "PUBLIC_URL": "https://sms.example.hu", **secret})


def test_the_procfile_s_web_process_logs_no_address_that_opens_something(env):
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    words = next(line for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith("web: ")).split()[1:]
    surroundings = environment({**env, "PORT": port, "PUBLIC_URL": url, "LOG_LEVEL": "INFO"})
    program = [sys.executable, "-m", *(word.replace("$PORT", port).replace("0.0.0.0", "127.0.0.1") for word in words)]
    with Process(*program, env=surroundings, is_up=lambda: answers(url + "/health/")) as process:
        # Its database is not even migrated: errors are logged as well.
        requests.get(f"{url}/join/MQ/the-proof-itself/", timeout=10)
        requests.get(f"{url}/gateway/pbx/{uuid4()}/nodes/{uuid4()}/", timeout=10)
        process.stop()
        assert "the-proof-itself" not in process.output
        assert "/nodes/" not in process.output
