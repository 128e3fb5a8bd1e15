"""How an export comes about and goes again: who may have one, who makes it, what stops it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from psycopg.errors import QueryCanceled

from gateway.chores import CHORES
from server.accounts.models import Activation, AuditEntry, Role, Subscriber, User
from server.events.models import Event, Kind
from server.history import export_files, making, tabulation
from server.history.exporting import (
    AlreadyExporting,
    ExportGone,
    NotAllowedToExport,
    NothingToExport,
    cancel_export,
    exports_of,
    file_name,
    open_export,
    request_export,
    seconds_left,
)
from server.history.filter import HistoryFilter
from server.history.looking_after import LOST_AFTER, STALLED_AFTER, expire_exports, resume_stalled_exports
from server.history.making import make_export
from server.history.models import Export, ExportProblem, ExportStatus
from server.lines.models import LineAccess
from server.signs_of_life import signs_of_life
from tests.conftest import NOW
from tests.server.history.exported import export_of, file_of, made, meanwhile, queued, values_in

SECRET = "Titkos szöveg"


@pytest.fixture
def three_texts(boti_texts):
    return [boti_texts(f"{SECRET} {number}", at=NOW + timedelta(seconds=number)) for number in range(3)]


@pytest.fixture
def dana_may(dana, kontakt):
    kontakt.colleagues_may_export = True
    kontakt.save()
    dana.refresh_from_db()
    return dana


def files_in(folder) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


@pytest.fixture
def left_over(exports_folder):
    """The files that were not there before."""
    before = files_in(exports_folder)
    return lambda: files_in(exports_folder) - before


# --- Who may have what


def test_few_messages_come_back_as_a_finished_file(sam, three_texts):
    export = export_of(sam)
    assert (export.status, export.rows_done, export.rows_expected) == (ExportStatus.FINISHED, 3, 3)
    assert (export.first_at, export.last_at) == (three_texts[0].created_at, three_texts[2].created_at)
    assert len(values_in(file_of(export))) == 3


def test_a_colleague_may_only_when_the_company_lets_them(dana, three_texts):
    with pytest.raises(NotAllowedToExport):
        export_of(dana)


def test_a_colleague_gets_what_they_may_see_and_nothing_else(dana_may, three_texts, boti_texts, sales_line):
    boti_texts("for sales only", to=sales_line)
    assert [row[6] for row in values_in(file_of(export_of(dana_may)))] == [f"{SECRET} {number}" for number in (2, 1, 0)]


def test_nobody_gets_another_companys_messages(sam, eve, rival, rival_line, boti_texts, three_texts):
    rival.colleagues_may_export = True
    rival.save()
    eve.refresh_from_db()
    boti_texts("of the rival", to=rival_line)
    assert [row[6] for row in values_in(file_of(export_of(eve)))] == ["of the rival"]
    assert export_of(sam).rows_done == 3


def test_nothing_found_is_no_file(sam, three_texts):
    with pytest.raises(NothingToExport):
        export_of(sam, q="nowhere")
    assert not Export.objects.exists()


def test_the_services_end_is_the_exports_end(sam, three_texts):
    export = export_of(sam)
    sam.subscriber.activation.sms_since = None
    with pytest.raises(NotAllowedToExport):
        export_of(sam)
    with pytest.raises(NotAllowedToExport):
        open_export(export=export, user=sam, now=NOW)


def test_only_the_person_who_asked_gets_the_file(sam, ada, eve, three_texts):
    export = export_of(sam)
    for other in (ada, eve):
        with pytest.raises(NotAllowedToExport):
            open_export(export=export, user=other, now=NOW)


def test_who_is_a_colleague_again_loses_the_file(sam, three_texts):
    export = export_of(sam)
    sam.role = Role.COLLEAGUE
    with pytest.raises(NotAllowedToExport):
        open_export(export=export, user=sam, now=NOW)


def test_who_loses_a_line_loses_the_file(dana_may, sales_line, three_texts):
    access = LineAccess.objects.create(line=sales_line, user=dana_may)
    export = export_of(dana_may)
    assert file_of(export)
    access.delete()
    with pytest.raises(NotAllowedToExport):
        open_export(export=export, user=dana_may, now=NOW)


def test_a_line_gained_while_the_file_is_made_is_not_in_it(dana_may, sales_line, three_texts, boti_texts, monkeypatch):
    export = queued(monkeypatch, dana_may)
    LineAccess.objects.create(line=sales_line, user=dana_may)
    boti_texts("for sales", to=sales_line)
    assert made(export).rows_done == 3


# --- One at a time


def test_a_second_one_is_refused_while_the_first_is_not_finished(sam, three_texts, monkeypatch):
    first = queued(monkeypatch, sam)
    with pytest.raises(AlreadyExporting) as refused:
        export_of(sam)
    assert refused.value.export == first
    made(first)
    assert export_of(sam).status == ExportStatus.QUEUED


def test_the_database_itself_refuses_two_at_once(sam, three_texts, monkeypatch):
    first = queued(monkeypatch, sam)
    with pytest.raises(IntegrityError, match=r"one_export_at_a_time|UNIQUE"), transaction.atomic():
        Export.objects.create(subscriber=first.subscriber, user=sam, language="en", created_at=NOW)


def test_others_are_not_kept_waiting(sam, ada, three_texts, monkeypatch):
    queued(monkeypatch, sam)
    assert queued(monkeypatch, ada).status == ExportStatus.QUEUED


# --- Making a large one


def test_many_messages_wait_for_the_worker(sam, three_texts, monkeypatch):
    export = queued(monkeypatch, sam)
    assert (export.status, export.file) == (ExportStatus.QUEUED, "")
    [task] = DBTaskResult.objects.all()
    # E-mails have a queue of their own.
    assert (task.queue_name, task.args_kwargs["args"]) == ("exports", [export.pk])
    task.task.call(*task.args_kwargs["args"])
    export.refresh_from_db()
    assert export.status == ExportStatus.FINISHED


def test_a_task_that_comes_twice_makes_one_file(sam, three_texts, monkeypatch, left_over):
    export = made(queued(monkeypatch, sam))
    assert made(export).finished_at == export.finished_at
    assert left_over() == {export.file}


def test_progress_is_told_to_the_person_alone(sam, three_texts, monkeypatch):
    export = queued(monkeypatch, sam)
    seen = []
    meanwhile(monkeypatch, lambda: seen.append(Export.objects.get()), after=2)
    made(export)
    assert (seen[0].status, seen[0].rows_done, seen[0].rows_expected) == (ExportStatus.RUNNING, 2, 3)
    events = Event.objects.filter(kind=Kind.EXPORT_CHANGED)
    # Asked for, begun, after each row, finished.
    assert [(event.user_id, event.line_id) for event in events] == [(sam.pk, None)] * 6


def test_the_time_that_is_left_follows_from_the_pace(sam, three_texts, monkeypatch):
    export = queued(monkeypatch, sam)
    assert seconds_left(export, now=NOW) is None
    export.status, export.rows_expected, export.rows_done = ExportStatus.RUNNING, 1000, 250
    export.started_at, export.seen_at = NOW, NOW + timedelta(seconds=5)
    assert seconds_left(export, now=NOW + timedelta(seconds=5)) == 15
    assert seconds_left(export, now=NOW + timedelta(seconds=10)) == 10
    assert seconds_left(export, now=NOW + timedelta(hours=1)) == 0


def test_a_cancel_in_the_middle_leaves_nothing_behind(sam, three_texts, monkeypatch, left_over):
    export = queued(monkeypatch, sam)
    meanwhile(monkeypatch, lambda: cancel_export(export=Export.objects.get(), now=NOW), after=2)
    assert made(export).status == ExportStatus.CANCELLED
    assert left_over() == set()
    assert not AuditEntry.objects.filter(action="export.finished").exists()
    with pytest.raises(ExportGone):
        open_export(export=export, user=sam, now=NOW)


def test_a_cancel_in_the_last_moment_wins(sam, three_texts, monkeypatch, left_over):
    export = queued(monkeypatch, sam)
    meanwhile(monkeypatch, lambda: cancel_export(export=Export.objects.get(), now=NOW), after=3)
    assert made(export).status == ExportStatus.CANCELLED
    assert left_over() == set()


def test_a_cancel_before_it_begins(sam, three_texts, monkeypatch):
    export = queued(monkeypatch, sam)
    assert cancel_export(export=export, now=NOW)
    assert made(export).status == ExportStatus.CANCELLED
    entry = AuditEntry.objects.get(action="export.cancelled")
    assert (entry.actor, entry.target, entry.detail) == (sam, str(export.uuid), {"rows": 0, "format": "xlsx"})
    # The next one may be asked for at once.
    assert queued(monkeypatch, sam).pk != export.pk


def test_a_finished_one_cannot_be_cancelled(sam, three_texts):
    export = export_of(sam)
    assert not cancel_export(export=export, now=NOW)
    assert export.status == ExportStatus.FINISHED
    assert not AuditEntry.objects.filter(action="export.cancelled").exists()


def test_what_goes_wrong_is_a_failure_that_can_be_seen(sam, three_texts, monkeypatch, left_over, caplog):
    def full_disk():
        raise OSError(28, "No space left on device")

    export = queued(monkeypatch, sam)
    meanwhile(monkeypatch, full_disk, after=1)
    export = made(export)
    assert (export.status, export.problem) == (ExportStatus.FAILED, ExportProblem.NO_ROOM)
    assert left_over() == set()
    assert str(export.uuid) in caplog.text
    assert SECRET not in caplog.text
    # And is no obstacle.
    assert queued(monkeypatch, sam).status == ExportStatus.QUEUED


def test_none_is_begun_when_the_disk_is_nearly_full(sam, three_texts, monkeypatch, left_over):
    monkeypatch.setattr(export_files, "LEAST_FREE", 1 << 62)
    export = export_of(sam)
    assert (export.status, export.problem) == (ExportStatus.FAILED, ExportProblem.NO_ROOM)
    assert left_over() == set()


def test_what_takes_the_database_too_long_is_not_tried_again(sam, three_texts, monkeypatch, left_over):
    def is_cut_off():
        raise OperationalError("canceling statement due to statement timeout") from QueryCanceled()

    export = queued(monkeypatch, sam)
    meanwhile(monkeypatch, is_cut_off, after=2)
    export = made(export)
    assert (export.status, export.problem) == (ExportStatus.FAILED, ExportProblem.TOO_LARGE)
    assert left_over() == set()


def test_a_request_takes_no_second_connection(sam, three_texts, monkeypatch):
    monkeypatch.setattr(making, "read_ahead", None)
    monkeypatch.setattr(making, "signs_of_life", None)
    assert export_of(sam).status == ExportStatus.FINISHED


# --- Rights that are lost meanwhile


def closes_the_company_to_colleagues(dana):
    Subscriber.objects.update(colleagues_may_export=False)


def takes_the_line_away(dana):
    LineAccess.objects.filter(user=dana).delete()


def lets_the_person_go(dana):
    User.objects.filter(pk=dana.pk).update(is_active=False)


def ends_the_service(dana):
    Activation.objects.update(sms_since=None, chat_since=None)


LOSSES = [closes_the_company_to_colleagues, takes_the_line_away, lets_the_person_go, ends_the_service]


@pytest.mark.parametrize("happens", LOSSES)
@pytest.mark.parametrize("after", [0, 1, 3])
def test_who_loses_a_right_meanwhile_gets_no_file_and_no_half_of_one(dana_may, three_texts, monkeypatch, left_over, happens, after):
    export = queued(monkeypatch, dana_may)
    if after:
        meanwhile(monkeypatch, lambda: happens(dana_may), after=after)
    else:
        happens(dana_may)
    export = made(export)
    assert (export.status, export.problem) == (ExportStatus.FAILED, ExportProblem.NOT_ALLOWED)
    assert left_over() == set()
    assert not AuditEntry.objects.filter(action="export.finished").exists()
    assert AuditEntry.objects.filter(action="export.failed", target=str(export.uuid)).exists()


@pytest.mark.parametrize("order", [{}, {"oldest": "1"}])
def test_who_loses_a_line_for_a_moment_gets_all_of_it_the_next_time(
    dana_may, three_texts, boti_texts, sales_line, monkeypatch, left_over, order
):
    access = LineAccess.objects.create(line=sales_line, user=dana_may)
    for number in range(3):
        boti_texts(f"for sales {number}", to=sales_line, at=NOW + timedelta(seconds=number, milliseconds=500))
    export = queued(monkeypatch, dana_may, **order)
    meanwhile(monkeypatch, access.delete, after=1)
    meanwhile(monkeypatch, lambda: LineAccess.objects.create(line=sales_line, user=dana_may), after=3)
    export = made(export)
    assert (export.status, left_over()) == (ExportStatus.RUNNING, set())
    assert resume_stalled_exports(now=later()) == 1
    export = made(export)
    assert (export.status, export.rows_done) == (ExportStatus.FINISHED, 6)


def test_messages_that_were_taken_away_meanwhile_are_not_missing(sam, three_texts, monkeypatch):
    export = queued(monkeypatch, sam)
    meanwhile(monkeypatch, three_texts[0].delete, after=2)
    export = made(export)
    assert (export.status, export.rows_done) == (ExportStatus.FINISHED, 2)


def test_a_last_page_that_is_full_is_the_end(sam, three_texts, monkeypatch):
    export = queued(monkeypatch, sam)
    monkeypatch.setattr(tabulation, "BATCH", 3)
    assert made(export).rows_done == 3


def test_a_day_without_a_year_is_that_of_the_day_on_which_the_file_was_asked_for(sam, three_texts, monkeypatch, boti_texts):
    export = queued(monkeypatch, sam, q="nov. 23")
    Export.objects.update(created_at=NOW - timedelta(days=365))
    assert made(export).rows_done == 0


# --- Surviving


def dies() -> None:
    raise SystemExit


def later():
    return timezone.now() + STALLED_AFTER + timedelta(seconds=1)


def test_what_a_killed_worker_began_is_made_by_another(sam, three_texts, monkeypatch, left_over):
    export = queued(monkeypatch, sam)
    meanwhile(monkeypatch, dies, after=2)
    with pytest.raises(SystemExit):
        make_export(export_id=export.pk)
    assert resume_stalled_exports(now=timezone.now()) == 0
    assert resume_stalled_exports(now=later()) == 1
    export = made(export)
    assert (export.status, export.rows_done, export.attempts) == (ExportStatus.FINISHED, 3, 2)
    assert len(values_in(file_of(export))) == 3
    assert left_over() == {export.file}


@pytest.mark.django_db(transaction=True)
def test_whoever_waits_long_for_the_database_says_so_meanwhile(sam, three_texts, monkeypatch):
    export = queued(monkeypatch, sam)
    monkeypatch.setattr("server.signs_of_life.EVERY", timedelta(milliseconds=10))
    ours = Export.objects.filter(pk=export.pk)
    waited = timezone.now() + timedelta(seconds=20)
    with signs_of_life(ours, field="seen_at"):
        while not ours.filter(seen_at__isnull=False).exists():
            assert timezone.now() < waited


def test_a_worker_that_was_taken_for_dead_neither_finishes_nor_spoils_what_another_made(sam, three_texts, monkeypatch, left_over):
    export = queued(monkeypatch, sam)

    def another_takes_over():
        resume_stalled_exports(now=later())
        make_export(export_id=export.pk)

    meanwhile(monkeypatch, another_takes_over, after=2)
    export = made(export)
    assert (export.status, export.attempts) == (ExportStatus.FINISHED, 2)
    assert left_over() == {export.file}
    assert len(values_in(file_of(export))) == 3
    assert AuditEntry.objects.filter(action="export.finished").count() == 1


def test_a_database_that_went_away_is_no_failure(sam, three_texts, monkeypatch):
    def goes_away():
        raise OperationalError("the connection is closed")

    export = queued(monkeypatch, sam)
    meanwhile(monkeypatch, goes_away, after=2)
    assert made(export).status == ExportStatus.RUNNING
    assert resume_stalled_exports(now=later()) == 1
    assert made(export).status == ExportStatus.FINISHED


def test_after_three_attempts_it_is_given_up(sam, three_texts, monkeypatch):
    export = queued(monkeypatch, sam)
    for _ in range(3):
        meanwhile(monkeypatch, dies, after=1)
        with pytest.raises(SystemExit):
            make_export(export_id=export.pk)
        resume_stalled_exports(now=later())
    export.refresh_from_db()
    assert export.status == ExportStatus.FAILED


def test_a_task_that_was_lost_is_queued_again(sam, three_texts, monkeypatch):
    queued(monkeypatch, sam)
    DBTaskResult.objects.all().delete()
    assert resume_stalled_exports(now=NOW + LOST_AFTER - timedelta(seconds=1)) == 0
    assert resume_stalled_exports(now=NOW + LOST_AFTER + timedelta(seconds=1)) == 1
    assert resume_stalled_exports(now=NOW + LOST_AFTER + timedelta(seconds=2)) == 0
    assert DBTaskResult.objects.count() == 1


def test_tasks_do_not_pile_up_while_there_is_no_worker(sam, three_texts, monkeypatch):
    queued(monkeypatch, sam)
    for days in range(3):
        assert resume_stalled_exports(now=NOW + timedelta(days=days)) == 0
    assert DBTaskResult.objects.count() == 1


def test_the_dispatcher_looks_after_them():
    assert {"resume stalled exports", "expire exports"} <= {chore.name for chore in CHORES}


# --- Files


def test_a_file_is_for_nobody_else_on_the_machine(sam, three_texts, exports_folder):
    export = export_of(sam)
    path = exports_folder / export.file
    assert path.stat().st_mode & 0o777 == 0o600
    assert str(export.uuid).replace("-", "") not in export.file


def test_a_file_is_gone_after_a_day(sam, three_texts, exports_folder):
    export = export_of(sam)
    nearly, over = (export.finished_at + timedelta(hours=24, seconds=seconds) for seconds in (-1, 0))
    assert open_export(export=export, user=sam, now=nearly).read()
    with pytest.raises(ExportGone):
        open_export(export=export, user=sam, now=over)
    assert expire_exports(now=nearly) == 0
    assert expire_exports(now=over) == 1
    export.refresh_from_db()
    assert export.status == ExportStatus.EXPIRED
    assert not (exports_folder / export.file).exists()


def test_files_that_nobody_knows_are_swept_away_and_others_files_are_not(sam, three_texts, exports_folder):
    export = export_of(sam)
    orphan, foreign = exports_folder / ("0" * 32), exports_folder / "notes.txt"
    orphan.touch()
    foreign.touch()
    expire_exports(now=NOW)
    assert not orphan.exists()
    assert foreign.exists()
    assert file_of(export)


def test_a_file_that_was_lost_is_gone(sam, three_texts, exports_folder):
    export = export_of(sam)
    (exports_folder / export.file).unlink()
    with pytest.raises(ExportGone):
        open_export(export=export, user=sam, now=NOW)


def test_a_persons_exports_of_the_last_day_newest_first(sam, ada, three_texts):
    ours = [request_export(user=sam, wanted=HistoryFilter(), format="csv", now=NOW + timedelta(hours=hours)) for hours in (0, 23)]
    export_of(ada)
    assert list(exports_of(sam, now=NOW + timedelta(hours=23))) == [ours[1], ours[0]]
    assert list(exports_of(sam, now=NOW + timedelta(hours=24))) == [ours[1]]


def test_a_file_is_called_by_its_minute_in_the_language_of_its_person(sam, three_texts):
    export = export_of(sam)
    assert file_name(export) == "fonal-messages-2026-11-23-1100.xlsx"
    export.language, export.format = "hu", "csv"
    assert file_name(export) == "fonal-uzenetek-2026-11-23-1100.csv"


# --- The audit log


def test_every_file_and_every_download_is_written_down_without_a_text(sam, three_texts):
    export = export_of(sam, direction="in")
    file_of(export)
    downloaded, finished = AuditEntry.objects.order_by("-pk")[:2]
    assert (finished.action, finished.actor, finished.target) == ("export.finished", sam, str(export.uuid))
    assert finished.detail == {
        "filter": {"direction": "in"},
        "filter_in_words": "direction: Incoming",
        "rows": 3,
        "sha256": export.sha256,
        "format": "xlsx",
    }
    assert (downloaded.action, downloaded.actor) == ("export.downloaded", sam)
    assert downloaded.detail == {"rows": 3, "sha256": export.sha256, "format": "xlsx"}
    assert SECRET not in json.dumps([entry.detail for entry in AuditEntry.objects.all()], ensure_ascii=False)


def test_a_refused_download_is_no_download(sam, ada, three_texts):
    export = export_of(sam)
    with pytest.raises(NotAllowedToExport):
        open_export(export=export, user=ada, now=NOW)
    assert not AuditEntry.objects.filter(action="export.downloaded").exists()


def test_the_number_of_statements_does_not_grow_with_the_rows(sam, boti_texts, django_assert_max_num_queries):
    for number in range(40):
        boti_texts(f"text {number}")
    with django_assert_max_num_queries(32):
        export_of(sam)
