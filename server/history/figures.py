"""What a filter's messages amount to, counted by the database; the same numbers on SQLite and PostgreSQL."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Count, DateField, Exists, F, Max, Min, OuterRef, Q, Sum
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay, Trunc
from django.utils.translation import gettext_lazy as _

from server.accounts.models import User
from server.history.answer_times import AnswerTimes, answer_times
from server.history.filter import FilterNotValid, HistoryFilter
from server.history.patience import Patience
from server.history.rows import unordered_rows
from server.lines.models import Line, secrets_of
from server.messaging.models import WENT_WRONG, Conversation, Direction, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from server.messaging.models import MessageQuerySet

# Conditions on whole threads: these hold for who is waiting now, whatever the period.
OF_THREADS = ("line", "contact", "conversation", "number", "name", "note")
DAYS_WITHOUT_DATES = 30
LONGEST_WAITING = 10
# Of more bars than about sixty nobody reads a single one.
MOST_DAYS, MOST_WEEKS = 62, 106
# The server cuts a request off after twenty seconds; the page has to be drawn, too.
PATIENCE_SECONDS = 15.0
# Days of the periods that are proposed where one was too long.
SHORTER = (365, 90, 30, 7, 1)


class Span(NamedTuple):
    """A day, or the week or month that begins with it."""

    start: date
    inbound: int
    outbound: int


class Delivery(NamedTuple):
    """What became of outgoing messages: `open` ones are on their way, `sent` ones without a report so far."""

    delivered: int
    sent: int
    open: int
    failed: int

    @property
    def rate(self) -> float | None:
        """The share of the delivered in those whose end is known."""
        known = self.delivered + self.failed
        return self.delivered / known if known else None


class Tally(NamedTuple):
    """What one line, or one colleague, has of the messages."""

    name: str
    inbound: int
    outbound: int
    failed: int
    segments: int


class ColleagueTally(NamedTuple):
    """`name` is empty for rules; an answer is what AnswerTimes calls one, None where they could not be counted in time."""

    name: str
    outbound: int
    failed: int
    segments: int
    answers: int | None
    median: timedelta | None


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of one filter; `wanted` has the period that they are of, `is_default` if nobody asked for one.

    `unit` is what a span is: day, week or month. `hours` are inbound messages by weekday (Monday first) and hour.
    `saved` are the segments that accents cost. What could not be counted in time is None, by itself; `shorter` is
    a period of which it might be, None where there is no shorter one.
    """

    wanted: HistoryFilter
    is_default: bool
    shorter: HistoryFilter | None
    unit: str
    inbound: int
    outbound: int
    spans: list[Span] | None
    hours: list[list[int]] | None
    answers: AnswerTimes | None
    waiting: list[Conversation] | None
    waiting_count: int
    delivery: Delivery
    reasons: list[tuple[str, int]]
    lines: list[Tally]
    colleagues: list[ColleagueTally]
    segments: int
    saved: int

    @property
    def is_empty(self) -> bool:
        return not (self.inbound or self.outbound)


def figures_of(user: User, wanted: HistoryFilter, *, now: datetime) -> Figures:
    """The figures of the messages that the person may see through the filter.

    Raises TooMuchAtOnce if not even their sums can be had in time, and FilterNotValid if it is a colleague who asks for
    the figures of another one. The dearest question comes last.
    """
    if not (user.sees_all_lines or wanted.colleague in {None, user.pk}):
        raise FilterNotValid({"colleague": _("Only supervisors and administrators see the figures of others.")})
    zone = _zone_of(user)
    period = with_period(wanted, today=now.astimezone(zone).date())
    patience = Patience(PATIENCE_SECONDS)
    found, groups = patience.wait_for(lambda: _sums(user, period))
    unit, first, last = _spans_of(period, groups, now.astimezone(zone))
    waiting, waiting_count = patience.wait_or_give_up(lambda: _longest_waiting(user, wanted)) or (None, 0)
    spans = patience.wait_or_give_up(lambda: per_span(found, unit, first, last, zone))
    hours = patience.wait_or_give_up(lambda: per_hour(found, zone))
    answers = patience.wait_or_give_up(lambda: answer_times(user, period))
    outbound = [group for group in groups if group["direction"] == Direction.OUT]
    return Figures(
        wanted=period,
        is_default=period != wanted,
        shorter=shorter_period(period, first, last),
        unit=unit,
        inbound=_sum(groups, "messages") - _sum(outbound, "messages"),
        outbound=_sum(outbound, "messages"),
        spans=spans,
        hours=hours,
        answers=answers,
        waiting=waiting,
        waiting_count=waiting_count,
        delivery=_delivery(outbound),
        reasons=_reasons(outbound),
        lines=_per_line(groups),
        colleagues=_per_colleague(user, outbound, answers),
        segments=_sum(outbound, "all_segments"),
        saved=_sum(outbound, "saved"),
    )


