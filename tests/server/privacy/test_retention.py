"""What is older than a company keeps goes at night, and nothing else."""

from __future__ import annotations

import tracemalloc
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gateway.models import WebhookReceipt
from server.accounts.models import AuditEntry
from server.contacts.entries import Facts, OnLegalHold
from server.contacts.models import Contact
from server.events.models import Event, Kind
from server.messaging.conversations import mark_read, unread_by, write_note
from server.messaging.inbound import conversation_between
from server.messaging.models import Conversation, Direction, Message, Note, ReadMarker, Status
from server.messaging.outbound import queue_sms
from server.messaging.partners import block_sender, forget_entry, merge_contacts, save_entry, separate_number, unblock_sender
from server.privacy import retiring
from server.privacy.holds import NotYours, place_hold
from server.privacy.models import RetentionRun
from server.privacy.retention import DaysNotValid, preview, set_retention
from server.privacy.retiring import begin_due_runs, retire
from tests.conftest import NOW

# Two in the morning in Budapest, the night after.
NIGHT = NOW.replace(hour=1) + timedelta(days=1)
OLD, YOUNG = NOW - timedelta(days=100), NOW - timedelta(days=10)


@pytest.fixture
def keeps_30_days(kontakt):
    kontakt.keeps_messages_days = 30
    kontakt.save()
    return kontakt


def a_night(now=NIGHT) -> RetentionRun:
    begin_due_runs(now=now)
    run = RetentionRun.objects.latest("pk")
    retire(run_id=run.pk)
    run.refresh_from_db()
    return run


def test_old_messages_go_and_young_ones_stay(keeps_30_days, boti_texts, rival, rival_line):
    old, young = boti_texts("régi", at=OLD), boti_texts("friss", at=YOUNG)
    others = boti_texts("másé", at=OLD, to=rival_line)
    run = a_night()
    assert run.finished_at
    assert set(Message.objects.all()) == {young, others}
    assert run.counts["messages"] == 1
    entry = AuditEntry.objects.get(action="retention.run")
    assert entry.detail["deleted"]["messages"] == 1
    assert Event.objects.filter(kind=Kind.PHONEBOOK_CHANGED).count() == 1
    assert not Message.objects.filter(pk=old.pk).exists()


def test_unread_stays_right(keeps_30_days, boti_texts, dana, bela):
    for n in range(5):
        boti_texts(f"{n}", at=OLD + timedelta(minutes=n))
    thread = boti_texts("friss", at=YOUNG).conversation
    mark_read(conversation=thread, by=dana, upto=6, now=NOW)
    mark_read(conversation=thread, by=bela, upto=3, now=NOW)
    a_night()
    thread.refresh_from_db()
    assert thread.inbound_count == 1
    read = dict(ReadMarker.objects.values_list("user__username", "inbound_read"))
    assert read == {"dana": 1, "bela": 0}
    assert unread_by(dana) == []
    assert unread_by(bela) == [thread.pk]
    assert thread.latest_message.body == "friss"


def test_what_came_from_a_blocked_sender_is_not_taken_from_what_is_unread(keeps_30_days, boti, boti_texts, dana):
    for n in range(3):
        boti_texts(f"régi {n}", at=OLD + timedelta(minutes=n))
    thread = Conversation.objects.get()
    mark_read(conversation=thread, by=dana, upto=3, now=OLD)
    block_sender(entry=boti, by=dana, now=OLD)
    for n in range(5):
        boti_texts(f"rejtett {n}", at=OLD + timedelta(hours=n + 1))
    unblock_sender(entry=boti, by=dana, now=YOUNG)
    for n in range(2):
        boti_texts(f"friss {n}", at=YOUNG + timedelta(minutes=n))
    a_night()
    thread.refresh_from_db()
    assert thread.inbound_count == 2
    assert ReadMarker.objects.get(user=dana).inbound_read == 0
    assert unread_by(dana) == [thread.pk]


def test_empty_conversations_and_nameless_numbers_go_named_ones_stay(keeps_30_days, boti_texts, boti):
    boti_texts("régi", at=OLD)
    boti_texts("régi", at=OLD, sender="+36205550001")
    a_night()
    assert not Conversation.objects.exists()
    assert list(Contact.objects.all()) == [boti]


