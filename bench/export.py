"""A million messages as a spreadsheet: the product beside openpyxl's own way, on the same rows of PostgreSQL.

Each is made in a process of its own:

- the product: `make_export`, as the task worker runs it, with its progress, sum and passport;
- openpyxl: a write-only workbook that is given each row as a tuple, times as datetimes; what one writes first;
- by hand (the limit): one f-string for each row, straight into a zip file, without sum, passport or care for odd characters.

A hundred thousand rows in turns, then a million; the product's memory must not grow between them.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import batched
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from bench import company, years
from bench.figures import Figure, middle
from tests.services import postgres, program

ROUNDS = 3
# Some of them are another company's.
MESSAGES, CONVERSATIONS = 1_060_000, 50_000
FEW = 100_000


@dataclass(frozen=True)
class _Cost:
    rows: int
    seconds: float
    cpu_seconds: float
    peak_megabytes: float

    @property
    def pace(self) -> float:
        return self.rows / self.seconds

    @property
    def cpu_pace(self) -> float:
        return self.rows / self.cpu_seconds


def on_postgresql() -> list[Figure]:
    """Nothing, when PostgreSQL is not installed."""
    try:
        program("initdb")
    except AssertionError:
        return []
    with postgres() as cluster, cluster.database() as database_url, tempfile.TemporaryDirectory(prefix="fonal-bench-") as folder:
        environment = company.settings(database_url=database_url) | {"EXPORT_DIR": folder}
        loaded = years.load(environment=environment, messages=MESSAGES, conversations=CONVERSATIONS)
        return _measure(environment, loaded.supervisor)


def _measure(environment: dict[str, str], person: int) -> list[Figure]:
    few = _since_the_last(FEW, person)
    rounds = [{way: _apart(way, environment, person, few) for way in _WAYS} for _ in range(ROUNDS)]
    many = {way: _apart(way, environment, person, "") for way in _WAYS}
    return [
        *_figures("100,000 rows", rounds),
        *_figures("1,000,000 rows", [many]),
        middle(
            "peak memory of 1,000,000 rows",
            "MB",
            "the same, 100,000 rows",
            [(many["ours"].peak_megabytes, each["ours"].peak_megabytes) for each in rounds],
        ),
    ]


def _figures(size: str, rounds: list[dict[str, _Cost]]) -> list[Figure]:
    return [
        figure
        for way, of_limit in (("openpyxl", "openpyxl, write-only"), ("by_hand", "XML by hand"))
        for figure in (
            middle(f"spreadsheet of {size}", "rows/s", of_limit, [(each["ours"].pace, each[way].pace) for each in rounds]),
            middle(
                "the same, processor's time",
                "rows/CPU s",
                of_limit,
                [(each["ours"].cpu_pace, each[way].cpu_pace) for each in rounds],
            ),
        )
    ]


def _since_the_last(number: int, person: int) -> str:
    """The minute since which there were about so many messages."""
    from zoneinfo import ZoneInfo

    from server.accounts.models import User
    from server.history.filter import HistoryFilter
    from server.history.rows import rows

    user = User.objects.get(pk=person)
    at = rows(user, HistoryFilter()).values_list("created_at", flat=True)[number]
    return f"{at.astimezone(ZoneInfo(user.subscriber.timezone)):%Y-%m-%d %H:%M}"


def _apart(way: str, environment: dict[str, str], person: int, since: str) -> _Cost:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        return processes.submit(_cost, way, environment, person, since).result()


def _cost(way: str, environment: dict[str, str], person: int, since: str) -> _Cost:
    os.environ.update(environment)
    import django

    django.setup()
    from server.accounts.models import User

    # What each of them needs is loaded once in a process's life.
    from server.history import exporting  # noqa: F401
    from server.history.filter import HistoryFilter

    user, wanted = User.objects.select_related("subscriber").get(pk=person), HistoryFilter.read({"from": since})
    began, cpu_began = time.monotonic(), time.process_time()
    rows = _WAYS[way](user, wanted)
    seconds, cpu_seconds = time.monotonic() - began, time.process_time() - cpu_began
    return _Cost(rows, seconds, cpu_seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _ours(user: Any, wanted: Any) -> int:
    from django.utils import timezone

    from server.history import exporting, looking_after
    from server.history.models import Export, ExportStatus

    # Nobody works here: what would be queued is made at once.
    exporting.SMALL = 10 * MESSAGES
    made = exporting.request_export(user=user, wanted=wanted, format="xlsx", now=timezone.now())
    assert made.status == ExportStatus.FINISHED, made.status
    Export.objects.filter(pk=made.pk).update(expires_at=timezone.now())
    looking_after.expire_exports(now=timezone.now())
    return made.rows_done


def _openpyxl(user: Any, wanted: Any) -> int:
    from openpyxl import Workbook

    from server.history.columns import COLUMNS

    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("Messages")
    sheet.append([str(column.heading) for column in COLUMNS])
    written = 0
    for cells in _read(user, wanted):
        sheet.append(cells)
        written += 1
    with _file() as file:
        workbook.save(file)
    return written


def _by_hand(user: Any, wanted: Any) -> int:
    from html import escape

    written = 0
    with _file() as file, ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1) as made, made.open("sheet1.xml", "w") as sheet:
        for batch in batched(_read(user, wanted), 5000):
            written += len(batch)
            lines = []
            for local, utc, *texts in batch:
                cells = "".join(
                    [f'<c s="2" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>' for text in texts]
                )
                lines.append(f'<row><c s="1"><v>{_days(local)}</v></c><c s="1"><v>{_days(utc)}</v></c>{cells}</row>')
            sheet.write("".join(lines).encode())
    return written


def _days(moment: Any) -> float:
    return (moment.toordinal() - 693_594) + (moment.hour * 3600 + moment.minute * 60 + moment.second) / 86_400


def _read(user: Any, wanted: Any) -> Any:
    """The rows as the columns say them; times on the wall clock, as openpyxl takes them."""
    from zoneinfo import ZoneInfo

    from server.history.columns import COLUMNS
    from server.history.rows import rows

    zone = ZoneInfo(user.subscriber.timezone)
    paths = [*dict.fromkeys(path for column in COLUMNS for path in column.paths)]
    said = [(column.say, [paths.index(path) for path in column.paths]) for column in COLUMNS[2:]]
    for values in rows(user, wanted).values_list(*paths).iterator(chunk_size=2000):
        at = values[0]
        yield (
            at.astimezone(zone).replace(tzinfo=None, microsecond=0),
            at.replace(tzinfo=None, microsecond=0),
            *[say(*[values[place] for place in places]) for say, places in said],
        )


def _file() -> Any:
    return tempfile.TemporaryFile(dir=Path(os.environ["EXPORT_DIR"]))


_WAYS = {"ours": _ours, "openpyxl": _openpyxl, "by_hand": _by_hand}
