"""A message that no webhook brought is fetched from the provider's list, by one of the dispatchers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from gateway.models import Chore
from server.messaging.models import Direction, Origin
from tests.faults.patience import until
from tests.faults.screen import Screen

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("faults")]

FETCH = "fetch missed inbound"


def test_what_no_webhook_brought_is_fetched_once_and_marked(house, company):
    until(lambda: Chore.objects.filter(name=FETCH, done_at__isnull=False).exists(), "the first fetch is over")
    looks_before = house.twilio.looks[company.line.account_sid]
    some_minutes_ago = timezone.now() - timedelta(minutes=10)
    missed = house.twilio.receive(
        company.line.account_sid, sender="+36309990001", to=company.line.number, body="Did you get this?", at=some_minutes_ago
    )
    told = company.text("I asked something.")
    with Screen(company, company.dana, company.boti, house.webs[0]) as danas:
        assert company.webhook(house.webs[1], told).ok
        # Each look takes longer than a dispatcher's pause between two looks for chores.
        for looks in (1, 2):
            house.twilio.plan.append("list-sleep:1.5")
            company.see_done(FETCH)
            assert house.twilio.looks[company.line.account_sid] == looks_before + looks
        assert not house.twilio.plan
        danas.shows("Did you get this?")
        danas.equals_a_fresh_load()
    company.has_received_once([{"MessageSid": missed.sid, "Body": missed.body}, told])
    origins = dict(company.messages.filter(direction=Direction.IN).values_list("body", "origin"))
    assert origins == {"Did you get this?": Origin.RECOVERED, "I asked something.": Origin.PERSON}
    assert [entry[-1] for entry in sorted(danas.entries.values())] == ["Did you get this?", "I asked something."]