def test_notes_and_receipts_of_that_age_go_too(keeps_30_days, boti_texts, dana, line):
    thread = boti_texts("régi", at=OLD).conversation
    write_note(uuid=uuid.uuid4(), conversation=thread, body="régi", author=dana, now=OLD)
    young = write_note(uuid=uuid.uuid4(), conversation=thread, body="friss", author=dana, now=YOUNG)
    for at in (OLD, YOUNG):
        WebhookReceipt.objects.create(
            provider="simulator", line_id=line.pk, kind="message", signature_ok=True, outcome="stored", received_at=at
        )
    a_night()
    assert list(Note.objects.all()) == [young]
    assert [receipt.received_at for receipt in WebhookReceipt.objects.all()] == [YOUNG]
    thread.refresh_from_db()
    assert thread.latest_message is None


def test_what_is_on_its_way_is_settled_first(keeps_30_days, conversation, dana):
    waiting = queue_sms(uuid=uuid.uuid4(), conversation=conversation, body="Szia", author=dana, now=OLD)
    a_night()
    assert Message.objects.get() == waiting
    Message.objects.update(status=Status.DELIVERED)
    a_night(NIGHT + timedelta(days=1))
    assert not Message.objects.exists()


@pytest.mark.parametrize("whom", ["person", "number of the person", "company"])
def test_what_is_on_legal_hold_stays(whom, keeps_30_days, boti, boti_texts, ada):
    second = Contact.objects.create(subscriber=keeps_30_days, number="+36209990002", name="Kiss Boti", main=boti, created_at=NOW)
    boti_texts("régi", at=OLD)
    boti_texts("régi", at=OLD, sender=second.number)
    free = boti_texts("mehet", at=OLD, sender="+36205550001")
    of = {"person": boti, "number of the person": second, "company": None}[whom]
    place_hold(subscriber=keeps_30_days, contact=of, reason="Per", by=ada, now=NOW)
    if whom == "company":
        assert begin_due_runs(now=NIGHT) == 0
        assert Message.objects.count() == 3
    else:
        a_night()
        assert Message.objects.count() == 2
        assert not Message.objects.filter(pk=free.pk).exists()


def without_its_first_number(boti, second, by):
    save_entry(subscriber=boti.subscriber, entry=boti, facts=Facts(name="Kiss Boti", numbers=[second.number]), now=NOW)


def not_even_by_forgetting(boti, second, by):
    with pytest.raises(OnLegalHold):
        forget_entry(entry=boti, by=by, now=NOW)


@pytest.mark.parametrize(
    "take_apart",
    [
        lambda boti, second, by: separate_number(number=second, by=by, now=NOW),
        not_even_by_forgetting,
        without_its_first_number,
    ],
)
def test_no_number_is_taken_out_of_a_legal_hold(take_apart, keeps_30_days, boti, boti_texts, ada, dana):
    boti_texts("régi", at=OLD)
    boti_texts("másik szám", at=OLD, sender="+36209990002")
    second = Contact.objects.get(number="+36209990002")
    merge_contacts(keep=boti, other=second, by=dana, now=NOW)
    second.refresh_from_db()
    place_hold(subscriber=boti.subscriber, contact=boti, reason="Per", by=ada, now=NOW)
    take_apart(boti, second, dana)
    a_night()
    assert Message.objects.count() == 2


def test_once_a_night_and_only_at_night(keeps_30_days, boti_texts):
    boti_texts("régi", at=OLD)
    assert begin_due_runs(now=NIGHT.replace(hour=12)) == 0
    assert begin_due_runs(now=NIGHT) == 1
    assert begin_due_runs(now=NIGHT + timedelta(seconds=30)) == 0
    retire(run_id=RetentionRun.objects.get().pk)
    assert begin_due_runs(now=NIGHT + timedelta(hours=1)) == 0
    assert begin_due_runs(now=NIGHT + timedelta(days=1)) == 1


