"""Figures as people read them: durations, shares, days; one way on the page, in a chart and in its table."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.utils import formats
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from chatui.templatetags.fonal import HUNGARIAN_DAYS, amount, table_time
from server.history.figure_tables import Share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from server.history.figures import Span

UNKNOWN = "–"


def duration(took: timedelta) -> str:
    """The two largest units, on one line: 20 s, 3 min 20 s, 2 h 5 min, 1 d 4 h."""
    return _duration(max(0, round(took.total_seconds()))).replace(" ", "\N{NO-BREAK SPACE}")


def _duration(seconds: int) -> str:
    if seconds < 60:
        return _("%(s)s s") % {"s": seconds}
    if seconds < 3600:
        return _pair(divmod(seconds, 60), _("%(min)s min"), _("%(min)s min %(s)s s"), ("min", "s"))
    if seconds < 86_400:
        return _pair(divmod(seconds // 60, 60), _("%(h)s h"), _("%(h)s h %(min)s min"), ("h", "min"))
    return _pair(divmod(seconds // 3600, 24), _("%(d)s d"), _("%(d)s d %(h)s h"), ("d", "h"))


def wait(so_far: timedelta) -> str:
    """Of what still goes on nobody wants the seconds."""
    return duration(max(timedelta(minutes=1), so_far - so_far % timedelta(minutes=1)))


def _pair(parts: tuple[int, int], alone: str, both: str, names: tuple[str, str]) -> str:
    return (both if parts[1] else alone) % dict(zip(names, (amount(parts[0]), parts[1]), strict=True))


def percent(share: float) -> str:
    """97.4 %, never 100 % when something is missing, nor 0 % when something is there."""
    said = min(round(share * 100, 1), 99.9) if share < 1 else 100
    said = max(said, 0.1) if share > 0 else 0
    number = formats.number_format(said, 0 if said in {0, 100} else 1)
    return _("%(number)s%%") % {"number": number}


def day(start: date, unit: str) -> str:
    """A span in full: Monday, November 16, 2026; a week by its first day; November 2026."""
    is_hungarian = get_language() == "hu"
    if unit == "month":
        return formats.date_format(start, "Y. F" if is_hungarian else "F Y")
    if unit == "week":
        return formats.date_format(start, "Y. F j." if is_hungarian else "F j, Y")
    return formats.date_format(start, "Y. F j., l" if is_hungarian else "l, F j, Y")


def short_day(start: date, unit: str, *, has_year: bool = False) -> str:
    is_hungarian = get_language() == "hu"
    if unit == "month":
        return formats.date_format(start, "Y. N" if is_hungarian else "M Y")
    if has_year:
        return formats.date_format(start, "Y. N j." if is_hungarian else "M j, Y")
    return formats.date_format(start, "N j." if is_hungarian else "M j")


def needs_years(spans: Sequence[Span]) -> bool:
    """From November to January everybody knows which year; over a whole one a date stands for two days."""
    return bool(spans) and spans[0].start.year != spans[-1].start.year and (spans[-1].start - spans[0].start).days > 330


def short_weekday(weekday: int) -> str:
    return HUNGARIAN_DAYS[weekday] if get_language() == "hu" else str(WEEKDAYS_ABBR[weekday])


def span_title(span: Span, unit: str) -> str:
    when = day(span.start, unit)
    if unit == "week":
        when = _("The week from %(day)s") % {"day": when}
    return _("%(day)s: %(incoming)s in, %(outgoing)s out") % {
        "day": when,
        "incoming": amount(span.inbound),
        "outgoing": amount(span.outbound),
    }


def hour_title(weekday: int, hour: int, count: int) -> str:
    return _("%(weekday)s %(hour)s–%(next)s: %(n)s") % {
        "weekday": WEEKDAYS[weekday],
        "hour": f"{hour}:00",
        "next": f"{hour + 1}:00",
        "n": amount(count),
    }


def cell(value: Any, *, unit: str, zone: str) -> str:
    """What stands in a table's cell."""
    match value:
        case None:
            return UNKNOWN
        case str():
            return value
        case Share():
            return percent(value)
        case timedelta():
            return duration(value)
        case datetime():
            return table_time(value, zone)
        case date():
            return day(value, unit)
        case _:
            return amount(value)
