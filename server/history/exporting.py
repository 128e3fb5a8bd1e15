"""Messages as a file: asked for, made, taken away, and gone after a day.

Small ones are made at once, larger ones by the task worker. Whoever makes one has claimed it by a conditional
UPDATE and writes to a file of a name of its own; each statement of progress asks for that name again. So a cancel
is noticed, and a worker that was taken for dead and is not can neither finish nor spoil what another makes.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import time
import uuid
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.core.files.storage import storages
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import F, Q
from django.tasks import task
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from server.accounts.models import User, record_audit
from server.events.log import record
from server.events.models import Kind
from server.history.cells import Sum
from server.history.columns import headings
from server.history.delimited import Delimited
from server.history.described import described
from server.history.filter import HistoryFilter
from server.history.models import UNFINISHED, Export, ExportFormat, ExportStatus
from server.history.passport import passport_of
from server.history.reading_ahead import patient_database, read_ahead
from server.history.rows import rows
from server.history.sheets import Sheets
from server.history.tabulation import Tabulation, time_of
from server.lines.models import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from server.messaging.models import MessageQuerySet

logger = logging.getLogger(__name__)

# As many are made while the person waits.
SMALL = 2000
KEPT_FOR = timedelta(hours=24)
PROGRESS_EVERY = 1.0
STALLED_AFTER = timedelta(seconds=30)
# A task may wait behind another export; a second one for the same export does nothing.
LOST_AFTER = timedelta(minutes=1)
MOST_ATTEMPTS = 3
_OUR_NAME = re.compile(r"[0-9a-f]{32}")


class NotAllowedToExport(Exception):
    """The person may not take messages away, or not these any more."""


class AlreadyExporting(Exception):
    """The person's other export is not finished: one at a time."""

    def __init__(self, export: Export) -> None:
        super().__init__(str(export))
        self.export = export


class NothingToExport(Exception):
    """No message meets the filter."""


class ExportGone(Exception):
    """There is no file: it is not finished, or its day is over."""


class _TakenAway(Exception):
    """It was cancelled meanwhile, or another worker has taken it over."""


def request_export(*, user: User, wanted: HistoryFilter, format: ExportFormat, now: datetime) -> Export:  # noqa: A002
    """Have the messages of a filter made into a file for a person, in the person's language.

    Few come back finished (or failed), more come back queued. Raises NotAllowedToExport,
    NothingToExport and AlreadyExporting.
    """
    if not _may_export(user):
        raise NotAllowedToExport
    few = rows(user, wanted).order_by()[: SMALL + 1].count()
    if not few:
        raise NothingToExport
    export = _queue(user, wanted, format, few, now)
    if few <= SMALL:
        make_export(export_id=export.pk)
        export.refresh_from_db()
    return export


def cancel_export(*, export: Export, now: datetime) -> bool:
    """Stop it, if it is not finished yet; whoever makes it notices within a second or two."""
    with transaction.atomic():
        cancelled = Export.objects.filter(pk=export.pk, status__in=UNFINISHED).update(
            status=ExportStatus.CANCELLED, finished_at=now
        )
        if cancelled:
            _tell(export, now)
    export.refresh_from_db()
    return bool(cancelled)


def open_export(*, export: Export, user: User, now: datetime) -> IO[bytes]:
    """The file, for whom it was made and who may still see all that is in it; raises NotAllowedToExport and ExportGone."""
    if export.user_id != user.pk or export.subscriber_id != user.subscriber_id or not _may_export(user):
        raise NotAllowedToExport
    if not set(export.line_ids) <= set(_line_ids(user)):
        raise NotAllowedToExport
    if export.status != ExportStatus.FINISHED or export.expires_at is None or export.expires_at <= now:
        raise ExportGone
    try:
        file = _path(export.file).open("rb")
    except FileNotFoundError:
        raise ExportGone from None
    _write_down("export.downloaded", export, user, now, rows=export.rows_done, sha256=export.sha256, format=export.format)
    return file


def exports_of(user: User, *, now: datetime) -> QuerySet[Export]:
    """A person's own of the last 24 hours, newest first."""
    return Export.objects.filter(user=user, created_at__gt=now - KEPT_FOR).order_by("-created_at", "-id")


