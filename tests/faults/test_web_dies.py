"""A web process is killed or stopped under webhooks: the provider's repeat makes each text one message."""

from __future__ import annotations

import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from django.db import connection, transaction

from server.accounts.models import Subscriber
from tests.faults.patience import until
from tests.faults.screen import Screen
from tests.faults.stream import Stream
from tests.services import Server, free_port

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("faults")]


def test_a_web_process_is_killed_under_a_stream_of_webhooks(house, company):
    one, two = house.webs
    with Screen(company, company.dana, company.boti, one, two) as danas, Screen(company, company.bela, company.kata, two) as belas:
        with Stream(company, house.webs, 60) as stream:
            stream.is_in_full_flow()
            one.kill()
            stream.go_on()
        assert stream.refused
        company.has_received_once(stream.forms)
        one.start()
        danas.equals_a_fresh_load()
        belas.equals_a_fresh_load()


@pytest.mark.parametrize(("moment", "is_stored"), [("before-commit", False), ("before-answer", True)])
def test_a_web_process_dies_with_a_webhook_in_its_hand(house, company, moment, is_stored):
    port = free_port()
    daphne = ("daphne", "-b", "127.0.0.1", "-p", str(port), "server.asgi:application")
    command = (sys.executable, "-m", "tests.faults.doomed", moment, "1", *daphne)
    form = company.text("Is anybody there?")
    with Screen(company, company.dana, company.boti, house.webs[1]) as danas:
        with Server(*command, port=port, env=house.env) as doomed:
            with pytest.raises(requests.ConnectionError):
                company.webhook(doomed, form)
            assert doomed.wait(30) == -signal.SIGKILL
        assert company.messages.exists() == is_stored
        # If it was stored, its doorbell may have died with the process.
        if is_stored:
            danas.equals_a_fresh_load()
        # The provider repeats it, on another process.
        assert company.webhook(house.webs[1], form).ok
        company.has_received_once([form])
        danas.equals_a_fresh_load()


def test_a_web_process_is_told_to_stop_in_the_middle_of_a_webhook(house, company):
    one, two = house.webs
    form = company.text("Is anybody there?")
    with ThreadPoolExecutor(1) as provider:
        with transaction.atomic():
            Subscriber.objects.select_for_update().get(pk=company.subscriber.pk)
            told = provider.submit(company.webhook, one, form)
            until(somebody_waits_for_a_lock, "the webhook waits for its event number")
            one.signal(signal.SIGTERM)
        one.wait(30)
        assert told.exception() is None or isinstance(told.exception(), requests.ConnectionError)
    assert company.webhook(two, form).ok
    company.has_received_once([form])


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return cursor.fetchone()[0]
