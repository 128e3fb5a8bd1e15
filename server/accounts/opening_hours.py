"""When a company is open: its weekly hours, less its closed days and, where it wishes, its country's public holidays.

Hours are wall-clock times in the company's zone. A time that a night of changing clocks skips is read as an hour later,
one that it repeats begins with the first and ends with the second. Nothing is open past midnight; "24:00" ends a day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import holidays

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from server.accounts.models import Subscriber

SPANS_A_DAY = 2
END_OF_DAY = "24:00"
# Who has been closed for longer has closed for good.
LOOKED_AHEAD = timedelta(days=370)
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")

type Hours = dict[str, list[list[str]]]


class HoursNotValid(ValueError):
    """A time that is none, an end without a beginning, spans that overlap: `weekday` (ISO) and `why` say which."""

    def __init__(self, weekday: int, why: str) -> None:
        super().__init__(f"{weekday}: {why}")
        self.weekday = weekday
        self.why = why


@dataclass(frozen=True, slots=True)
class Calendar:
    """All that opening hours are made of, read once."""

    zone: ZoneInfo
    hours: Hours
    closed: frozenset[date]
    country: str

    @classmethod
    def of(cls, subscriber: Subscriber) -> Calendar:
        closed = frozenset(subscriber.closed_days.values_list("day", flat=True))
        country = subscriber.country if subscriber.is_closed_on_holidays else ""
        return cls(ZoneInfo(subscriber.timezone), subscriber.opening_hours, closed, country)

    def spans(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """From when until when the company is open on a day, in UTC."""
        if day in self.closed or (self.country and day in holidays_of(self.country, day.year)):
            return
        for begins, ends in self.hours.get(str(day.isoweekday()), []):
            yield _first(day, begins, self.zone), _last(day, ends, self.zone)

    def day_of(self, at: datetime) -> date:
        """The day as the company counts it."""
        return at.astimezone(self.zone).date()

    def is_open(self, at: datetime) -> bool:
        return any(begins <= at < ends for begins, ends in self.spans(self.day_of(at)))

    def spans_from(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Those that are not over yet, in order."""
        today = self.day_of(at)
        for ahead in range(LOOKED_AHEAD.days):
            for begins, ends in self.spans(today + timedelta(days=ahead)):
                if ends > at:
                    yield begins, ends


def is_open(subscriber: Subscriber, at: datetime) -> bool:
    return Calendar.of(subscriber).is_open(at)


def next_opening(subscriber: Subscriber, at: datetime) -> datetime | None:
    """When the company opens next, later than `at`; None when it does not within a year."""
    calendar = Calendar.of(subscriber)
    if not any(calendar.hours.values()):
        return None
    return next(
        (begins for begins, _ in calendar.spans_from(at) if begins > at and not calendar.is_open(_just_before(begins))), None
    )


def open_until(subscriber: Subscriber, at: datetime) -> datetime | None:
    """When the company closes that is open now; None when it is closed, or never closes."""
    until = at
    for begins, ends in Calendar.of(subscriber).spans_from(at):
        if begins > until:
            return until if until > at else None
        until = ends
    return None if until == at or until - at > LOOKED_AHEAD / 2 else until


def checked_hours(days: dict[int, Sequence[tuple[str, str]]]) -> Hours:
    """Hours as a row keeps them, from what was written by ISO weekday: empty pairs left out, neighbours joined.

    Raises HoursNotValid.
    """
    checked = {str(weekday): _checked_day(weekday, pairs) for weekday, pairs in days.items()}
    return {weekday: spans for weekday, spans in checked.items() if spans}


@lru_cache(maxsize=256)
def holidays_of(country: str, year: int, language: str = "") -> dict[date, str]:
    """A year's public holidays, by date; empty for a country whose holidays nobody has written down."""
    try:
        known = holidays.country_holidays(country, years=year)
        if language and any(language in one for one in known.supported_languages):
            spoken = next(one for one in known.supported_languages if language in one)
            known = holidays.country_holidays(country, years=year, language=spoken)
    except NotImplementedError:
        return {}
    # "Pihenőnap (2026. 08. 08.-től helyettesítve)": which day was worked for it is another matter.
    return {day: name.split(" (")[0] for day, name in sorted(known.items()) if day.year == year}


def _just_before(at: datetime) -> datetime:
    return at - timedelta(microseconds=1)


def _first(day: date, clock: str, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), zone).astimezone(UTC)


def _last(day: date, clock: str, zone: ZoneInfo) -> datetime:
    if clock == END_OF_DAY:
        return _first(day + timedelta(days=1), "00:00", zone)
    at = datetime.combine(day, time.fromisoformat(clock), zone)
    return max(at.astimezone(UTC), at.replace(fold=1).astimezone(UTC))


def _checked_day(weekday: int, pairs: Sequence[tuple[str, str]]) -> list[list[str]]:
    spans = sorted(_checked_span(weekday, begins.strip(), ends.strip()) for begins, ends in pairs if begins.strip() or ends.strip())
    if len(spans) > SPANS_A_DAY:
        raise HoursNotValid(weekday, "many")
    joined: list[list[str]] = []
    for begins, ends in spans:
        if joined and begins < joined[-1][1]:
            raise HoursNotValid(weekday, "overlap")
        if joined and begins == joined[-1][1]:
            joined[-1][1] = ends
        else:
            joined.append([begins, ends])
    return joined


def _checked_span(weekday: int, begins: str, ends: str) -> tuple[str, str]:
    if not begins or not ends:
        raise HoursNotValid(weekday, "half")
    # A browser's field for a time has no 24:00: midnight at the end is the end of the day.
    ends = END_OF_DAY if ends in {"00:00", END_OF_DAY} else ends
    if not _CLOCK.fullmatch(begins) or not (ends == END_OF_DAY or _CLOCK.fullmatch(ends)):
        raise HoursNotValid(weekday, "time")
    if begins >= ends:
        raise HoursNotValid(weekday, "order")
    return begins, ends
