"""The live view without a socket: GET /live/ answers with the same frames."""

from __future__ import annotations

import pytest
from django.urls import reverse

from server.accounts.models import Activation
from server.calls.flows import Flow, save_flow
from server.calls.stopping import Limits, set_limits, stop_automatic
from server.calls.trying import start_trying
from server.events.log import record
from server.events.models import Kind
from tests.chatui.calls_told import a_rule
from tests.conftest import NOW

LIVE = "/live/"


@pytest.fixture
def dana_asks(client, dana):
    client.force_login(dana, backend="django.contrib.auth.backends.ModelBackend")
    return lambda **query: client.get(LIVE, query)


def test_it_has_its_address():
    assert reverse("live") == LIVE


def test_what_happened_since_a_number_is_answered_with_the_next_one(dana_asks, boti_texts):
    boti_texts("egy")
    boti_texts("kettő")

    answer = dana_asks(since=1)

    assert "kettő" in answer.text
    assert '<live-position number="2" replayed="1"></live-position>' in answer.text
    assert answer.headers["Cache-Control"].startswith("max-age=0")


def test_the_thread_comes_only_when_it_is_open(dana_asks, boti_texts):
    message = boti_texts("egy")

    assert "<live-entry" not in dana_asks(since=0).text
    assert "<live-entry" in dana_asks(since=0, open=message.conversation_id).text


def test_a_long_absence_is_answered_in_portions(dana_asks, boti_texts):
    for number in range(60):
        boti_texts(f"text {number}")

    assert 'number="50"' in dana_asks(since=0).text
    assert 'number="60"' in dana_asks(since=50).text


def test_a_number_from_another_database_means_reload(dana_asks, boti_texts):
    boti_texts("egy")

    assert dana_asks(since=99).text == '<live-reload></live-reload><live-position number="1"></live-position>'


def test_only_the_red_switch_draws_every_page_anew_not_a_limit_a_trial_or_a_call_flow(dana_asks, kontakt, line, ada):
    limits = Limits(per_number_per_day=2, per_colleague_per_day=9, per_minute=9, per_day=9)
    set_limits(subscriber=kontakt, limits=limits, by=ada, now=NOW)
    start_trying(rule=a_rule(kontakt, "Missed"), by=ada, now=NOW)
    save_flow(line=line, flow=Flow(greeting="Jó napot!"), by=ada, now=NOW)
    assert "live-reload" not in dana_asks(since=0).text
    stop_automatic(subscriber=kontakt, by=ada, now=NOW)
    assert "live-reload" in dana_asks(since=0).text


def test_a_line_not_given_is_silent(dana_asks, boti_texts, sales_line):
    boti_texts("nem neki", to=sales_line)

    assert dana_asks(since=0).text == '<live-position number="1" replayed="1"></live-position>'


@pytest.mark.parametrize("query", [{}, {"since": "x"}, {"since": -1}, {"since": 2**63}, {"since": 0, "open": "x"}])
def test_nonsense_is_a_bad_request(dana_asks, query):
    assert dana_asks(**query).status_code == 400


def test_a_conversation_one_may_not_see_is_not_found(dana_asks, boti_texts, sales_line):
    hidden = boti_texts("nem neki", to=sales_line)

    assert dana_asks(since=0, open=hidden.conversation_id).status_code == 404
    assert dana_asks(since=0, open=987654321).status_code == 404


def test_without_log_in_there_is_nothing(client, db):
    assert client.get(LIVE, {"since": 0}, headers={"X-Fonal": "1"}).status_code == 401


def test_without_the_chat_service_it_is_forbidden(dana_asks, kontakt):
    Activation.objects.filter(subscriber=kontakt).update(chat_since=None)

    assert dana_asks(since=0).status_code == 403


def test_a_change_of_rights_means_a_fresh_page(dana_asks, kontakt, now):
    record(subscriber_id=kontakt.pk, kind=Kind.ACCESS_CHANGED, at=now)

    assert dana_asks(since=0).text == '<live-reload></live-reload><live-position number="1"></live-position>'