def seconds_left(export: Export, *, now: datetime) -> int | None:
    """How long it will take from now at the pace so far; None while nobody knows."""
    if export.status != ExportStatus.RUNNING or not export.rows_done or export.started_at is None or export.seen_at is None:
        return None
    seconds_per_row = (export.seen_at - export.started_at).total_seconds() / export.rows_done
    left = (export.rows_expected - export.rows_done) * seconds_per_row - (now - export.seen_at).total_seconds()
    return max(0, round(left))


def file_name(export: Export) -> str:
    """What the browser calls it, by the day on which it was asked for: fonal-uzenetek-2026-11-23.xlsx"""
    with translation.override(export.language):
        day = timezone.localtime(export.created_at, ZoneInfo(export.subscriber.timezone))
        return f"{_('fonal-messages')}-{day:%Y-%m-%d}.{export.format}"


# --- Making


@task()
def make_in_worker(export_id: int) -> None:
    make_export(export_id=export_id)


def make_export(*, export_id: int) -> None:
    """Make the file of a queued export; nothing, when it is not queued any more or somebody else makes it."""
    export = _claim(export_id)
    if export is None:
        return
    try:
        with translation.override(export.language):
            _finish(export, _written(export))
    except _TakenAway:
        logger.info("export %s was taken away after %s rows", export.uuid, export.rows_done)
        _delete(export.file)
    except (OperationalError, InterfaceError):
        # The database is away: what stands still is taken up again (resume_stalled_exports).
        logger.exception("export %s stopped after %s rows", export.uuid, export.rows_done)
        _delete(export.file)
    except Exception:
        logger.exception("export %s failed after %s rows", export.uuid, export.rows_done)
        _delete(export.file)
        _give_up(export)
    except BaseException:
        # The process is told to leave.
        _delete(export.file)
        raise


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


def _written(export: Export) -> dict[str, Any]:
    """Write the file; what is known of it then, as fields of the export."""
    wanted = HistoryFilter.read(export.values)
    with patient_database():
        # Only of lines that are on the list: the file is taken from whoever loses one of them.
        found = rows(export.user, wanted).filter(line__in=export.line_ids)
        export.rows_expected = found.order_by().count()
    progress = _Progress(export)
    progress.say()
    with _new_file(export.file) as file:
        made = _write_rows(export, found, file, progress, oldest_first=wanted.oldest_first)
    path = _path(export.file)
    with path.open("rb") as file:
        return {**made, "file_sha256": hashlib.file_digest(file, "sha256").hexdigest(), "file_size": path.stat().st_size}