def with_period(wanted: HistoryFilter, *, today: date) -> HistoryFilter:
    """The filter itself if it has a beginning or an end, else with the last thirty days, today the thirtieth."""
    if wanted.since or wanted.until:
        return wanted
    first = today - timedelta(days=DAYS_WITHOUT_DATES - 1)
    return replace(wanted, since=datetime(first.year, first.month, first.day))  # noqa: DTZ001 (a wall clock's)


def shorter_period(period: HistoryFilter, first: date, last: date) -> HistoryFilter | None:
    """The end of the period, at most half as long."""
    days = next((days for days in SHORTER if days * 2 <= (last - first).days + 1), None)
    if days is None:
        return None
    beginning = datetime.combine(last - timedelta(days=days - 1), time(0, 0))
    return replace(period, since=beginning, until=datetime.combine(last, time(23, 59)))


def waiting_now(user: User, wanted: HistoryFilter) -> Any:
    """The conversations that wait for an answer now, the longest first; the filter's period does not matter."""
    waiting = Conversation.objects.visible_to(user).shown().filter(waiting_since__isnull=False).order_by("waiting_since", "id")
    of_threads = only_of_threads(wanted)
    if of_threads.is_empty:
        return waiting
    return waiting.filter(Exists(unordered_rows(user, of_threads).filter(conversation=OuterRef("pk"))))


def only_of_threads(wanted: HistoryFilter) -> HistoryFilter:
    return HistoryFilter.read({name: value for name, value in wanted.values.items() if name in OF_THREADS})


def per_span(found: MessageQuerySet, unit: str, first: date, last: date, zone: ZoneInfo) -> list[Span]:
    """In and out for each day, week or month of the zone's calendar from the first to the last; nothing is 0."""
    start = Trunc("created_at", unit, output_field=DateField(), tzinfo=zone)
    counted = found.annotate(start=start).values_list("start", "direction").annotate(messages=Count("pk")).order_by()
    there = {(each_start, direction): messages for each_start, direction, messages in counted}
    return [
        Span(start, there.get((start, Direction.IN), 0), there.get((start, Direction.OUT), 0))
        for start in _starts(unit, first, last)
    ]


def per_hour(found: MessageQuerySet, zone: ZoneInfo) -> list[list[int]]:
    """Inbound messages by the zone's weekday (Monday first) and hour; an hour that the clock shows twice is both of them."""
    weekday, hour = ExtractIsoWeekDay("created_at", tzinfo=zone), ExtractHour("created_at", tzinfo=zone)
    counted = found.inbound().annotate(weekday=weekday, hour=hour).values_list("weekday", "hour").annotate(messages=Count("pk"))
    hours = [[0] * 24 for _weekday in range(7)]
    for each_weekday, each_hour, messages in counted.order_by():
        hours[each_weekday - 1][each_hour] = messages
    return hours


def _zone_of(user: User) -> ZoneInfo:
    assert user.subscriber is not None
    return ZoneInfo(user.subscriber.timezone)


def _sums(user: User, period: HistoryFilter) -> tuple[MessageQuerySet, list[dict[str, Any]]]:
    found = unordered_rows(user, period)
    return found, _groups(found)


def _longest_waiting(user: User, wanted: HistoryFilter) -> tuple[list[Conversation], int]:
    waiting = waiting_now(user, wanted)
    longest = waiting.select_related("contact", "line", "assignee").defer(*secrets_of("line"))[:LONGEST_WAITING]
    return list(longest), waiting.count()


def _groups(found: MessageQuerySet) -> list[dict[str, Any]]:
    """One look at all messages for everything that is a sum by line, colleague, status and reason."""
    dearer = Q(plain_segments__gt=0, segments__gt=F("plain_segments"))
    # Names are looked up afterwards: to group by them, too, would cost as much again as half of this.
    by = ("line", "author", "direction", "status", "reason")
    return list(
        found.values(*by)
        .annotate(
            messages=Count("pk"),
            all_segments=Sum("segments"),
            saved=Sum(F("segments") - F("plain_segments"), filter=dearer, default=0),
            first=Min("created_at"),
            last=Max("created_at"),
        )
        .order_by()
    )


