from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction

from server.events import log
from server.events.log import drop_old_events, missed_since, record
from server.events.models import Event, Kind
from server.messaging.conversations import mark_read, write_note
from server.messaging.inbound import receive_sms
from server.messaging.sending import hold_line, release_line
from tests.conftest import BOTI, NOW
from tests.server.conftest import later


def note_events(subscriber, count: int, at=NOW) -> None:
    for _ in range(count):
        record(subscriber_id=subscriber.pk, kind=Kind.PHONEBOOK_CHANGED, at=at)


def numbers(subscriber) -> list[int]:
    return list(Event.objects.filter(subscriber=subscriber).order_by("number").values_list("number", flat=True))


def test_each_subscriber_counts_alone_from_one(kontakt, rival):
    note_events(kontakt, 3)
    note_events(rival, 2)
    assert numbers(kontakt) == [1, 2, 3]
    assert numbers(rival) == [1, 2]


def test_what_was_taken_back_leaves_no_gap(kontakt):
    note_events(kontakt, 1)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        note_events(kontakt, 1)
        _ = 1 / 0
    note_events(kontakt, 1)
    assert numbers(kontakt) == [1, 2]


def test_an_event_that_can_not_be_written_takes_no_number(kontakt, many_hands):
    with pytest.raises(Exception, match=r"."):
        record(subscriber_id=kontakt.pk, kind=Kind.READ, at=None)
    note_events(kontakt, 1)
    assert numbers(kontakt) == [1]


def test_many_writers_at_once_leave_no_gap_and_a_reader_never_sees_one(many_hands, kontakt):
    finished = threading.Event()
    gaps = []

    def read():
        while not finished.is_set():
            seen = missed_since(subscriber_id=kontakt.pk, since=0)
            if [event.number for event in seen.events] != list(range(1, seen.last + 1)):
                gaps.append(seen)

    def write():
        for _ in range(10):
            with transaction.atomic():
                note_events(kontakt, 1)

    def write_all():
        try:
            threads = [threading.Thread(target=lambda: (write(), connection.close())) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(timeout=60)
        finally:
            finished.set()

    many_hands(read, write_all)
    assert numbers(kontakt) == list(range(1, 41))
    assert not gaps


def test_who_missed_some_gets_exactly_those(kontakt, rival):
    note_events(rival, 5)
    note_events(kontakt, 5)
    missed = missed_since(subscriber_id=kontakt.pk, since=3)
    assert ([event.number for event in missed.events], missed.last, missed.must_reload) == ([4, 5], 5, False)


def test_who_has_them_all_gets_none(kontakt):
    note_events(kontakt, 2)
    assert missed_since(subscriber_id=kontakt.pk, since=2) == log.Missed(events=[], last=2, must_reload=False)


@pytest.mark.parametrize("since", [3, 10**30])
def test_a_number_from_the_future_means_reload(kontakt, since):
    note_events(kontakt, 2)
    assert missed_since(subscriber_id=kontakt.pk, since=since).must_reload


@pytest.mark.parametrize("since", [-1, -(10**30)])
def test_a_number_below_nothing_means_reload(kontakt, since):
    note_events(kontakt, 2)
    assert missed_since(subscriber_id=kontakt.pk, since=since).must_reload


def test_more_than_the_limit_at_once_means_reload(kontakt, monkeypatch):
    assert log.REPLAY_LIMIT == 1000
    monkeypatch.setattr(log, "REPLAY_LIMIT", 5)
    note_events(kontakt, 6)
    assert len(missed_since(subscriber_id=kontakt.pk, since=1).events) == 5
    too_many = missed_since(subscriber_id=kontakt.pk, since=0)
    assert (too_many.events, too_many.last, too_many.must_reload) == ([], 6, True)


def test_events_older_than_a_week_are_dropped_and_who_asks_for_them_reloads(kontakt):
    note_events(kontakt, 2, at=NOW - timedelta(days=8))
    note_events(kontakt, 2, at=NOW - timedelta(days=6))
    assert drop_old_events(now=NOW) == 2
    assert missed_since(subscriber_id=kontakt.pk, since=1).must_reload
    assert [event.number for event in missed_since(subscriber_id=kontakt.pk, since=2).events] == [3, 4]
    note_events(kontakt, 1)
    assert numbers(kontakt) == [3, 4, 5]


def test_the_doorbell_rings_on_commit_with_numbers_only(kontakt, monkeypatch, django_capture_on_commit_callbacks):
    rung = []
    monkeypatch.setattr(log.doorbell, "ring", lambda *said: rung.append(said))
    with django_capture_on_commit_callbacks(execute=True):
        note_events(kontakt, 1)
        assert rung == []
    assert rung == [(kontakt.pk, 1)]


def test_a_broken_doorbell_breaks_nothing(many_hands, line, monkeypatch):
    def broken(*_):
        raise ConnectionError

    monkeypatch.setattr(log.doorbell, "ring", broken)
    assert receive_sms(
        line=line, provider_account="simulator:", provider_message_id="SM1", sender=BOTI, body="Szia!", now=NOW
    ).is_new
    assert numbers(line.subscriber) == [1]


def test_all_that_can_happen_to_one_conversation_at_once_neither_locks_up_nor_loses_anything(
    many_hands, line, conversation, dana, bela, send, queue, report
):
    """On PostgreSQL a wrong order of locks shows here as "deadlock detected"."""
    from server.messaging.delivery import Report, apply_delivery_report
    from server.messaging.models import Message, Status

    sent = [send(f"{n}", at=later(seconds=n)) for n in range(3)]

    def inbound(body):
        return receive_sms(
            line=line,
            provider_account="simulator:",
            provider_message_id=uuid.uuid4().hex,
            sender=BOTI,
            body=body,
            now=later(minutes=1),
        )

    def told(message, status):
        said = Report(
            status=status, provider_status=str(status), provider_message_id=message.provider_message_id, reason="opted_out", raw={}
        )
        return apply_delivery_report(line=line, uuid=message.uuid, report=said, now=later(minutes=1))

    def hold():
        hold_line(line=line, reason="401", now=NOW)
        return release_line(line=line, now=NOW)

    results = many_hands(
        *[partial(inbound, body) for body in ("Szia", "STOP", "START")],
        *[partial(told, message, Status.UNDELIVERED) for message in sent],
        *[partial(told, message, Status.DELIVERED) for message in sent],
        *[partial(mark_read, conversation=conversation, by=person, upto=1, now=NOW) for person in (dana, bela)],
        *[partial(write_note, uuid=uuid.uuid4(), conversation=conversation, body="@bela", author=dana, now=NOW) for _ in range(2)],
        hold,
    )
    assert [result for result in results if isinstance(result, Exception)] == []
    assert numbers(line.subscriber) == list(range(1, len(numbers(line.subscriber)) + 1))
    conversation.refresh_from_db()
    assert conversation.inbound_count == 3
    assert {message.status for message in Message.objects.outbound()} == {Status.DELIVERED}
    assert not conversation.has_failed


def test_what_is_written_between_two_looks_is_told_and_not_taken_for_a_gap(kontakt, monkeypatch):
    first_look = log._AFTER

    def too_early(*values):
        monkeypatch.setattr(log, "_AFTER", first_look)
        note_events(kontakt, 1)
        return []

    monkeypatch.setattr(log, "_AFTER", too_early)

    missed = missed_since(subscriber_id=kontakt.pk, since=0)

    assert ([event.number for event in missed.events], missed.last, missed.must_reload) == ([1], 1, False)
