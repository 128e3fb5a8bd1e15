"""Redis is only the bell between the processes: while it is away everything goes on, and screens catch up afterwards."""

from __future__ import annotations

import time

import pytest

from tests.faults.patience import until
from tests.faults.screen import Screen

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("faults")]


def test_two_colleagues_on_two_processes_see_each_other_also_after_redis_was_killed(house, company):
    one, two = house.webs
    with Screen(company, company.dana, company.boti, one) as danas, Screen(company, company.bela, company.boti, two) as belas:
        see_each_other(company, danas, belas)
        told = [company.text("Are you there?")]
        assert company.webhook(one, told[0]).ok
        assert company.dana.writes(two, company.boti, "We are.").ok
        belas.shows("We are.")
        danas.shows("Are you there?")

        house.cache.kill()
        for web in house.webs:
            house.names_unwell(web, "layer")
        for i in range(10):
            told.append(company.text(f"while Redis was away {i}"))
            assert company.webhook(house.webs[i % 2], told[-1]).ok
        assert company.dana.writes(one, company.boti, "It goes on.").ok
        company.settle()
        until(lambda: "It goes on." in [message.body for message in company.taken], "sending goes on")

        house.cache.start()
        company.has_received_once(told)
        company.has_sent_once({company.boti: ["We are.", "It goes on."]})
        danas.equals_a_fresh_load()
        belas.equals_a_fresh_load()
        see_each_other(company, danas, belas)
        for web in house.webs:
            house.is_well(web)


def see_each_other(company, danas, belas):
    danas.sees("presence", company.dana, company.bela)
    belas.sees("presence", company.dana, company.bela)
    for writer, onlooker in ((danas, belas), (belas, danas)):
        said_at = 0.0

        def is_seen_typing(writer=writer, onlooker=onlooker):
            nonlocal said_at
            # As a browser does: while somebody writes it says so now and then.
            if time.monotonic() - said_at > 2:
                said_at = time.monotonic()
                writer.says(typing=company.boti.pk)
            return writer.colleague.user.name in onlooker.people.get(("typing", company.boti.pk), ())

        until(is_seen_typing, f"{writer.colleague.user.name} is seen typing")
        writer.says(typing=None)
        until(lambda onlooker=onlooker: not onlooker.people["typing", company.boti.pk], "nobody is typing any more")
