"""Making an export's file: small ones while the person waits, larger ones in a task worker of their own.

Whoever makes one has claimed it by a conditional UPDATE and writes to a file of a name of its own; each statement
of progress asks for that name again. So a cancel is noticed, and a worker that was taken for dead and is not can
neither finish nor spoil what another makes.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import time
import uuid
from contextlib import nullcontext
from datetime import timedelta
from typing import IO, TYPE_CHECKING, Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F
from django.tasks import task
from django.utils import timezone, translation

from server.accounts.models import User
from server.history.cells import Sum
from server.history.columns import headings
from server.history.delimited import Delimited
from server.history.described import described
from server.history.export_files import delete_file, new_file, path_of
from server.history.export_log import tell, write_down
from server.history.filter import ABOUT_PEOPLE, HistoryFilter
from server.history.models import Export, ExportFormat, ExportProblem, ExportStatus
from server.history.passport import passport_of
from server.history.patience import is_cut_off
from server.history.reading_ahead import patient_database, read_ahead, read_patiently
from server.history.rights import may_take
from server.history.rows import rows
from server.history.sheets import Sheets
from server.history.tabulation import Tabulation, time_of
from server.signs_of_life import signs_of_life

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from server.messaging.models import MessageQuerySet

logger = logging.getLogger(__name__)

KEPT_FOR = timedelta(hours=24)
PROGRESS_EVERY = 1.0


class _TakenAway(Exception):
    """It was cancelled meanwhile, or another worker has taken it over."""


class _NoLongerAllowed(Exception):
    """The person has lost a right, or a line, since it was asked for."""


class _RowsMissing(Exception):
    """There are more rows than were read: somebody lost a line for a moment."""


def make_later(export: Export) -> None:
    """Have the task worker make it. The task stands in the same database: with the caller's transaction it is there, or not."""
    make_in_worker.enqueue(export.pk)


@task(queue_name="exports")
def make_in_worker(export_id: int) -> None:
    make_export(export_id=export_id, in_worker=True)


def make_export(*, export_id: int, in_worker: bool = False) -> None:
    """Make the file of a queued export; nothing, when it is not queued any more or somebody else makes it.

    Only in a worker does that take more connections to the database than one: requests that each hold one, and wait for
    another of the same pool, would wait for each other.
    """
    export = _claim(export_id)
    if export is None:
        return
    try:
        with translation.override(export.language), signs_of_life(_ours(export), field="seen_at") if in_worker else nullcontext():
            _finish(export, _written(export, in_worker=in_worker))
    except _NoLongerAllowed:
        delete_file(export.file)
        _give_up(export, ExportProblem.NOT_ALLOWED)
    except _TakenAway:
        logger.info("export %s was taken away after %s rows", export.uuid, export.rows_done)
        delete_file(export.file)
    except Exception as problem:
        delete_file(export.file)
        if _may_pass(problem):
            # What stands still is taken up again (resume_stalled_exports).
            logger.exception("export %s stopped after %s rows", export.uuid, export.rows_done)
        else:
            logger.exception("export %s failed after %s rows", export.uuid, export.rows_done)
            _give_up(export, _known(problem))
    except BaseException:
        # The process is told to leave.
        delete_file(export.file)
        raise


def _may_pass(problem: Exception) -> bool:
    """Whether it may go well the next time: the database was away, or rows were missing."""
    return isinstance(problem, (_RowsMissing, OperationalError, InterfaceError)) and not is_cut_off(problem.__cause__)


def _known(problem: Exception) -> str:
    if is_cut_off(problem.__cause__):
        return ExportProblem.TOO_LARGE
    if isinstance(problem, OSError) and problem.errno in {errno.ENOSPC, errno.EDQUOT}:
        return ExportProblem.NO_ROOM
    return ""


def _require_rights(export: Export) -> None:
    user = User.objects.select_related("subscriber__activation").get(pk=export.user_id)
    if user.subscriber_id != export.subscriber_id or not may_take(user, export.line_ids):
        raise _NoLongerAllowed


def _claim(export_id: int) -> Export | None:
    now = timezone.now()
    file = uuid.uuid4().hex
    with transaction.atomic():
        queued = Export.objects.filter(pk=export_id, status=ExportStatus.QUEUED)
        ours = queued.update(
            status=ExportStatus.RUNNING,
            file=file,
            attempts=F("attempts") + 1,
            rows_done=0,
            started_at=now,
            seen_at=now,
        )
        return Export.objects.select_related("user__subscriber", "subscriber").get(pk=export_id) if ours else None


