"""Files of contacts: handed in, matched, imported, cancelled, taken back."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import IO, TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from server import sms
from server.accounts.models import record_audit
from server.contacts.importing import files
from server.contacts.importing.columns import Field, Mode
from server.contacts.importing.holding import FIRST, NOTHING_COUNTED, tell
from server.contacts.importing.opening import format_of
from server.contacts.importing.problems import NotImportable, Problem
from server.contacts.importing.rights import may_import
from server.contacts.importing.working import announce, work_later
from server.contacts.models import ContactImport, ImportedContact, ImportState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from server.accounts.models import Subscriber, User

MOST_UNFINISHED = 10
UNDONE_WITHIN = timedelta(days=7)
WAITING = (ImportState.READ, ImportState.CHECKED)
CANCELLABLE = (ImportState.UPLOADED, ImportState.READ, ImportState.CHECKING, ImportState.CHECKED, ImportState.RUNNING)
OVER = (ImportState.DONE, ImportState.CANCELLED, ImportState.FAILED)


class NotAllowedToImport(Exception):
    """Only supervisors and administrators bring contacts in, or take them back."""


class NotNow(Exception):
    """The import is not at the step for that, or another tab was quicker."""


class AlreadyImporting(Exception):
    """Another import of the company is being written: one at a time."""


class NoColumnForNumbers(Exception):
    """Without a telephone number there is no contact."""


class CannotUndo(Exception):
    """It is not the newest one, too long ago, or there is nothing to take back."""


def hand_in(*, user: User, file_name: str, upload: IO[bytes], now: datetime) -> ContactImport:
    """Keep a file and have it read; raises NotAllowedToImport, and NotImportable for what nobody should open."""
    _require_rights(user)
    subscriber = user.subscriber
    if subscriber is None:
        raise NotAllowedToImport
    format_ = format_of(upload)
    _require_room(subscriber)
    name = files.keep(iter(lambda: upload.read(1 << 16), b""))
    try:
        with transaction.atomic():
            made = ContactImport.objects.create(
                subscriber=subscriber,
                user=user,
                file_name=" ".join(sms.storable(file_name).split())[-200:],
                kept_as=name,
                format=format_,
                worker=FIRST,
                alive_at=now,
                created_at=now,
            )
            work_later(made)
            tell(made, now)
    except BaseException:
        files.delete_files(name)
        raise
    return made


def match_columns(
    *, one: ContactImport, user: User, fields: Sequence[str], has_heading: bool, mode: Mode, tag: str, now: datetime
) -> None:
    """Say what its columns are, and have it tried out. Raises NotAllowedToImport, NoColumnForNumbers and NotNow."""
    _require_rights(user)
    if one.format == "vcf":
        fields, has_heading = one.mapping["fields"], False
    if Field.NUMBER not in fields:
        raise NoColumnForNumbers
    mapping = {"fields": list(fields), "has_heading": has_heading, "mode": mode.value}
    values = {"mapping": mapping, "tag": " ".join(sms.storable(tag).split())[:40], "rows_done": 0}
    _go_on(one, WAITING, ImportState.CHECKING, now, **values)


def start_import(*, one: ContactImport, user: User, now: datetime) -> None:
    """Write what the dry run has shown. Raises NotAllowedToImport, NotNow and AlreadyImporting."""
    _require_rights(user)
    _go_on(one, (ImportState.CHECKED,), ImportState.RUNNING, now, rows_done=0, errors=[], **NOTHING_COUNTED)


def cancel_import(*, one: ContactImport, user: User, now: datetime) -> bool:
    """Stop it, if it is not over; what was written by then stays, and can be taken back."""
    _require_rights(user)
    with transaction.atomic():
        was_running = ContactImport.objects.filter(pk=one.pk, state=ImportState.RUNNING)
        others = ContactImport.objects.filter(pk=one.pk, state__in=CANCELLABLE)
        over = {"state": ImportState.CANCELLED, "worker": "", "columns": [], "finished_at": now}
        cancelled = was_running.update(**over) or others.update(**over, **NOTHING_COUNTED, errors=[])
        if cancelled:
            one.refresh_from_db()
            record_audit(
                action="contacts.import_cancelled",
                at=now,
                actor=user,
                subscriber=one.subscriber,
                target=str(one.uuid),
                made=one.new_count,
                changed=one.changed_count,
            )
            tell(one, now)
            announce(one)
    if cancelled:
        files.delete_files(one.kept_as)
    return bool(cancelled)


def undo_import(*, one: ContactImport, user: User, now: datetime) -> None:
    """Take the newest import back. Raises NotAllowedToImport, CannotUndo, NotNow and AlreadyImporting."""
    _require_rights(user)
    if not can_undo(one, now=now):
        raise CannotUndo
    total = ImportedContact.objects.filter(source=one).count()
    mapping = one.mapping | {"undone_by": user.pk}
    _go_on(one, OVER, ImportState.UNDOING, now, rows_done=0, rows_total=total, mapping=mapping)


def can_undo(one: ContactImport, *, now: datetime) -> bool:
    """Whether it is the newest of the company's that brought anything, and not longer ago than a week."""
    if one.state not in OVER or one.finished_at is None or one.finished_at < now - UNDONE_WITHIN:
        return False
    newest = with_contacts(ContactImport.objects.filter(subscriber=one.subscriber_id)).order_by("-finished_at", "-pk").first()
    return newest is not None and newest.pk == one.pk


def with_contacts(imports: QuerySet[ContactImport]) -> QuerySet[ContactImport]:
    """Those that brought something that is not taken back yet."""
    return imports.filter(Exists(ImportedContact.objects.filter(source=OuterRef("pk"))))


def imports_of(subscriber: Subscriber) -> QuerySet[ContactImport]:
    """A company's, newest first."""
    return ContactImport.objects.filter(subscriber=subscriber).select_related("user").order_by("-created_at", "-pk")


def found_by_dry_run(one: ContactImport) -> dict[str, Any]:
    """What it would do, and all that is wrong: {"preview": […], "errors": […]}; the first thousand errors outlive the file."""
    try:
        with files.open_file(one.kept_as, files.FOUND) as found:
            return dict(json.load(found))
    except (NotImportable, ValueError):
        return {"preview": [], "errors": one.errors}


def _go_on(one: ContactImport, old: Sequence[ImportState], new: ImportState, now: datetime, **values: Any) -> None:
    try:
        with transaction.atomic():
            taken = ContactImport.objects.filter(pk=one.pk, state__in=old)
            if not taken.update(state=new, worker=FIRST, alive_at=now, **values):
                raise NotNow
            one.refresh_from_db()
            work_later(one)
            tell(one, now)
    except IntegrityError:
        raise AlreadyImporting from None


def _require_room(subscriber: Subscriber) -> None:
    """Others use the same disk and the same worker."""
    if ContactImport.objects.filter(subscriber=subscriber, state__in=CANCELLABLE).count() >= MOST_UNFINISHED:
        raise NotImportable(Problem.TOO_MANY_FILES)
    if not files.has_room():
        raise NotImportable(Problem.NO_ROOM)


def _require_rights(user: User) -> None:
    if not may_import(user):
        raise NotAllowedToImport
