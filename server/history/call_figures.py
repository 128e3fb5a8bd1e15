"""How calls that nobody answered were followed up, and whether call-back promises were kept: in numbers and tables.

A missed call is followed up once somebody of ours has texted or called the number, or it was answered when it called again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db.models import F
from django.utils.translation import gettext as _

from server.calls.models import UNANSWERED, Call, CallDirection, Promise
from server.history.figure_tables import Cell, Share, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from server.accounts.models import Subscriber

    # By id and name.
    type Named = defaultdict[tuple[int, str], FollowUp]

LONGEST = timedelta(days=366)
# More columns than these nobody can tell apart.
MOST_DAYS = 92


@dataclass(slots=True)
class FollowUp:
    """Missed calls of a day, line or colleague, those followed up, and how long that took; promises, and those kept in time."""

    missed: int = 0
    took: list[timedelta] = field(default_factory=list)
    promised: int = 0
    kept: int = 0

    @property
    def followed_up(self) -> int:
        return len(self.took)

    @property
    def open(self) -> int:
        return self.missed - self.followed_up

    @property
    def share(self) -> Share | None:
        return Share(self.followed_up / self.missed) if self.missed else None

    @property
    def median(self) -> timedelta | None:
        return timedelta(seconds=median(took.total_seconds() for took in self.took)) if self.took else None


@dataclass(frozen=True, slots=True)
class CallFigures:
    """Of the days from `since` to `until`, both included; `unit` is day or week, by the first of which `spans` go."""

    since: date
    until: date
    unit: str
    all: FollowUp
    spans: dict[date, FollowUp]
    lines: dict[str, FollowUp]
    colleagues: dict[str, FollowUp]
    promises: Counter[str]

    @property
    def is_empty(self) -> bool:
        return not self.all.missed and not self.promises.total()


def call_figures(subscriber: Subscriber, since: date, until: date, *, now: datetime) -> CallFigures:
    unit = "day" if until - since < timedelta(days=MOST_DAYS) else "week"
    found = CallFigures(
        since, until, unit, FollowUp(), {start: FollowUp() for start in _starts(since, until, unit)}, {}, {}, Counter()
    )
    zone = ZoneInfo(subscriber.timezone)
    begins, ends = (datetime.combine(day, time(), zone) for day in (since, until + timedelta(days=1)))
    lines: Named = defaultdict(FollowUp)
    people: Named = defaultdict(FollowUp)
    _count_calls(found, lines, people, subscriber, begins, ends)
    _count_promises(found, lines, people, subscriber, begins, ends, now)
    found.lines.update(_by_number(lines))
    found.colleagues.update(_by_number(people))
    return found


def _count_calls(found: CallFigures, lines: Named, people: Named, subscriber: Subscriber, begins: datetime, ends: datetime) -> None:
    missed = Call.objects.filter(
        subscriber=subscriber, began_at__gte=begins, began_at__lt=ends, direction=CallDirection.IN, state__in=UNANSWERED
    )
    # Who withheld the number can't be called back, and nobody waits for who is blocked: as in the list of calls.
    missed = missed.filter(conversation__isnull=False, conversation__hidden_at=None)
    rows = missed.values_list("began_at", "followed_up_at", "followed_up_by", "followed_up_by__name", "line", "line__label")
    for began_at, followed_up_at, by, name, line, label in rows.order_by(F("began_at").asc()).iterator(chunk_size=2000):
        counted = [found.all, found.spans[_start(began_at.astimezone(begins.tzinfo).date(), found)], lines[line, label]]
        if followed_up_at is not None:
            counted.append(people[by or 0, name or ""])
        for each in counted:
            each.missed += 1
            if followed_up_at is not None:
                # An exchange's clock may be ahead of ours.
                each.took.append(max(followed_up_at - began_at, timedelta()))


def _count_promises(
    found: CallFigures, lines: Named, people: Named, subscriber: Subscriber, begins: datetime, ends: datetime, now: datetime
) -> None:
    made = Promise.objects.filter(subscriber=subscriber, made_at__gte=begins, made_at__lt=ends)
    rows = made.values_list("made_at", "due_at", "kept_at", "kept_by", "kept_by__name", "call__line", "call__line__label")
    for made_at, due_at, kept_at, by, name, line, label in rows:
        state = _state(due_at, kept_at, now)
        found.promises[state] += 1
        counted = [found.all, found.spans[_start(made_at.astimezone(begins.tzinfo).date(), found)], lines[line, label]]
        if kept_at is not None:
            counted.append(people[by or 0, name or ""])
        for each in counted:
            each.promised += 1
            each.kept += state == "kept"


def _by_number(counted: Named) -> dict[str, FollowUp]:
    """By name, the most first; of two of the same name the second says which it is."""
    named: dict[str, FollowUp] = {}
    for (pk, name), each in sorted(counted.items(), key=lambda item: (-item[1].missed, item[0])):
        named[name if name not in named else f"{name} ({pk})"] = each
    return named


def _starts(since: date, until: date, unit: str) -> Iterator[date]:
    step = timedelta(days=1 if unit == "day" else 7)
    at = since if unit == "day" else since - timedelta(days=since.weekday())
    while at <= until:
        yield at
        at += step


def _start(day: date, found: CallFigures) -> date:
    return day if found.unit == "day" else day - timedelta(days=day.weekday())


def _state(due_at: datetime, kept_at: datetime | None, now: datetime) -> str:
    if kept_at is None:
        return "overdue" if due_at <= now else "open"
    return "kept" if kept_at <= due_at else "late"


def tables_of(found: CallFigures) -> list[Table]:
    return [_spans(found), _lines(found), _colleagues(found), _promises(found)]


def name_of_who(name: str) -> str:
    return name or _("On the telephone, by whom was not told")


def name_of_promise(state: str) -> str:
    names = {"kept": _("Kept"), "late": _("Kept late"), "open": _("Open"), "overdue": _("Overdue")}
    return names[state]


def _spans(found: CallFigures) -> Table:
    title, unit = {
        "day": (_("Missed calls per day"), _("Day")),
        "week": (_("Missed calls per week"), _("Week from")),
    }[found.unit]
    explained = _(
        "Missed, busy and failed calls on the day on which they came in, and how many of them were followed up since: "
        "somebody has texted or called the number, or it called again and was answered. Calls of withheld and blocked numbers "
        "are not counted."
    )
    headings = [unit, _("Missed"), _("Followed up"), _("Share"), _("Half of them within"), _("Promises"), _("Kept")]
    return Table("follow_up", title, explained, headings, _rows(found.spans.items()))


def _lines(found: CallFigures) -> Table:
    headings = [_("Line"), _("Missed"), _("Followed up"), _("Share"), _("Half of them within"), _("Promises"), _("Kept")]
    explained = _("On which line they called, and how many were followed up, on this line or another.")
    return Table("lines", _("By line"), explained, headings, _rows(found.lines.items()))


def _colleagues(found: CallFigures) -> Table:
    rows: list[list[Cell]] = [
        [name_of_who(name), each.followed_up, each.median, each.kept] for name, each in found.colleagues.items()
    ]
    headings = [_("Colleague"), _("Followed up"), _("Half of them within"), _("Promises kept")]
    explained = _(
        "Who texted or called first after a missed call, and how many promises they kept in time; "
        "of calls the exchange says who talked."
    )
    return Table("colleagues", _("By colleague"), explained, headings, rows)


def _promises(found: CallFigures) -> Table:
    rows: list[list[Cell]] = [
        [name_of_promise(state), found.promises[state], Share(found.promises[state] / (found.promises.total() or 1))]
        for state in ("kept", "late", "open", "overdue")
    ]
    explained = _("Promises to call back that were made in the period, and what became of them.")
    return Table("promises", _("Call-back promises"), explained, [_("State"), _("Promises"), _("Share")], rows)


def _rows(counted: Iterable[tuple[date | str, FollowUp]]) -> list[list[Cell]]:
    return [[name, each.missed, each.followed_up, each.share, each.median, each.promised, each.kept] for name, each in counted]