def _written(export: Export, *, in_worker: bool) -> dict[str, Any]:
    """Write the file; what is known of it then, as fields of the export."""
    wanted = HistoryFilter.read(export.values)
    with patient_database():
        # Only of lines that are on the list: the file is taken from whoever loses one of them.
        found = rows(export.user, wanted, now=export.created_at).filter(line__in=export.line_ids)
        export.rows_expected = found.order_by().count()
    _require_rights(export)
    progress = _Progress(export)
    progress.say()
    with new_file(export.file) as file:
        made = _write_rows(export, found, file, progress, oldest_first=wanted.oldest_first, in_worker=in_worker)
    _require_all(export, found)
    path = path_of(export.file)
    with path.open("rb") as file:
        return {**made, "file_sha256": hashlib.file_digest(file, "sha256").hexdigest(), "file_size": path.stat().st_size}


def _require_all(export: Export, found: MessageQuerySet) -> None:
    """Each batch asks for the person's lines anew; a line lost for a moment, and rows are missing."""
    if export.rows_done >= export.rows_expected:
        return
    _require_rights(export)
    # What came in meanwhile is not missing: where the newest are first, it stands before them.
    latest = max(at for at in (export.started_at, export.last_at) if at)
    with patient_database():
        if found.order_by().filter(created_at__lte=latest).count() > export.rows_done:
            raise _RowsMissing


def _write_rows(
    export: Export, found: MessageQuerySet, file: IO[bytes], progress: _Progress, *, oldest_first: bool, in_worker: bool
) -> dict[str, Any]:
    zone = export.subscriber.timezone
    tabulation, total = Tabulation(timezone=zone), Sum()
    titles = headings(timezone=zone)
    target: Sheets | Delimited = (
        Sheets(file, headings=titles)
        if export.format == ExportFormat.XLSX
        else Delimited(file, headings=titles, language=export.language)
    )
    first = last = None
    read = tabulation.batches(found, oldest_first=oldest_first)
    with target, read_ahead(read) if in_worker else nullcontext(read_patiently(read)) as batches:
        for batch in batches:
            first, last = first or time_of(batch[0]), time_of(batch[-1])
            page = tabulation.page(batch)
            target.write(page)
            total.add(page.whole_lines())
            progress.reach(export.rows_done + len(batch))
    export.sha256 = total.value
    export.first_at, export.last_at = (first, last) if oldest_first else (last, first)
    target.close(passport=passport_of(export, filter_in_words(export)), author=str(export.user), at=export.created_at)
    return {
        "sha256": export.sha256,
        "timezone": zone,
        "first_at": export.first_at,
        "last_at": export.last_at,
        "rows_done": export.rows_done,
    }


def filter_in_words(export: Export) -> list[str]:
    """The conditions under which its rows were chosen, in the language that is active."""
    return [words for _name, words in described(HistoryFilter.read(export.values), export.user)]


def _of_filter(export: Export) -> dict[str, Any]:
    """As the audit log keeps it: partners only by their ids."""
    wanted = _wanted_by(export)
    said = described(wanted.without(*ABOUT_PEOPLE, "contact", "conversation"), export.user)
    return {"filter": wanted.impersonal_values, "filter_in_words": "; ".join(words for _name, words in said)}


def _wanted_by(export: Export) -> HistoryFilter:
    return HistoryFilter.read(export.values)


class _Progress:
    """Says about once a second how far it has got, and learns by that whether to go on."""

    def __init__(self, export: Export) -> None:
        self._export = export
        self._said_at = time.monotonic()

    def reach(self, rows_done: int) -> None:
        self._export.rows_done = rows_done
        if time.monotonic() - self._said_at >= PROGRESS_EVERY:
            self.say()

    @transaction.atomic
    def say(self) -> None:
        now, export = timezone.now(), self._export
        expected = max(export.rows_done, export.rows_expected)
        if not _ours(export).update(rows_done=export.rows_done, rows_expected=expected, seen_at=now):
            raise _TakenAway
        tell(export, now)
        self._said_at = time.monotonic()


@transaction.atomic
def _finish(export: Export, made: dict[str, Any]) -> None:
    _require_rights(export)
    now = timezone.now()
    finished = _ours(export).update(
        **made,
        status=ExportStatus.FINISHED,
        rows_expected=made["rows_done"],
        seen_at=now,
        finished_at=now,
        expires_at=now + KEPT_FOR,
    )
    if not finished:
        # A cancel that came in time wins.
        raise _TakenAway
    write_down(
        "export.finished",
        export,
        export.user,
        now,
        **_of_filter(export),
        rows=made["rows_done"],
        sha256=made["sha256"],
        format=export.format,
    )
    tell(export, now)


@transaction.atomic
def _give_up(export: Export, problem: str) -> None:
    now = timezone.now()
    if _ours(export).update(status=ExportStatus.FAILED, problem=problem, finished_at=now):
        write_down("export.failed", export, export.user, now, filter=_wanted_by(export).impersonal_values, problem=problem)
        tell(export, now)


def _ours(export: Export) -> QuerySet[Export]:
    return Export.objects.filter(pk=export.pk, status=ExportStatus.RUNNING, file=export.file)
