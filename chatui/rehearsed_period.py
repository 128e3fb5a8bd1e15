"""The period of a rehearsal: so many days until now, or from one day to another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from chatui.access import number_in
from server.calls.rehearsing import LONGEST

if TYPE_CHECKING:
    from collections.abc import Mapping

USUAL_DAYS = 7
PERIODS = (7, 14, 31, 92)
# Before that nobody has called.
EARLIEST = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class Period:
    """`days` is None for one of somebody's own; with a `problem` it is the usual one."""

    since: datetime
    until: datetime
    days: int | None
    first: str = ""
    last: str = ""
    problem: str = ""

    @classmethod
    def of(cls, asked: Mapping[str, str], *, zone: str, now: datetime) -> Period:
        first, last, days = asked.get("from", ""), asked.get("to", ""), number_in(asked.get("days"))
        if days in PERIODS or not (first or last):
            return cls._until_now(days if days in PERIODS else USUAL_DAYS, now)
        try:
            since, until = _between(_day(first), _day(last), zone=ZoneInfo(zone), now=now)
        except ValueError:
            usual = cls._until_now(USUAL_DAYS, now)
            problem = _("Choose two days, at most %(days)s days apart, the first of which is not in the future.") % {
                "days": LONGEST.days
            }
            return cls(usual.since, usual.until, None, first[:10], last[:10], problem)
        return cls(since, until, None, first, last)

    @classmethod
    def _until_now(cls, days: int, now: datetime) -> Period:
        return cls(now - timedelta(days=days), now, days)


def _day(typed: str) -> date:
    day = parse_date(typed)
    if day is None or day < EARLIEST:
        raise ValueError(typed)
    return day


def _between(first: date, last: date, *, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """Both days included; nothing has happened after now."""
    if not timedelta() <= last - first < LONGEST:
        raise ValueError(last)
    since = datetime.combine(first, time.min, zone)
    # A day may have 25 hours.
    until = min(datetime.combine(last + timedelta(days=1), time.min, zone), since.astimezone(now.tzinfo) + LONGEST, now)
    if until <= since:
        raise ValueError(first)
    return since, until
