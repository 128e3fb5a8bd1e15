"""`manage.py serve` on SQLite is killed in the middle of a burst both ways, and started again."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.faults.company import Company
from tests.faults.patience import until
from tests.faults.rows import rows_of
from tests.faults.screen import Screen
from tests.faults.stream import Stream
from tests.gateway.fake_twilio import FakeTwilio
from tests.services import serve, sqlite_url

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("faults")]


def test_nothing_is_lost_or_doubled_when_the_one_process_is_killed(tmp_path, django_db_blocker, settings):
    env = {"DATABASE_URL": sqlite_url(tmp_path), "SECRET_KEY": settings.SECRET_KEY, "LIVE_HEARTBEAT_SECONDS": "1"}
    with (
        FakeTwilio({}) as twilio,
        serve(env=env | {"TWILIO_API_BASE_URL": twilio.url}) as server,
        rows_of(env["DATABASE_URL"], django_db_blocker),
    ):
        company = Company(twilio, server.url)
        with Screen(company, company.dana, company.boti, server) as screen:
            killed = server.pid
            # One more whose answer we can't have got when we die.
            twilio.plan.extend(["ok", "ok", "accept-then-sleep:30"])
            with Stream(company, [server, server], 40) as stream, ThreadPoolExecutor(1) as browser:
                written = browser.submit(write_all, company, server, texts := [f"answer {i}" for i in range(8)])
                stream.is_in_full_flow()
                until(lambda: twilio.posts >= 3, "a send is in hand")
                server.kill()
                stream.go_on()
                twilio.wake.set()
                server.start()
                written.result()
            company.let_leases_run_out(of_pid=killed)
            company.settle()
            assert stream.refused
            company.has_received_once(stream.forms)
            company.has_sent_once({company.boti: texts})
            screen.equals_a_fresh_load()


def write_all(company, server, texts):
    for text in texts:
        token = uuid.uuid4()
        # A browser that got no answer asks again with the same uuid.
        until(lambda text=text, token=token: writes(company, server, text, token), f"{text} is accepted")


def writes(company, server, text, token):
    try:
        return company.dana.writes(server, company.boti, text, token).ok
    except requests.RequestException:
        return False
