"""A dispatcher is killed in the middle, or told to stop in the middle: another one finishes, nothing is lost or doubled."""

from __future__ import annotations

import signal
import sys

import pytest

from server.messaging.models import Status
from tests.faults.patience import until
from tests.faults.screen import Screen
from tests.services import Process, environment

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("faults")]


@pytest.mark.parametrize(
    ("moment", "is_known"), [("after-claim", False), ("after-send", False), ("after-record", True)], ids=lambda value: str(value)
)
def test_what_a_killed_dispatcher_had_in_hand_is_finished_by_another(house, company, moment, is_known):
    one, two = house.webs
    for dispatcher in house.dispatchers:
        dispatcher.signal(signal.SIGTERM)
    command = (sys.executable, "-m", "tests.faults.doomed", moment, "2", "dispatch")
    with Process(*command, env=environment(house.env)) as doomed:
        house.stop_dispatchers()
        with Screen(company, company.dana, company.boti, one) as danas, Screen(company, company.bela, company.kata, two) as belas:
            for body in ("first", "the same", "the same"):
                assert company.dana.writes(one, company.boti, body).ok
                assert company.bela.writes(two, company.kata, body).ok
            assert doomed.wait(60) == -signal.SIGKILL

            company.let_leases_run_out(of_pid=doomed.pid)
            house.start_dispatchers()
            if not is_known:
                company.bring_forward("reap leases")
                until(lambda: company.outbound.filter(status=Status.UNCONFIRMED).exists(), "nobody knows what became of it")
            company.settle()

            company.has_sent_once(
                {company.boti: ["first", "the same", "the same"], company.kata: ["first", "the same", "the same"]}
            )
            danas.equals_a_fresh_load()
            belas.equals_a_fresh_load()


def test_a_dispatcher_that_is_told_to_stop_finishes_the_send_in_its_hand(house, company):
    one, _ = house.webs
    house.twilio.plan.append("accept-then-sleep:8")
    assert company.dana.writes(one, company.boti, "Hello").ok
    until(lambda: company.taken, "Twilio has it and does not answer yet")
    message = company.outbound.get()
    assert message.status == Status.SENDING
    [holder] = [dispatcher for dispatcher in house.dispatchers if message.lease_by.endswith(f":{dispatcher.pid}")]

    holder.signal(signal.SIGTERM)
    assert company.dana.writes(one, company.boti, "and another").ok
    house.twilio.wake.set()

    assert holder.wait(30) == 0
    company.settle()
    company.has_sent_once({company.boti: ["Hello", "and another"]})
    assert list(company.outbound.values_list("attempts", flat=True)) == [1, 1]
    assert "Traceback" not in holder.output
