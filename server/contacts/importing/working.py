"""What the task worker does with an import: have the file read, try it out, write it, take it back."""

from __future__ import annotations

import itertools
import json
import logging
from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.tasks import task
from django.utils import timezone

from server.accounts.models import User, record_audit
from server.contacts.importing import files, holding
from server.contacts.importing.entries import Fault, Reader
from server.contacts.importing.holding import Progress, TakenAway, finish, tell
from server.contacts.importing.planning import Outcome, Plan
from server.contacts.importing.problems import NotImportable, Problem, Reason
from server.contacts.importing.reading import read_file
from server.contacts.importing.rights import may_import
from server.contacts.importing.undoing import drop_unused_tags, take_back
from server.contacts.importing.writing import write
from server.contacts.models import ContactImport, ImportedContact, ImportState
from server.events.log import record
from server.events.models import Kind
from server.signs_of_life import signs_of_life

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from server.contacts.importing.entries import Entry

    type Line = list[Any]

logger = logging.getLogger(__name__)

MOST_ERRORS, MOST_PREVIEWED = 1000, 50
# What is written in one transaction: others wait for it a tenth of a second or two.
BATCH = 300


def work_later(one: ContactImport) -> None:
    """Have the task worker do what comes next. The task stands in the same database: with the caller's transaction, or not."""
    work_on_import.enqueue(one.pk)


@task(queue_name="exports")
def work_on_import(import_id: int) -> None:
    work_on(import_id=import_id, in_worker=True)


def work_on(*, import_id: int, in_worker: bool = False) -> None:
    """Do what the import's state asks for; nothing, when it asks for nothing or somebody else does it."""
    held = holding.claim(import_id)
    if held is None:
        return
    try:
        with signs_of_life(holding.ours(held), field="alive_at") if in_worker else nullcontext():
            _WORK[ImportState(held.state)](held)
    except NotImportable as refusal:
        _give_up(held, refusal.code)
    except TakenAway:
        logger.info("import %s was taken away", held.uuid)
    except (OperationalError, InterfaceError):
        # What stands still is taken up again (resume_stalled_imports).
        logger.exception("import %s stopped after %s rows", held.uuid, held.rows_done)
    except Exception:
        logger.exception("import %s failed after %s rows", held.uuid, held.rows_done)
        _give_up(held, Problem.INTERRUPTED)


# --- The dry run


def _check(held: ContactImport) -> None:
    progress, counts = Progress(held), Counter[str]()
    faults: list[dict[str, object]] = []
    preview: list[dict[str, Any]] = []
    seen: dict[str, int] = {}
    done = 0
    for lines in itertools.batched(_lines(held), BATCH * 2, strict=False):
        plan, broken = _planned(held, lines, seen)
        _count(counts, plan, broken)
        faults += _faults(plan, broken)
        room = MOST_PREVIEWED - len(preview)
        preview += [_previewed(step) for step in plan.steps if step.outcome in {Outcome.CHANGED, Outcome.NEW}][: max(0, room)]
        done += len(lines)
        progress.reach(rows_done=done)
    with files.new_file(held.kept_as, files.FOUND) as found:
        found.write(json.dumps({"preview": preview, "errors": faults}, ensure_ascii=False).encode())
    now = timezone.now()
    with transaction.atomic():
        finish(held, ImportState.CHECKED, now, rows_done=done, rows_total=done, errors=faults[:MOST_ERRORS], **_as_fields(counts))
        tell(held, now)


def _previewed(step: Any) -> dict[str, Any]:
    return {
        "row": step.row,
        "number": step.number,
        "name": step.name,
        "changes": step.changes,
        "is_new": step.outcome == Outcome.NEW,
    }


# --- The import


def _run(held: ContactImport) -> None:
    _require_rights(held)
    progress, seen = Progress(held), dict[str, int]()
    counts = Counter[str]({name.value: getattr(held, f"{name.value}_count") for name in Outcome})
    faults = list(held.errors)
    all_lines = _lines(held)
    # Done by a worker before this one: only which numbers there were is needed.
    for lines in itertools.batched(itertools.islice(all_lines, held.rows_done), BATCH, strict=False):
        for entry in _entries(held, lines)[0]:
            seen.update((number, entry.row) for number in entry.numbers if number not in seen)
    for lines in itertools.batched(all_lines, BATCH, strict=False):
        entries = _entries(held, lines)
        for is_last in (False, False, True):
            try:
                _write_batch(held, entries, len(lines), seen, counts, faults, progress)
                break
            except IntegrityError:
                # Somebody texted for the first time at this very moment.
                if is_last:
                    raise
    _finish_run(held)


def _write_batch(
    held: ContactImport,
    entries: tuple[list[Entry], list[Fault]],
    rows: int,
    seen: dict[str, int],
    counts: Counter[str],
    faults: list[dict[str, object]],
    progress: Progress,
) -> None:
    good, broken = entries
    rows_before = held.rows_done
    mentioned = [number for entry in good for number in entry.numbers if number not in seen]
    try:
        with transaction.atomic():
            plan = Plan(subscriber=held.subscriber, mode=_mode(held), seen=seen, now=timezone.now()).make(good)
            write(held, plan.touched())
            counts_now, faults_now = Counter(counts), [*faults, *_faults(plan, broken)][:MOST_ERRORS]
            _count(counts_now, plan, broken)
            progress.keep(rows_done=held.rows_done + rows, errors=faults_now, **_as_fields(counts_now))
    except IntegrityError:
        for number in mentioned:
            seen.pop(number, None)
        held.rows_done = rows_before
        raise
    counts.clear()
    counts.update(counts_now)
    faults[:] = faults_now


