"""What a page costs the database when there are ten million messages.

The product's own functions are called once, and the statements that they ask are noted; those are then
timed by themselves, warm, again and again: planned, run and sent, without what Python makes of the rows. Each figure
stands beside the least that a statement can cost in the same run: one row by its primary key.

`deep` is the page that begins at the millionth message of a filter, or nine tenths down where there are fewer.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from bench import company, years
from bench.figures import Figure
from tests.services import postgres, program, sqlite_url

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from bench.years import Loaded

DEEP = 1_000_000
ROUNDS = 31
# The bench may take its time where the product may not: to look for the millionth message, and to load.
NO_LIMIT = "SET statement_timeout = 0; SET lock_timeout = 0"


def on_postgresql() -> list[Figure]:
    """Nothing, when PostgreSQL is not installed."""
    try:
        program("initdb")
    except AssertionError:
        return []
    with postgres() as cluster:
        # As on a server of its own with 8 GB; and a load of this size without a checkpoint at every gigabyte.
        for name, value in {"shared_buffers": "2GB", "effective_cache_size": "6GB", "max_wal_size": "16GB"}.items():
            cluster.sql(f"ALTER SYSTEM SET {name} = '{value}'")
        cluster.stop()
        cluster.start()
        with cluster.database() as database_url:
            return _measure("PostgreSQL", database_url, messages_of_bench(10_000_000))


def on_sqlite() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="fonal-bench-") as folder:
        return _measure("SQLite", sqlite_url(Path(folder)), messages_of_bench(1_000_000))


def messages_of_bench(usual: int) -> int:
    """`--messages` makes it smaller (or larger), for both databases."""
    return min(usual, int(os.environ.get("BENCH_MESSAGES", usual)))


def _measure(database: str, database_url: str, messages: int) -> list[Figure]:
    loaded = years.load(
        environment=company.settings(database_url=database_url), messages=messages, conversations=max(messages // 50, 100)
    )
    return list(figures_of(database, loaded))


def figures_of(database: str, loaded: Loaded, only: Collection[str] = ()) -> Iterator[Figure]:
    for page in _pages(loaded):
        if only and not any(part in page.name for part in only):
            continue
        trivial = _median(_statements(_trivial))
        first = _median(_statements(page.ask))
        yield Figure(f"{page.name}, {database}", "ms", first, trivial, "one row by its key", first / trivial)
        if page.deep is not None and (deeper := page.deep()) is not None:
            deep = _median(_statements(deeper))
            yield Figure("  deep", "ms", deep, first, "the first page", deep / first)


@dataclass(frozen=True, slots=True)
class _Page:
    name: str
    ask: Callable[[], object]
    # What asks for a page far down, if there is one.
    deep: Callable[[], Callable[[], object] | None] | None = None


def _pages(loaded: Loaded) -> Iterator[_Page]:
    from server.accounts.models import User
    from server.history.filter import HistoryFilter

    people = User.objects.select_related("subscriber__activation")
    boss, colleague = people.get(pk=loaded.supervisor), people.get(pk=loaded.colleague)
    yield from _lists(boss, colleague, loaded)
    for name, wanted in _filters(loaded).items():
        yield _filtered(name, boss, HistoryFilter(**wanted))
    for name, wanted in {"no filter": {}, "failed": {"is_failed": True}, "outgoing": {"direction": "out"}}.items():
        yield _filtered(f"{name}, of a colleague with two lines", colleague, HistoryFilter(**wanted))
    for name, wanted in _searches(loaded).items():
        yield _filtered(f"search, {name}", boss, HistoryFilter(**wanted))
    yield from _counts(boss, loaded)


def _lists(boss: Any, colleague: Any, loaded: Loaded) -> Iterator[_Page]:
    from chatui import listing
    from server.messaging import timeline
    from server.messaging.models import Conversation

    def deep_list(user: Any) -> Callable[[], object] | None:
        page = listing.conversations_in(user, listing.Listing()).order_by("-latest_at", "-id")
        at = int(page.count() * 0.9)
        cursor = listing._cursor(page[at], listing.Listing())
        return lambda: listing.page_of(user, listing.Listing(), cursor, now=timezone.now())

    thread = Conversation.objects.get(pk=loaded.busiest_thread)
    far = thread.messages.order_by("-created_at", "-id")[int(thread.messages.count() * 0.9)].pk
    yield _Page(
        "list of conversations", lambda: listing.page_of(boss, listing.Listing(), now=timezone.now()), lambda: deep_list(boss)
    )
    yield _Page(
        "list, of a colleague",
        lambda: listing.page_of(colleague, listing.Listing(), now=timezone.now()),
        lambda: deep_list(colleague),
    )
    for name, text in loaded.words.items():
        found = listing.Listing(text=text)
        yield _Page(f"list, search, {name}", lambda found=found: listing.page_of(boss, found))
    yield _Page("thread", lambda: timeline.latest_page(thread), lambda: lambda: timeline.page_before(thread, far))


def _filters(loaded: Loaded) -> dict[str, dict[str, Any]]:
    from datetime import datetime

    month = {"since": datetime(2026, 9, 1), "until": datetime(2026, 9, 30, 23, 59)}  # noqa: DTZ001 (a wall clock's)
    return {
        "no filter": {},
        "month and direction": month | {"direction": "in"},
        "a line": {"line": loaded.busy_line},
        "a line that is nearly idle": {"line": loaded.idle_line},
        "a colleague": {"colleague": loaded.colleague},
        "a colleague who seldom writes": {"colleague": loaded.quiet_colleague},
        "not sent": {"status": "failed"},
        "gone wrong": {"is_failed": True},
        "on its way": {"status": "queued"},
        "of a rule": {"origin": "rule"},
        "recovered": {"origin": "recovered"},
        "with a note": {"has_note": True},
        "a contact": {"contact": loaded.contact},
        "all of a number": {"number": loaded.number},
        "seven digits of a number": {"number": loaded.number[-7:]},
        "five digits of a number": {"number": loaded.number[-5:]},
        "four digits of a number": {"number": loaded.number[-4:]},
        "three digits of a number": {"number": loaded.number[-3:]},
        "the beginning of every third number": {"number": "0630"},
        "a letter of a name": {"name": "b"},
        "what cannot be": {"direction": "out", "status": "received"},
        "oldest first": {"oldest_first": True},
    }


def _searches(loaded: Loaded) -> dict[str, dict[str, Any]]:
    return {name: {"text": text} for name, text in loaded.words.items()}


def _filtered(name: str, user: Any, wanted: Any) -> _Page:
    from chatui.views.history import PAGE
    from server.history.rows import page_of

    def page(cursor: Any = None) -> object:
        return page_of(user, wanted, after=cursor, size=PAGE + 1)

    def deep() -> Callable[[], object] | None:
        cursor = _far_down(user, wanted)
        return None if cursor is None else lambda: page(cursor)

    return _Page(name, page, deep)


def _far_down(user: Any, wanted: Any) -> Any:
    """The time and the id of the millionth message, or of the one nine tenths down."""
    from server.history.rows import COUNTED_UP_TO, number_of, rows, unordered_rows

    _without_limit()
    if number_of(user, wanted) <= COUNTED_UP_TO:
        found = sorted(unordered_rows(user, wanted).values_list("created_at", "pk"), reverse=not wanted.oldest_first)
        return found[int(len(found) * 0.9)] if found else None
    ordered = rows(user, wanted).values_list("created_at", "pk")
    return ordered[DEEP:].first() or ordered[int(unordered_rows(user, wanted).count() * 0.9) :].first()


def _counts(boss: Any, loaded: Loaded) -> Iterator[_Page]:
    from server.history.filter import HistoryFilter
    from server.history.rows import number_of

    for name in ("no filter", "month and direction", "a line", "gone wrong"):
        wanted = HistoryFilter(**_filters(loaded)[name])
        yield _Page(f"capped count, {name}", lambda wanted=wanted: number_of(boss, wanted))
    for name, wanted in _searches(loaded).items():
        found = HistoryFilter(**wanted)
        yield _Page(f"capped count, search, {name}", lambda found=found: number_of(boss, found))


# --- Timing -----------------------------------------------------------------------------------
def _trivial() -> None:
    from server.messaging.models import Message

    Message.objects.values_list("pk").get(pk=1)


def _statements(ask: Callable[[], object]) -> list[tuple[str, Any]]:
    """What the product asks of the database."""
    from django.db import connection

    noted: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        noted.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        ask()
    return noted


def _median(statements: list[tuple[str, Any]]) -> float:
    """Milliseconds of the database's own CPU: others use the machine, too, and warm rows wait for nothing else."""
    from django.db import connection

    clock = _Clock()

    def run() -> float:
        with connection.cursor() as cursor:
            began = clock.now()
            for sql, params in statements:
                cursor.execute(sql, params)
                if connection.vendor == "sqlite":
                    # It looks for rows while they are fetched; PostgreSQL has sent them all by now.
                    cursor.fetchall()
            return clock.now() - began

    # The first rounds warm up; what takes long is asked less often.
    rounds = ROUNDS if max(run(), run()) < 200 else 3
    return statistics.median(run() for _ in range(rounds))


class _Clock:
    """What the process or thread that does the database's work has used of a CPU, in milliseconds."""

    def __init__(self) -> None:
        from django.db import connection

        self._at_work = None
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET max_parallel_workers_per_gather = 0")
                cursor.execute("SELECT pg_backend_pid()")
                self._at_work = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")

    def now(self) -> float:
        return time.thread_time() * 1000 if self._at_work is None else int(self._at_work.read_text().split()[0]) / 1e6


def _without_limit() -> None:
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(NO_LIMIT)
