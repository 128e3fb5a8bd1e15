"""How a line stands."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from gateway.models import WebhookReceipt
from gateway.providers.simulator import text_in
from operations.health import Word, delivery_rate, line_health
from server.lines.models import Line, LineUsage
from server.messaging.models import Direction, Message, Status
from server.messaging.sending import hold_line
from tests.conftest import BOTI
from tests.gateway.exchange import Exchange

NOW = timezone.now()


@pytest.fixture
def wrote(conversation):
    """`wrote(Status.SENT)`: a message in that state, so old."""

    def write(status: Status, *, ago: timedelta = timedelta(0)) -> Message:
        return Message.objects.create(
            uuid=uuid.uuid4(),
            subscriber_id=conversation.subscriber_id,
            conversation=conversation,
            line_id=conversation.line_id,
            direction=Direction.OUT,
            status=status,
            body="Jövünk!",
            created_at=NOW - ago,
        )

    return write


@pytest.fixture
def came(line):
    """`came("wrong signature")`: a receipt with this outcome."""

    def come(outcome: str, *, ok: bool = False, ago: timedelta = timedelta(0)) -> None:
        WebhookReceipt.objects.create(
            provider=line.provider, line_id=line.pk, kind="message", signature_ok=ok, outcome=outcome, received_at=NOW - ago
        )

    return come


def word(line: Line) -> Word:
    line.refresh_from_db()
    return line_health([line], NOW)[line.pk].word


def test_an_exchange_s_good_signature_says_nothing_of_the_provider(line):
    Exchange(line).tell("missed", caller="")
    assert line_health([line], NOW)[line.pk].last_good_at is None


def test_one_word_says_the_worst_that_is_true(line, came, wrote, now):
    assert word(line) == Word.NEW
    came("stored", ok=True)
    assert word(line) == Word.WELL
    Line.objects.filter(pk=line.pk).update(per_day=0)
    assert word(line) == Word.USED_UP
    wrote(Status.QUEUED, ago=timedelta(minutes=11))
    assert word(line) == Word.WAITING
    came("wrong signature")
    assert word(line) == Word.REFUSED
    hold_line(line=line, reason="401", now=NOW)
    assert word(line) == Word.HELD
    Line.objects.filter(pk=line.pk).update(is_active=False)
    assert word(line) == Word.OFF


def test_what_was_refused_long_ago_is_no_trouble_any_more(line, came):
    came("stored", ok=True)
    came("wrong signature", ago=timedelta(days=2))
    health = line_health([line], NOW)[line.pk]
    assert health.word == Word.WELL
    assert (health.refused_day, health.refused_week) == ({}, {"wrong signature": 1})


def test_lines_are_not_taken_for_one_another_and_cost_four_queries(
    line, sales_line, rival_line, came, wrote, django_assert_num_queries
):
    came("wrong signature")
    wrote(Status.UNCONFIRMED)
    with django_assert_num_queries(4):
        health = line_health([line, sales_line, rival_line], NOW)
    assert [health[one.pk].word for one in (line, sales_line, rival_line)] == [Word.REFUSED, Word.NEW, Word.NEW]
    assert (health[line.pk].on_its_way, health[sales_line.pk].on_its_way) == ({"unconfirmed": 1}, {})


def test_the_rate_counts_what_is_over_in_a_week(line, wrote, monkeypatch):
    for status in (Status.DELIVERED, Status.DELIVERED, Status.FAILED, Status.UNDELIVERED, Status.SENT, Status.QUEUED):
        wrote(status)
    wrote(Status.FAILED, ago=timedelta(days=8))
    rate = delivery_rate(line, NOW)
    assert (rate.delivered, rate.final, rate.percent) == (2, 4, 50.0)
    monkeypatch.setattr("operations.health.RATED", 1)
    assert delivery_rate(line, NOW).final <= 1


def test_a_line_that_sent_nothing_has_no_rate(line):
    assert delivery_rate(line, NOW).percent is None


def test_the_page_says_it_all(desk, line, came, wrote):
    Line.objects.filter(pk=line.pk).update(per_day=50)
    text_in(line, BOTI, "Szia!")
    came("wrong signature")
    came("unknown word", ok=True)
    wrote(Status.DELIVERED)
    wrote(Status.HELD)
    LineUsage.objects.create(line=line, day=(NOW + timedelta(days=1)).date(), sent_on_day=7, minute=NOW)
    page = desk.get(f"/operator/lines/{line.pk}/health/").text
    for told in ("Wrong signature", "A status that we have no word for", "7 of 50", "100.0 %"):
        assert told in page


def test_a_held_line_says_since_when_and_why(desk, line):
    hold_line(line=line, reason="401 20003", now=NOW)
    assert "401 20003" in desk.get(f"/operator/lines/{line.pk}/health/").text


def test_an_unknown_line_is_not_found(desk):
    for page in ("", "check/", "health/", "address/"):
        assert desk.get(f"/operator/lines/999999/{page}").status_code == 404
    for act in ("people/", "release/", "address/", "check/test/", "check/webhooks/"):
        assert desk.post(f"/operator/lines/999999/{act}").status_code == 404