def _finish_run(held: ContactImport) -> None:
    now = timezone.now()
    with transaction.atomic():
        # Samples are people's names and numbers: kept no longer than they are needed.
        finish(held, ImportState.DONE, now, columns=[], finished_at=now)
        record_audit(
            action="contacts.imported",
            at=now,
            actor=held.user,
            subscriber=held.subscriber,
            target=str(held.uuid),
            made=held.new_count,
            changed=held.changed_count,
            errors=held.error_count,
        )
        tell(held, now)
        announce(held)
    files.delete_files(held.kept_as)


def announce(one: ContactImport) -> None:
    """Many names changed at once; last in the transaction."""
    if ImportedContact.objects.filter(source=one).exists() or one.state == ImportState.UNDONE:
        record(subscriber_id=one.subscriber_id, kind=Kind.PHONEBOOK_CHANGED, at=timezone.now())


def _require_rights(held: ContactImport) -> None:
    user = User.objects.get(pk=held.user_id)
    if user.subscriber_id != held.subscriber_id or not may_import(user):
        raise NotImportable(Problem.NOT_ALLOWED)


# --- The undo


def _undo(held: ContactImport) -> None:
    progress = Progress(held)
    done = Counter[str](held.mapping.get("undone", {}))
    tags = set(held.mapping.get("tags", []))
    while rows := list(ImportedContact.objects.filter(source=held).order_by("-pk")[:BATCH]):
        tags |= {tag for row in rows for tag in row.after.get("tags", [])}
        with transaction.atomic():
            done_now = done + take_back(rows)
            mapping = held.mapping | {"undone": done_now, "tags": sorted(tags)}
            progress.keep(rows_done=min(held.rows_total, held.rows_done + len(rows)), mapping=mapping)
        done = done_now
    now = timezone.now()
    with transaction.atomic():
        drop_unused_tags(held, tags)
        finish(held, ImportState.UNDONE, now, finished_at=now)
        record_audit(
            action="contacts.import_undone",
            at=now,
            actor=User.objects.filter(pk=held.mapping.get("undone_by")).first() or held.user,
            subscriber=held.subscriber,
            target=str(held.uuid),
            **{name: done[name] for name in ("deleted", "restored", "kept")},
        )
        tell(held, now)
        announce(held)


# --- Rows, entries, counts


def _lines(held: ContactImport) -> Iterator[Line]:
    with files.open_file(held.kept_as, files.ROWS) as rows:
        lines = map(json.loads, rows)
        yield from itertools.islice(lines, int(bool(held.mapping.get("has_heading"))), None)


def _entries(held: ContactImport, lines: Iterable[Line]) -> tuple[list[Entry], list[Fault]]:
    reader = Reader(
        fields=held.mapping["fields"],
        headings=[_title_of(held, at) for at in range(len(held.columns))],
        country=held.subscriber.country,
        extra_tag=held.tag,
    )
    good, broken = [], []
    for number, texts, *reason in lines:
        try:
            if reason:
                raise Fault(number, Reason(reason[0]))
            good.append(reader.entry_of(number, texts))
        except Fault as fault:
            broken.append(fault)
    return good, broken


def _title_of(held: ContactImport, at: int) -> str:
    """What the file calls a column; a vCard's have names of ours."""
    if held.format == "vcf" or held.mapping.get("has_heading"):
        return str(held.columns[at]["heading"])
    return str(at + 1)


def _planned(held: ContactImport, lines: Iterable[Line], seen: dict[str, int]) -> tuple[Plan, list[Fault]]:
    good, broken = _entries(held, lines)
    return Plan(subscriber=held.subscriber, mode=_mode(held), seen=seen, now=timezone.now()).make(good), broken


def _mode(held: ContactImport) -> str:
    return str(held.mapping.get("mode", ""))


def _count(counts: Counter[str], plan: Plan, broken: list[Fault]) -> None:
    counts.update(step.outcome.value for step in plan.steps)
    counts[Outcome.ERROR.value] += len(broken)


def _as_fields(counts: Counter[str]) -> dict[str, int]:
    return {f"{outcome.value}_count": counts[outcome.value] for outcome in Outcome}


def _faults(plan: Plan, broken: list[Fault]) -> list[dict[str, object]]:
    found = [*broken, *(step.fault for step in plan.steps if step.fault)]
    return [fault.as_json() for fault in sorted(found, key=lambda fault: fault.row)]


def _give_up(held: ContactImport, problem: str) -> None:
    now = timezone.now()
    try:
        with transaction.atomic():
            finish(held, ImportState.FAILED, now, problem=problem, columns=[], finished_at=now)
            tell(held, now)
            announce(held)
    except TakenAway:
        return
    files.delete_files(held.kept_as)


_WORK = {
    ImportState.UPLOADED: read_file,
    ImportState.CHECKING: _check,
    ImportState.RUNNING: _run,
    ImportState.UNDOING: _undo,
}
