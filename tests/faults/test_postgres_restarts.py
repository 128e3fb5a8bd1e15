"""PostgreSQL falls over under webhooks and sending: every 2xx is in it afterwards, and nobody needs a restart."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.messaging.models import Message
from tests.faults.screen import Screen
from tests.faults.stream import Stream

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("faults")]


def test_postgresql_is_restarted_at_once_under_webhooks(house, company):
    one, two = house.webs
    pids = [process.pid for process in house.processes]
    with Screen(company, company.dana, company.boti, one, two) as danas, Screen(company, company.bela, company.boti, two) as belas:
        assert company.dana.writes(one, company.boti, "before").ok
        with Stream(company, house.webs, 60) as stream:
            stream.is_in_full_flow()
            # "Immediate": as if it had crashed.
            house.cluster.signal(signal.SIGQUIT)
            house.cluster.wait()
            answered = list(stream.answered)
            stream.go_on()
            for web in house.webs:
                house.names_unwell(web, "database")
            house.cluster.start()
            for web in house.webs:
                house.is_well(web)
        company.ask_anew()
        assert stream.refused
        assert Message.objects.filter(provider_message_id__in=answered).count() == len(answered)
        company.has_received_once(stream.forms)

        assert company.dana.writes(one, company.boti, "after").ok
        assert company.bela.writes(two, company.boti, "after, too").ok
        company.settle()
        company.has_sent_once({company.boti: ["before", "after", "after, too"]})
        danas.equals_a_fresh_load()
        belas.equals_a_fresh_load()
    assert [process.pid for process in house.processes if process.is_running] == pids


def test_nobody_is_given_a_connection_that_broke_while_it_lay_in_the_pool(house, company):
    assert look_at_once(company, house) == {200}
    house.cluster.signal(signal.SIGQUIT)
    house.cluster.wait()
    house.cluster.start()
    company.ask_anew()
    assert look_at_once(company, house) == {200}


def look_at_once(company, house):
    """Many look at pages in the same moment: the statuses of the answers."""
    with ThreadPoolExecutor(12) as people:
        answers = [people.submit(company.dana.get, house.webs[i % 2], "/") for i in range(24)]
        return {answer.result().status_code for answer in answers}
