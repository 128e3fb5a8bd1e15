"""Whether an uploaded file is one of ours, and whether its rows are as they were."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from itertools import batched, chain, islice
from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from django.utils import translation
from openpyxl.utils.datetime import to_excel

from server.history.cells import CELL_END, SECONDS_OF_DAY, Sum, as_texts
from server.history.columns import COLUMNS, Kind, headings
from server.history.models import Export
from server.history.passport import LONGEST, UUID_WRITTEN, ids_in
from server.history.sheets import DAY_0
from server.history.tabulation import BATCH
from server.spreadsheets import NotReadable, TooLarge, guarded, rows_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

    from server.accounts.models import Subscriber
    from server.spreadsheets import Cell

_WIDTH = len(COLUMNS)
_ID = next(at for at, column in enumerate(COLUMNS) if column.key == "id")
# 31 December 9999: a spreadsheet knows no later day.
_LAST_DAY = 2_958_465
# Stands for what is neither text nor time: no row of ours has one in a cell.
_FOREIGN = CELL_END


class Verdict(Enum):
    EXACT = "exact"
    UNCHANGED = "unchanged"
    CHANGED = "changed"
    NOT_OURS = "not ours"
    NOT_READABLE = "not readable"
    TOO_LARGE = "too large"


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of it: our very file; its rows unchanged, though it was saved anew; changed; none of the company's; not readable;
    none that we know as it is, and too large to be compared row by row.

    `export` is the one that the file was made by, where it is known.
    """

    verdict: Verdict
    export: Export | None = None


def check_file(*, upload: IO[bytes], name: str, subscriber: Subscriber) -> Checked:
    """Compare a file with the exports of the company.

    A .csv file is only known as it was, as is a large workbook. The rows of a smaller one are summed up anew.
    """
    ours = Export.objects.filter(subscriber=subscriber).exclude(sha256="")
    upload.seek(0)
    same = ours.filter(file_sha256=hashlib.file_digest(upload, "sha256").hexdigest()).first()  # type: ignore[arg-type]
    if same is not None:
        return Checked(Verdict.EXACT, same)
    if name.lower().endswith(".csv"):
        return Checked(Verdict.NOT_OURS)
    try:
        with guarded(upload) as workbook:
            export = _export_of(workbook, ours)
            if export is None:
                return Checked(Verdict.NOT_OURS)
            return Checked(Verdict.UNCHANGED if _sum_of(workbook, export) == export.sha256 else Verdict.CHANGED, export)
    except TooLarge:
        return Checked(Verdict.TOO_LARGE)
    except NotReadable:
        return Checked(Verdict.NOT_READABLE)


def _export_of(workbook: Workbook, ours: QuerySet[Export]) -> Export | None:
    """The export that one of the sheets is the passport of."""
    for sheet in workbook.worksheets:
        lines = [[text_of(cell) for cell in row] for row in islice(rows_of(sheet, width=2), LONGEST)]
        export = ours.filter(uuid__in=ids_in(lines)).first()
        if export is not None:
            return export
    return None


def _sum_of(workbook: Workbook, export: Export) -> str:
    """The sum of the data rows, or nothing when there are more than expected."""
    total, seen, expected = Sum(), 0, export.rows_done
    heads = _heads(export.timezone or export.subscriber.timezone)
    rows = chain.from_iterable(_data_rows(sheet, heads) for sheet in workbook.worksheets)
    for batch in batched(islice(rows, expected + 1), BATCH):
        # "surrogatepass": what is no character must not be taken for another one.
        total.add(CELL_END.join(row).encode("utf-8", "surrogatepass") for row in batch)
        seen += len(batch)
    return total.value if seen == expected else ""


def _heads(timezone: str) -> list[list[str | None]]:
    """The row of headings, in any of our languages, with the zone that the company had then; there is nothing beyond it."""
    heads: list[list[str | None]] = []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            heads.append([*headings(timezone=timezone), None])
    return heads


def _data_rows(sheet: ReadOnlyWorksheet, heads: list[list[str | None]]) -> Iterator[list[str]]:
    """The rows below the headings; none of a sheet that has none of ours, such as the passport or somebody's sums."""
    # One cell more, since a row may have grown.
    filled = (row for row in rows_of(sheet, width=_WIDTH + 1, gathers_rest=True) if any(cell.value is not None for cell in row))
    is_headed = [text_of(cell) for cell in next(filled, ())] in heads
    rows = filter(any, map(_texts, filled))
    first = next(rows, None)
    if not is_headed and (first is None or not UUID_WRITTEN.fullmatch(first[_ID])):
        return
    if not is_headed or sheet.sheet_state != "visible":
        # No row of ours: what nobody sees, or sees under another name, is not as it was.
        yield [_FOREIGN]
    if first is not None:
        yield from chain([first], rows)


def _texts(row: tuple[Cell, ...]) -> list[str]:
    texts = [_text(cell, column.kind) for cell, column in zip(row, COLUMNS, strict=False)]
    return texts if row[_WIDTH].value is None else [*texts, _FOREIGN]


def _text(cell: Cell, kind: Kind) -> str:
    if cell.value is None:
        return ""
    if kind is Kind.TEXT:
        text = text_of(cell)
        return _FOREIGN if text is None else text
    return _time(cell)


def _time(cell: Cell) -> str:
    if cell.data_type not in {"d", "n"}:
        return _FOREIGN
    # A time that is not shown as one is a number of days.
    days: Any = cell.value if cell.data_type == "n" else to_excel(cell.value)  # type: ignore[no-untyped-call]
    if not 1 <= days <= _LAST_DAY:
        return _FOREIGN
    # To the nearest second: a spreadsheet counts in fractions of a day.
    return as_texts([round((days - DAY_0) * SECONDS_OF_DAY)])[0].decode()
