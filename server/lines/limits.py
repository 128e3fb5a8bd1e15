"""What a line may send: whom to, and how much.

The counting is one conditional UPDATE in the transaction of the claim, so any number of dispatchers keep to it
together. Lines without limits have no row and pay nothing.
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from math import ceil
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db.models import Case, F, Q, QuerySet, Value, When

from server import phone
from server.lines import tasks
from server.lines.models import Line, LineUsage

if TYPE_CHECKING:
    from datetime import date, datetime

MINUTE = timedelta(minutes=1)
NEARLY = 0.8


class Counted(Enum):
    """Whether one more message may go out of a line now."""

    YES = "yes"
    NOT_THIS_MINUTE = "not this minute"
    NOT_TODAY = "not today"


def countries_of(line: Line) -> list[str]:
    """The countries whose mobiles the line may text."""
    return line.countries or [line.subscriber.country]


def may_text(line: Line, number: str) -> bool:
    """Whether the number is a mobile of one of the line's countries; premium and satellite numbers never are."""
    return phone.is_mobile(number) and phone.country_of(number) in countries_of(line)


def today_of(line: Line, now: datetime) -> date:
    """The day as the company counts it."""
    return now.astimezone(ZoneInfo(line.subscriber.timezone)).date()


def has_limits(line: Line) -> bool:
    return line.per_day is not None or line.per_minute is not None


def sent_today(line: Line, now: datetime) -> int:
    """How many messages of a line with limits count for today."""
    used = LineUsage.objects.filter(line=line, day__gte=today_of(line, now)).values_list("sent_on_day", flat=True).first()
    return used or 0


def is_used_up(line: Line, now: datetime) -> bool:
    """Whether today's limit is reached."""
    return line.per_day is not None and sent_today(line, now) >= line.per_day


def full_lines(now: datetime) -> QuerySet[LineUsage, int]:
    """The ids of lines whose minute is full."""
    return LineUsage.objects.filter(waits_until__gt=now).values_list("line", flat=True)


def count_one(line: Line, now: datetime) -> Counted:
    """Count a message that is being claimed; must be in the claim's transaction, which is undone unless the answer is YES."""
    today, minute = today_of(line, now), now.replace(second=0, microsecond=0)
    rows = LineUsage.objects.filter(line=line)
    fits = _fits("day", today, "sent_on_day", line.per_day) & _fits("minute", minute, "sent_in_minute", line.per_minute)
    # A clock that is behind another dispatcher's counts for the day and the minute that the other has begun.
    counting = {
        "sent_on_day": one_more("day", today, "sent_on_day"),
        "day": later_of("day", today),
        "sent_in_minute": one_more("minute", minute, "sent_in_minute"),
        "minute": later_of("minute", minute),
    }
    if not rows.filter(fits).update(**counting):
        if not rows.exists():
            LineUsage.objects.bulk_create([LineUsage(line=line, day=today, minute=minute)], ignore_conflicts=True)
            return count_one(line, now)
        return Counted.NOT_TODAY if is_used_up(line, now) else Counted.NOT_THIS_MINUTE
    _tell_of_limit(line, rows)
    return Counted.YES


def take_back(line: Line, *, counted_at: datetime | None) -> None:
    """A message that was counted was surely not sent; the minute stays as it is."""
    if has_limits(line) and counted_at is not None:
        counted = LineUsage.objects.filter(line=line, day=today_of(line, counted_at), sent_on_day__gt=0)
        counted.update(sent_on_day=F("sent_on_day") - 1)


def wait_for_next_minute(line: Line, now: datetime) -> datetime:
    """Pass the line over until its next minute begins; returns that time."""
    until = now.replace(second=0, microsecond=0) + MINUTE
    LineUsage.objects.filter(line=line).update(waits_until=until)
    return until


def _fits(name: str, current: object, count: str, limit: int | None) -> Q:
    """Room for one more: a new day or minute has begun, or the limit is not reached."""
    if limit is None:
        return Q()
    has_room = Q(**{f"{count}__lt": limit})
    return has_room | Q(**{f"{name}__lt": current}) if limit > 0 else has_room


def _tell_of_limit(line: Line, rows: QuerySet[LineUsage]) -> None:
    """The company's administrators hear of it once a day at 80 %, and once when it is used up."""
    if line.per_day is None:
        return
    sent, day = rows.values_list("sent_on_day", "day").get()
    for percent, told, reached in ((100, "told_all_on", line.per_day), (80, "told_nearly_on", ceil(line.per_day * NEARLY))):
        if sent >= reached:
            if rows.filter(Q(**{told: None}) | Q(**{f"{told}__lt": day})).update(**{told: day}):
                tasks.tell_of_limit.enqueue(line.pk, percent)
            return


def one_more(name: str, current: object, count: str) -> Case:
    """What a count of a day or a minute becomes; a new one begins with one."""
    return Case(When(**{f"{name}__lt": current}, then=Value(1)), default=F(count) + 1)


def later_of(name: str, current: object) -> Case:
    return Case(When(**{f"{name}__lt": current}, then=Value(current)), default=F(name))
