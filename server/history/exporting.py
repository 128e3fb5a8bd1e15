"""Messages as a file: asked for, taken away, cancelled."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from server.history.export_files import path_of
from server.history.export_log import tell, write_down
from server.history.making import KEPT_FOR, make_export, make_later
from server.history.models import UNFINISHED, Export, ExportFormat, ExportStatus
from server.history.rights import line_ids_of, may_export, may_take
from server.history.rows import rows

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from server.accounts.models import User
    from server.history.filter import HistoryFilter

# As many are made while the person waits.
SMALL = 2000


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


def request_export(*, user: User, wanted: HistoryFilter, format: ExportFormat, now: datetime) -> Export:  # noqa: A002
    """Have the messages of a filter made into a file for a person, in the person's language.

    Few come back finished (or failed), more come back queued. Raises NotAllowedToExport,
    NothingToExport and AlreadyExporting.
    """
    if not may_export(user):
        raise NotAllowedToExport
    few = rows(user, wanted, now=now).order_by()[: SMALL + 1].count()
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
            # Only its owner is let near it.
            write_down("export.cancelled", export, export.user, now, rows=export.rows_done, format=export.format)
            tell(export, now)
    export.refresh_from_db()
    return bool(cancelled)


def open_export(*, export: Export, user: User, now: datetime) -> IO[bytes]:
    """The file, for whom it was made and who may still see all that is in it; raises NotAllowedToExport and ExportGone."""
    if export.user_id != user.pk or export.subscriber_id != user.subscriber_id or not may_take(user, export.line_ids):
        raise NotAllowedToExport
    if export.status != ExportStatus.FINISHED or export.expires_at is None or export.expires_at <= now:
        raise ExportGone
    try:
        file = path_of(export.file).open("rb")
    except FileNotFoundError:
        raise ExportGone from None
    write_down("export.downloaded", export, user, now, rows=export.rows_done, sha256=export.sha256, format=export.format)
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
    """What the browser calls it, by the minute in which it was asked for: fonal-uzenetek-2026-11-23-1042.xlsx"""
    with translation.override(export.language):
        asked_at = timezone.localtime(export.created_at, ZoneInfo(export.subscriber.timezone))
        # Not within the f-string: the words of one are not collected for translation.
        name = _("fonal-messages")
        return f"{name}-{asked_at:%Y-%m-%d-%H%M}.{export.format}"


def _queue(user: User, wanted: HistoryFilter, format: ExportFormat, few: int, now: datetime) -> Export:  # noqa: A002
    export = Export(
        subscriber=user.subscriber,
        user=user,
        values=wanted.values,
        format=format,
        language=user.language,
        line_ids=line_ids_of(user),
        rows_expected=few,
        created_at=now,
    )
    try:
        with transaction.atomic():
            export.save(force_insert=True)
            if few > SMALL:
                make_later(export)
            tell(export, now)
    except IntegrityError:
        other = Export.objects.filter(user=user, status__in=UNFINISHED).first()
        if other is None:
            raise
        raise AlreadyExporting(other) from None
    return export
