"""An erasure that is broken off, overtaken, or met by something else at the same moment."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from server.accounts.models import AuditEntry
from server.contacts.entries import OnLegalHold
from server.contacts.models import Contact
from server.history.exporting import request_export
from server.history.filter import HistoryFilter
from server.history.models import Export, ExportFormat, ExportStatus
from server.messaging.models import Direction, Message, Status
from server.messaging.partners import forget_entry
from server.privacy import erasing
from server.privacy.erasing import AlreadyErasing, AskedHow, erase, request_erasure
from server.privacy.holds import AlreadyErased, end_hold, place_hold
from server.privacy.looking_after import follow_up_erasures, resume_erasures
from server.privacy.models import Erasure, ErasureState, ProviderRedaction
from tests.conftest import BOTI
from tests.server.privacy.conftest import told_of_boti


@pytest.fixture
def requested(known_everywhere, ada) -> Erasure:
    return request_erasure(contact=known_everywhere, asked_how=AskedHow.LETTER, typed=BOTI[-4:], by=ada, now=timezone.now())


@pytest.fixture
def small_batches(monkeypatch) -> None:
    monkeypatch.setattr(erasing, "BATCH", 2)


def state_of(erasure: Erasure) -> str:
    erasure.refresh_from_db()
    return erasure.state


@pytest.mark.parametrize("step", [1, 2, 3, 5])
def test_who_dies_at_any_step_is_followed_by_another(step, requested, small_batches, monkeypatch):
    real, calls = erasing.redact_batch, []

    def dies(*args, **kwargs):
        calls.append(1)
        if len(calls) == step:
            raise SystemExit("kill -9")
        return real(*args, **kwargs)

    monkeypatch.setattr(erasing, "redact_batch", dies)
    with pytest.raises(SystemExit):
        erase(erasure_id=requested.pk)
    assert state_of(requested) == ErasureState.RUNNING
    erase(erasure_id=requested.pk)
    assert told_of_boti(), "somebody may be at it"
    monkeypatch.setattr(erasing, "redact_batch", real)
    assert resume_erasures(now=timezone.now()) == 0
    assert resume_erasures(now=timezone.now() + timedelta(minutes=2)) == 1
    erase(erasure_id=requested.pk)
    assert state_of(requested) == ErasureState.FINISHED
    assert told_of_boti() == []
    assert requested.messages.count() == Message.objects.count()


def test_who_dies_in_the_last_step_has_done_nothing_of_it(requested, monkeypatch):
    real = erasing.scrub_files_and_filters

    def dies(**kwargs):
        raise SystemExit("kill -9")

    monkeypatch.setattr(erasing, "scrub_files_and_filters", dies)
    with pytest.raises(SystemExit):
        erase(erasure_id=requested.pk)
    assert Contact.objects.filter(number=BOTI).exists()
    monkeypatch.setattr(erasing, "scrub_files_and_filters", real)
    resume_erasures(now=timezone.now() + timedelta(minutes=2))
    erase(erasure_id=requested.pk)
    assert state_of(requested) == ErasureState.FINISHED
    assert told_of_boti() == []


def test_who_was_taken_for_dead_and_is_not_stops(requested, small_batches, monkeypatch):
    real, calls = erasing.redact_batch, []

    def taken_over(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            Erasure.objects.filter(pk=requested.pk).update(worker="somebody else")
        return real(*args, **kwargs)

    monkeypatch.setattr(erasing, "redact_batch", taken_over)
    erase(erasure_id=requested.pk)
    assert len(calls) == 2
    assert state_of(requested) == ErasureState.RUNNING
    assert requested.worker == "somebody else"


def test_a_hold_that_comes_in_between_stops_it_and_afterwards_it_goes_on(requested, small_batches, monkeypatch, kontakt, ada):
    real, calls = erasing.redact_batch, []

    def then_a_hold(*args, **kwargs):
        calls.append(1)
        edge = real(*args, **kwargs)
        if len(calls) == 2:
            place_hold(subscriber=kontakt, contact=requested.contact, reason="Per", by=ada, now=timezone.now())
        return edge

    monkeypatch.setattr(erasing, "redact_batch", then_a_hold)
    erase(erasure_id=requested.pk)
    assert state_of(requested) == ErasureState.HELD
    kept = Message.objects.filter(redacted_at=None).count()
    assert kept > 0
    resume_erasures(now=timezone.now() + timedelta(days=1))
    assert state_of(requested) == ErasureState.HELD
    ask = {"contact": requested.contact, "asked_how": AskedHow.LETTER, "typed": "0001", "by": ada}
    with pytest.raises(erasing.OnLegalHold):
        request_erasure(**ask, now=timezone.now())
    end_hold(hold=requested.contact.legal_holds.get(), by=ada, now=timezone.now())
    assert request_erasure(**ask, now=timezone.now()) == requested
    erase(erasure_id=requested.pk)
    assert state_of(requested) == ErasureState.FINISHED
    assert told_of_boti() == []


def test_a_hold_comes_too_late_for_who_is_erased(requested, kontakt, ada):
    erase(erasure_id=requested.pk)
    with pytest.raises(AlreadyErased):
        place_hold(subscriber=kontakt, contact=Contact.objects.filter(main=None).get(), reason="Per", by=ada, now=timezone.now())


def test_a_text_that_comes_while_it_is_done_is_erased_too_or_somebody_news(requested, monkeypatch, boti_texts, kontakt):
    real, calls = erasing.redact_batch, []

    def then_a_text(*args, **kwargs):
        calls.append(1)
        if len(calls) == 1:
            boti_texts("Titkos, közben", at=timezone.now())
        return real(*args, **kwargs)

    monkeypatch.setattr(erasing, "redact_batch", then_a_text)
    erase(erasure_id=requested.pk)
    assert told_of_boti() == []
    assert requested.messages.count() == Message.objects.count()


def test_what_was_told_too_late_is_followed_up(requested, line, sales_line):
    erase(erasure_id=requested.pk)
    ProviderRedaction.objects.update(confirmed_at=timezone.now())
    failed = Message.objects.get(status=Status.FAILED)
    # The provider had taken it after all; and a text had come in at the very moment.
    Message.objects.filter(pk=failed.pk).update(provider_account="simulator:", provider_message_id="SIMlate", attempts=1)
    Message.objects.create(
        subscriber=line.subscriber,
        conversation=failed.conversation,
        line=line,
        direction=Direction.IN,
        status=Status.RECEIVED,
        body="Titkos utolsó",
        created_at=timezone.now(),
    )
    assert follow_up_erasures(now=timezone.now()) > 0
    assert told_of_boti() == []
    assert requested.redactions.get(confirmed_at=None).provider_message_id == "SIMlate"
    requested.refresh_from_db()
    assert requested.confirmed_at is None


def test_an_export_that_runs_is_begun_anew(requested, sam):
    export = request_export(user=sam, wanted=HistoryFilter(), format=ExportFormat.CSV, now=timezone.now())
    Export.objects.filter(pk=export.pk).update(status=ExportStatus.RUNNING, seen_at=timezone.now(), attempts=1)
    erase(erasure_id=requested.pk)
    export.refresh_from_db()
    assert export.status == ExportStatus.QUEUED


def test_two_who_ask_at_once_ask_for_one(many_hands, kontakt, boti, ada, conversation, sam):
    def ask():
        return request_erasure(contact=boti, asked_how=AskedHow.PHONE, typed="0001", by=ada, now=timezone.now())

    answers = many_hands(ask, ask, ask)
    assert Erasure.objects.count() == 1
    assert sum(isinstance(answer, AlreadyErasing) for answer in answers) == 2
    erasure = Erasure.objects.get()
    many_hands(*[lambda: erase(erasure_id=erasure.pk)] * 3)
    assert state_of(erasure) == ErasureState.FINISHED
    assert AuditEntry.objects.filter(action="erasure.finished").count() == 1


def test_five_thousand_messages_cost_few_questions_each(kontakt, line, boti, conversation, ada, django_assert_max_num_queries):
    Message.objects.bulk_create(
        [
            Message(
                uuid=uuid.uuid4(),
                subscriber=kontakt,
                conversation=conversation,
                line=line,
                direction=Direction.IN,
                status=Status.RECEIVED,
                body=f"Titkos {n}",
                provider_account="simulator:",
                provider_message_id=f"SIM{n}",
                created_at=timezone.now() - timedelta(seconds=n),
            )
            for n in range(5000)
        ]
    )
    erasure = request_erasure(contact=boti, asked_how=AskedHow.LETTER, typed="0001", by=ada, now=timezone.now())
    with django_assert_max_num_queries(11 * 20 + 120):
        erase(erasure_id=erasure.pk)
    assert state_of(erasure) == ErasureState.FINISHED
    assert erasure.messages.count() == erasure.redactions.count() == 5000
    assert not Message.objects.exclude(body="").exists()


def test_an_entry_on_legal_hold_is_not_taken_out_of_the_phone_book(kontakt, boti, ada):
    place_hold(subscriber=kontakt, contact=boti, reason="Per", by=ada, now=timezone.now())
    with pytest.raises(OnLegalHold):
        forget_entry(entry=boti, by=ada, now=timezone.now())
    assert Contact.objects.get(pk=boti.pk).name == boti.name


def test_where_no_worker_is_its_tasks_do_not_pile_up(requested):
    tasks = DBTaskResult.objects.filter(task_path=erasing.erase_in_worker.module_path)
    assert tasks.count() == 1
    for hours in (2, 4, 6):
        assert resume_erasures(now=timezone.now() + timedelta(hours=hours)) == 0
    assert tasks.count() == 1
    tasks.delete()
    assert resume_erasures(now=timezone.now() + timedelta(hours=8)) == 1
    assert tasks.count() == 1