def _sum(groups: Iterable[dict[str, Any]], name: str) -> int:
    return sum(group[name] for group in groups)


def _spans_of(period: HistoryFilter, groups: list[dict[str, Any]], now: datetime) -> tuple[str, date, date]:
    """What a span is, and the days of the first and the last one."""
    zone = now.tzinfo
    first_message, last_message = (
        pick((group[name] for group in groups), default=now).astimezone(zone).date()
        for pick, name in ((min, "first"), (max, "last"))
    )
    last = max(min(period.until.date(), now.date()) if period.until else now.date(), last_message)
    first = min(period.since.date() if period.since else first_message, last)
    if (last - first).days >= MOST_DAYS:
        # A long period begins with its first message: bars of years before it would tell nothing.
        first = max(first, first_message)
    days = (last - first).days + 1
    return "day" if days <= MOST_DAYS else "week" if days <= MOST_WEEKS * 7 else "month", first, last


def _starts(unit: str, first: date, last: date) -> Iterator[date]:
    start = {"day": first, "week": first - timedelta(days=first.weekday()), "month": first.replace(day=1)}[unit]
    while start <= last:
        yield start
        start = (start.replace(day=1) + timedelta(days=32)).replace(day=1) if unit == "month" else start + _STEP[unit]


_STEP = {"day": timedelta(days=1), "week": timedelta(days=7)}


def _delivery(outbound: list[dict[str, Any]]) -> Delivery:
    by_status: Counter[str] = Counter()
    for group in outbound:
        by_status[group["status"]] += group["messages"]
    delivered, sent = by_status[Status.DELIVERED], by_status[Status.SENT]
    failed = sum(by_status[status] for status in WENT_WRONG)
    return Delivery(delivered, sent, by_status.total() - delivered - sent - failed, failed)


def _reasons(outbound: list[dict[str, Any]]) -> list[tuple[str, int]]:
    counted: Counter[str] = Counter()
    for group in outbound:
        if group["status"] in WENT_WRONG:
            counted[group["reason"]] += group["messages"]
    return sorted(counted.items(), key=lambda each: (-each[1], each[0]))


def _per_line(groups: list[dict[str, Any]]) -> list[Tally]:
    by_line = _by(groups, "line")
    labels = dict(Line.objects.filter(pk__in=by_line).values_list("pk", "label"))
    tallies = []
    for pk, of_line in by_line.items():
        out = [group for group in of_line if group["direction"] == Direction.OUT]
        inbound, outbound = _sum(of_line, "messages") - _sum(out, "messages"), _sum(out, "messages")
        tallies.append(Tally(labels.get(pk, ""), inbound, outbound, _failed(out), _segments(out)))
    return sorted(tallies, key=lambda tally: (-tally.inbound - tally.outbound, tally.name))


def _per_colleague(user: User, outbound: list[dict[str, Any]], answers: AnswerTimes | None) -> list[ColleagueTally]:
    """Who wrote how much, and answered how quickly; a colleague sees nobody's but their own."""
    by_author = answers.by_author if answers else {}
    # Who only answered after the period has written nothing in it.
    written: dict[int | None, list[dict[str, Any]]] = {pk: [] for pk in by_author} | _by(outbound, "author")
    names: dict[int | None, str] = dict(User.objects.filter(pk__in=[pk for pk in written if pk]).values_list("pk", "name"))
    tallies = []
    for pk, of_author in written.items():
        if user.sees_all_lines or pk == user.pk:
            took = by_author.get(pk)
            tallies.append(
                ColleagueTally(
                    names.get(pk, ""),
                    _sum(of_author, "messages"),
                    _failed(of_author),
                    _segments(of_author),
                    (took.answered if took else 0) if answers else None,
                    took.median if took else None,
                )
            )
    return sorted(tallies, key=lambda tally: (-tally.outbound, tally.name))


def _by(groups: list[dict[str, Any]], name: str) -> dict[Any, list[dict[str, Any]]]:
    grouped: dict[Any, list[dict[str, Any]]] = {}
    for group in groups:
        grouped.setdefault(group[name], []).append(group)
    return grouped


def _failed(groups: list[dict[str, Any]]) -> int:
    return _sum((group for group in groups if group["status"] in WENT_WRONG), "messages")


def _segments(groups: list[dict[str, Any]]) -> int:
    return _sum(groups, "all_segments")
