"""Reading an uploaded file of contacts, once, into plain rows, and guessing what its columns are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from server.contacts.importing import files
from server.contacts.importing.cards import FIELDS as FIELDS_OF_CARDS
from server.contacts.importing.cards import card_rows
from server.contacts.importing.columns import guesses, looks_headed
from server.contacts.importing.holding import Progress, finish, tell
from server.contacts.importing.problems import NotImportable, Problem, Reason
from server.contacts.importing.tables import delimited_rows, workbook_rows
from server.contacts.models import ImportState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from server.contacts.models import ContactImport

    type Line = list[Any]

MOST_ROWS, SAMPLES = 100_000, 5


def read_file(held: ContactImport) -> None:
    """Into lines of [number, texts], or [number, null, reason]; what follows reads those. Raises NotImportable, TakenAway."""
    progress, count = Progress(held), 0
    first: list[list[str]] = []
    with files.open_file(held.kept_as, files.UPLOAD) as upload, files.new_file(held.kept_as, files.ROWS) as rows:
        for count, line in enumerate(_lines_of(held.format, upload), start=1):
            if count > MOST_ROWS + 1:
                raise NotImportable(Problem.TOO_MANY_ROWS)
            rows.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            if len(first) <= SAMPLES and line[1]:
                first.append(line[1])
            progress.reach(rows_done=count)
    if not first and not count:
        raise NotImportable(Problem.NOTHING)
    columns, mapping = _matched(held.format, first)
    if count - bool(mapping["has_heading"]) > MOST_ROWS:
        raise NotImportable(Problem.TOO_MANY_ROWS)
    now = timezone.now()
    with transaction.atomic():
        finish(held, ImportState.READ, now, columns=columns, mapping=mapping, rows_total=count, rows_done=0)
        tell(held, now)
    files.delete_files(held.kept_as, files.UPLOAD)


def _lines_of(format_: str, upload: Any) -> Iterator[Line]:
    if format_ == "vcf":
        for number, texts in card_rows(upload):
            yield [number, None, texts.value] if isinstance(texts, Reason) else [number, texts]
        return
    for number, texts in workbook_rows(upload) if format_ == "xlsx" else delimited_rows(upload):
        yield [number, texts]


def _matched(format_: str, first: list[list[str]]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The columns with samples, and what they seem to be."""
    if format_ == "vcf":
        headings, fields, is_headed = [field.value for field in FIELDS_OF_CARDS], [field.value for field in FIELDS_OF_CARDS], False
    else:
        is_headed = looks_headed(first[0])
        width = max(map(len, first))
        headings = [(first[0][at] if at < len(first[0]) else "")[:80] for at in range(width)]
        fields = guesses(headings if is_headed else [""] * width, first[is_headed:])
    columns = [
        {"heading": heading, "samples": [row[at][:80] for row in first if at < len(row)]} for at, heading in enumerate(headings)
    ]
    return columns, {"has_heading": is_headed, "fields": fields}
