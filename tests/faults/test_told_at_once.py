"""The same thing told many times in the same moment, to both web processes, is one thing."""

from __future__ import annotations

import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.models import WebhookReceipt
from tests.faults.screen import Screen

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("faults")]


def test_the_same_webhook_a_hundred_times_is_one_message_and_one_event(house, company):
    form = company.text("Only once")
    with ThreadPoolExecutor(20) as provider:
        told = [provider.submit(company.webhook, house.webs[i % 2], form) for i in range(100)]
        assert Counter(answer.result().status_code for answer in told) == {200: 100}
    company.has_received_once([form])
    assert company.last_event == 1
    receipts = WebhookReceipt.objects.filter(line_id=company.line.pk)
    assert Counter(receipts.values_list("outcome", flat=True)) == {"stored": 1, "known already": 99}


def test_ten_posts_of_the_composer_at_once_are_one_message(house, company):
    token = uuid.uuid4()
    with Screen(company, company.bela, company.boti, house.webs[1]) as screen, ThreadPoolExecutor(10) as browser:
        posted = [browser.submit(company.dana.writes, house.webs[i % 2], company.boti, "Only once", token=token) for i in range(10)]
        assert Counter(answer.result().status_code for answer in posted) == {200: 10}
        assert all(f'id="entry-{token}"' in answer.result().text for answer in posted)
        company.settle()
        company.has_sent_once({company.boti: ["Only once"]})
        screen.equals_a_fresh_load()