def _write_rows(
    export: Export, found: MessageQuerySet, file: IO[bytes], progress: _Progress, *, oldest_first: bool
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
    with target, read_ahead(tabulation.batches(found, oldest_first=oldest_first)) as batches:
        for batch in batches:
            first, last = first or time_of(batch[0]), time_of(batch[-1])
            page = tabulation.page(batch)
            target.write(page)
            total.add(page.whole_lines())
            progress.reach(export.rows_done + len(batch))
    export.sha256 = total.value
    export.first_at, export.last_at = (first, last) if oldest_first else (last, first)
    target.close(passport=passport_of(export, filter_in_words(export)), author=str(export.user), at=export.created_at)
    return {"sha256": export.sha256, "first_at": export.first_at, "last_at": export.last_at, "rows_done": export.rows_done}


def filter_in_words(export: Export) -> list[str]:
    """The conditions under which its rows were chosen, in the language that is active."""
    return [words for _name, words in described(HistoryFilter.read(export.values), export.user)]


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
        _tell(export, now)
        self._said_at = time.monotonic()


@transaction.atomic
def _finish(export: Export, made: dict[str, Any]) -> None:
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
    _write_down(
        "export.finished",
        export,
        export.user,
        now,
        filter=export.values,
        filter_in_words="; ".join(filter_in_words(export)),
        rows=made["rows_done"],
        sha256=made["sha256"],
        format=export.format,
    )
    _tell(export, now)


@transaction.atomic
def _give_up(export: Export) -> None:
    now = timezone.now()
    if _ours(export).update(status=ExportStatus.FAILED, finished_at=now):
        _tell(export, now)


# --- Looking after them


def resume_stalled_exports(*, now: datetime) -> int:
    """Queue again what nobody makes any more: its worker was killed, or its task was lost."""
    died = Export.objects.filter(status=ExportStatus.RUNNING, seen_at__lt=now - STALLED_AFTER)
    waiting = Export.objects.filter(status=ExportStatus.QUEUED)
    lost = waiting.filter(Q(seen_at=None, created_at__lt=now - LOST_AFTER) | Q(seen_at__lt=now - LOST_AFTER))
    return sum(_queue_again(export, now) for export in [*died, *lost])


def _queue_again(export: Export, now: datetime) -> bool:
    gives_up = export.status == ExportStatus.RUNNING and export.attempts >= MOST_ATTEMPTS
    with transaction.atomic():
        unchanged = Export.objects.filter(pk=export.pk, status=export.status, file=export.file, seen_at=export.seen_at)
        if gives_up:
            taken = unchanged.update(status=ExportStatus.FAILED, finished_at=now)
        else:
            taken = unchanged.update(status=ExportStatus.QUEUED, seen_at=now, rows_done=0)
        if not taken:
            return False
        if not gives_up:
            _enqueue_on_commit(export)
        _tell(export, now)
    _delete(export.file)
    logger.warning(
        "export %s stood still in attempt %s: %s", export.uuid, export.attempts, "failed" if gives_up else "queued again"
    )
    return True


def expire_exports(*, now: datetime) -> int:
    """Delete files whose day is over, and those that no export knows (any more)."""
    expired = 0
    for export in Export.objects.filter(status=ExportStatus.FINISHED, expires_at__lte=now):
        with transaction.atomic():
            ours = Export.objects.filter(pk=export.pk, status=ExportStatus.FINISHED).update(status=ExportStatus.EXPIRED)
            if ours:
                _tell(export, now)
        expired += ours
    _sweep()
    return expired


def _sweep() -> None:
    folder = _folder()
    if not folder.is_dir():
        return
    # In this order: a file is only made after its name is in the database.
    there = {path.name for path in folder.iterdir() if _OUR_NAME.fullmatch(path.name)}
    known = Export.objects.filter(status__in=[ExportStatus.RUNNING, ExportStatus.FINISHED], file__in=there)
    for name in there - set(known.values_list("file", flat=True)):
        _delete(name)


# --- Details of more than one of them


def _may_export(user: User) -> bool:
    return user.is_active and user.may_export and user.subscriber is not None and user.subscriber.has_sms


def _line_ids(user: User) -> list[int]:
    return list(Line.objects.visible_to(user).order_by("pk").values_list("pk", flat=True))


def _queue(user: User, wanted: HistoryFilter, format: ExportFormat, few: int, now: datetime) -> Export:  # noqa: A002
    export = Export(
        subscriber=user.subscriber,
        user=user,
        values=wanted.values,
        format=format,
        language=user.language,
        line_ids=_line_ids(user),
        rows_expected=few,
        created_at=now,
    )
    try:
        with transaction.atomic():
            export.save(force_insert=True)
            if few > SMALL:
                _enqueue_on_commit(export)
            _tell(export, now)
    except IntegrityError:
        other = Export.objects.filter(user=user, status__in=UNFINISHED).first()
        if other is None:
            raise
        raise AlreadyExporting(other) from None
    return export


def _enqueue_on_commit(export: Export) -> None:
    transaction.on_commit(lambda: make_in_worker.enqueue(export.pk), robust=True)


def _ours(export: Export) -> QuerySet[Export]:
    return Export.objects.filter(pk=export.pk, status=ExportStatus.RUNNING, file=export.file)


def _tell(export: Export, now: datetime) -> None:
    record(subscriber_id=export.subscriber_id, kind=Kind.EXPORT_CHANGED, at=now, user_id=export.user_id)


def _write_down(action: str, export: Export, actor: User, now: datetime, **detail: object) -> None:
    record_audit(action=action, at=now, actor=actor, subscriber=export.subscriber, target=str(export.uuid), **detail)


# --- Files: names that nobody guesses, for the owner of the process only


def _folder() -> Path:
    return Path(storages["exports"].path(""))


def _path(name: str) -> Path:
    return _folder() / name


@contextmanager
def _new_file(name: str) -> Iterator[IO[bytes]]:
    _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(_path(name), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b", buffering=1 << 20) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _delete(name: str) -> None:
    if name:
        with suppress(FileNotFoundError):
            _path(name).unlink()
