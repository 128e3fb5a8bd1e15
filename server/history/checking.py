"""Whether an uploaded file is one of ours, and whether its rows are as they were."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from itertools import batched, chain, islice
from typing import IO, TYPE_CHECKING

from server.history.cells import CELL_END, SECONDS_OF_DAY, Sum, as_texts
from server.history.columns import COLUMNS, Kind
from server.history.models import Export
from server.history.passport import LONGEST, UUID_WRITTEN, ids_in
from server.history.sheets import DAY_0
from server.history.tabulation import BATCH
from server.history.workbooks import NotReadable, Workbook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django.db.models import QuerySet

    from server.accounts.models import Subscriber
    from server.history.workbooks import Row, Value

_WIDTH = len(COLUMNS)
_ID = next(at for at, column in enumerate(COLUMNS) if column.key == "id")
# 31 December 9999: a spreadsheet knows no later day.
_LAST_DAY = 2_958_465


class Verdict(Enum):
    EXACT = "exact"
    UNCHANGED = "unchanged"
    CHANGED = "changed"
    NOT_OURS = "not ours"
    NOT_READABLE = "not readable"


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of it: our very file; its rows unchanged, though it was saved anew; changed; none of the company's; not readable.

    `export` is the one that the file was made by, where it is known.
    """

    verdict: Verdict
    export: Export | None = None


def check_file(*, upload: IO[bytes], name: str, subscriber: Subscriber, now: datetime) -> Checked:
    """Compare a file with the exports of the company.

    A .csv file is only known as it was. The rows of a workbook are summed up anew, in bounded memory;
    that takes about twenty seconds for a million of them.
    """
    ours = Export.objects.filter(subscriber=subscriber).exclude(sha256="")
    upload.seek(0)
    same = ours.filter(file_sha256=hashlib.file_digest(upload, "sha256").hexdigest()).first()  # type: ignore[arg-type]
    if same is not None:
        return Checked(Verdict.EXACT, same)
    if name.lower().endswith(".csv"):
        return Checked(Verdict.NOT_OURS)
    upload.seek(0)
    try:
        # One cell more, since a row may have grown.
        with Workbook(upload, width=_WIDTH + 1) as workbook:
            export = _export_of(workbook, ours)
            if export is None:
                return Checked(Verdict.NOT_OURS)
            return Checked(Verdict.UNCHANGED if _sum_of(workbook, export.rows_done) == export.sha256 else Verdict.CHANGED, export)
    except NotReadable:
        return Checked(Verdict.NOT_READABLE)


def _export_of(workbook: Workbook, ours: QuerySet[Export]) -> Export | None:
    """The export that one of the sheets is the passport of."""
    for sheet in range(len(workbook)):
        texts = [[cell.text for cell in row[:2] if cell] for row in islice(workbook.rows(sheet), LONGEST)]
        export = ours.filter(uuid__in=ids_in(texts)).first()
        if export is not None:
            return export
    return None


def _sum_of(workbook: Workbook, expected: int) -> str:
    """The sum of the data rows, or nothing when there are more than expected."""
    total = Sum()
    seen = 0
    rows = chain.from_iterable(_data_rows(workbook, sheet) for sheet in range(len(workbook)))
    for batch in batched(islice(rows, expected + 1), BATCH):
        # "surrogatepass": what is no character must not be taken for another one.
        total.add(CELL_END.join(row).encode("utf-8", "surrogatepass") for row in batch)
        seen += len(batch)
    return total.value if seen == expected else ""


def _data_rows(workbook: Workbook, sheet: int) -> Iterator[list[str]]:
    """The rows below the headings; none of a sheet that has none of ours, such as the passport or somebody's sums."""
    rows = workbook.rows(sheet)
    next(rows, None)
    first = next(rows, None)
    if first is not None and (cell := first[_ID]) and UUID_WRITTEN.fullmatch(cell.text):
        yield from (_texts(row) for row in chain([first], rows))


def _texts(row: Row) -> list[str]:
    texts = [_text(cell, column.kind) for cell, column in zip(row, COLUMNS, strict=False)]
    return [*texts, row[_WIDTH].text] if row[_WIDTH] else texts  # type: ignore[union-attr]


def _text(cell: Value | None, kind: Kind) -> str:
    if cell is None:
        return ""
    if cell.kind == "number" and kind is not Kind.TEXT and 1 <= (days := _number(cell.text)) <= _LAST_DAY:
        # To the nearest second: a spreadsheet counts in fractions of a day.
        return as_texts([round((days - DAY_0) * SECONDS_OF_DAY)])[0].decode()
    # A text that has become a formula or a number is none any more.
    return cell.text if cell.kind == "text" else f"{cell.kind}: {cell.text}"


def _number(written: str) -> float:
    try:
        return float(written)
    except ValueError:
        return -1