@pytest.fixture
def ten_thousand(keeps_30_days, line, boti):
    """Ten thousand old messages and a hundred young ones, in fifty conversations."""
    threads = []
    for n in range(50):
        contact = boti if n == 0 else Contact(subscriber=keeps_30_days, number=f"+3620555{n:04}", created_at=OLD)
        if n:
            contact.save()
        threads.append(conversation_between(line=line, contact=contact, now=OLD))
    Message.objects.bulk_create(
        [
            Message(
                subscriber=keeps_30_days,
                conversation=threads[n % 50],
                line=line,
                direction=Direction.IN,
                status=Status.RECEIVED,
                body=f"szöveg {n}",
                created_at=(OLD if n < 10_000 else YOUNG) + timedelta(seconds=n),
            )
            for n in range(10_100)
        ],
        batch_size=2000,
    )
    Conversation.objects.update(inbound_count=202)
    return threads


def test_ten_thousand_cost_few_questions_and_little_memory(ten_thousand):
    begin_due_runs(now=NIGHT)
    run = RetentionRun.objects.get()
    tracemalloc.start()
    with CaptureQueriesContext(connection) as asked:
        retire(run_id=run.pk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert Message.objects.count() == 100
    assert set(Conversation.objects.values_list("inbound_count", flat=True)) == {2}
    # Ten batches, each with two statements for each of the fifty conversations.
    assert len(asked) < 11 * (2 * 50 + 60)
    assert peak < 60_000_000


def test_who_follows_a_worker_that_died_goes_on_where_it_was(ten_thousand, monkeypatch):
    begin_due_runs(now=NIGHT)
    run = RetentionRun.objects.get()
    delete, calls = retiring._delete_messages, []

    def dies(*args):
        calls.append(1)
        if len(calls) == 4:
            raise SystemExit("kill -9")
        return delete(*args)

    monkeypatch.setattr(retiring, "_delete_messages", dies)
    with pytest.raises(SystemExit):
        retire(run_id=run.pk)
    assert Message.objects.count() == 7_100
    retire(run_id=run.pk)
    assert Message.objects.count() == 7_100, "somebody may be at it"
    later = RetentionRun.objects.get().seen_at + timedelta(minutes=2)
    monkeypatch.setattr(retiring, "_delete_messages", delete)
    assert begin_due_runs(now=later) >= 1
    retire(run_id=run.pk)
    assert Message.objects.count() == 100
    run.refresh_from_db()
    assert run.counts["messages"] == 10_000
    assert AuditEntry.objects.filter(action="retention.run").count() == 1


def test_the_preview_says_what_would_go(keeps_30_days, boti, boti_texts, ada):
    for n in range(3):
        boti_texts(f"{n}", at=OLD)
    boti_texts("4", at=OLD, sender="+36205550001")
    boti_texts("friss", at=YOUNG)
    seen = preview(subscriber=keeps_30_days, days=30, now=NOW)
    assert (seen.messages, seen.conversations, seen.people_on_hold) == (4, 2, 0)
    assert f"{seen.before}" == "2026-10-24"
    place_hold(subscriber=keeps_30_days, contact=boti, reason="Per", by=ada, now=NOW)
    seen = preview(subscriber=keeps_30_days, days=30, now=NOW)
    assert (seen.messages, seen.conversations, seen.people_on_hold) == (1, 1, 1)


def test_an_administrator_decides_and_it_is_written_down(kontakt, ada, sam):
    with pytest.raises(NotYours):
        set_retention(subscriber=kontakt, days=30, by=sam, now=NOW)
    for days in (0, 29, 3651):
        with pytest.raises(DaysNotValid):
            set_retention(subscriber=kontakt, days=days, by=ada, now=NOW)
    assert set_retention(subscriber=kontakt, days=30, by=ada, now=NOW)
    assert not set_retention(subscriber=kontakt, days=30, by=ada, now=NOW)
    assert set_retention(subscriber=kontakt, days=None, by=ada, now=NOW)
    details = AuditEntry.objects.filter(action="retention.changed").order_by("pk").values_list("detail", flat=True)
    assert [(detail["before"], detail["days"]) for detail in details] == [(None, 30), (30, None)]
