"""A filter in words, in the language that is active: for its chips, for the sheet beside a file, for the figures."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import formats
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from server.accounts.models import User
from server.contacts.erased import said_number
from server.contacts.models import Contact
from server.history.columns import name_of_origin
from server.lines.models import Line
from server.messaging.models import Conversation, Direction, Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from django.db.models import QuerySet

    from server.history.filter import HistoryFilter

FIRST_MINUTE, LAST_MINUTE = time(0, 0), time(23, 59)


def described(wanted: HistoryFilter, user: User, *, today: date | None = None) -> list[tuple[str, str]]:
    """Each condition as (its name in addresses, its words); a period is one of both names: `from,to`.

    What the person may not see is called not available, like what does not exist. Years are left out
    where they are that of `today`, and are always there without it. The order is no condition.
    """
    return list(_conditions(wanted, user, today))


def _conditions(wanted: HistoryFilter, user: User, today: date | None) -> Iterator[tuple[str, str]]:
    if wanted.since and wanted.until:
        yield "from,to", _period(wanted.since, wanted.until, today)
    elif wanted.since:
        yield "from", _("from %(time)s") % {"time": _beginning(wanted.since, today)}
    elif wanted.until:
        yield "to", _end(wanted.until, today)
    if wanted.number:
        yield "number", _("number: %(value)s") % {"value": wanted.number}
    if wanted.name:
        yield "name", _("partner's name: %(value)s") % {"value": wanted.name}
    if wanted.direction:
        yield "direction", _("direction: %(value)s") % {"value": Direction(wanted.direction).label}
    if wanted.status:
        yield "status", _("status: %(value)s") % {"value": Status(wanted.status).label}
    if wanted.line is not None:
        yield "line", _("line: %(value)s") % {"value": _one(Line.objects.visible_to(user).values_list("label"), wanted.line)}
    if wanted.colleague is not None:
        yield "colleague", _("colleague: %(value)s") % {"value": _one(_colleagues(user).values_list("name"), wanted.colleague)}
    if wanted.contact is not None:
        # A nameless number of a line that was not given is no business of theirs; the phone book has the same rule.
        theirs = Q(pk__in=Conversation.objects.visible_to(user).values("contact"))
        known = Contact.objects.filter(~Q(name="") | theirs, subscriber=user.subscriber)
        people = known.exclude(subscriber=None).values_list("name", "number")
        yield "contact", _("partner: %(value)s") % {"value": _one(people, wanted.contact)}
    if wanted.conversation is not None:
        threads = Conversation.objects.visible_to(user).values_list("contact__name", "contact__number")
        yield "conversation", _("conversation: %(value)s") % {"value": _one(threads, wanted.conversation)}
    if wanted.origin:
        yield "origin", _("origin: %(value)s") % {"value": name_of_origin(wanted.origin)}
    if wanted.text:
        yield "q", _("text: %(value)s") % {"value": wanted.text}
    if wanted.is_failed:
        yield "failed", _("only failed ones")
    if wanted.has_note:
        yield "note", _("with an internal note")
    if wanted.only:
        yield "only", _("picked by hand: %(n)s") % {"n": len(wanted.only)}


def _one(names: QuerySet[Any, Any], pk: int) -> str:
    """The name, else the number, of what has that id."""
    found = names.filter(pk=pk).first()
    if found is None:
        return _("not available")
    name, *number = found
    return name or said_number(number[0])


def _colleagues(user: User) -> QuerySet[User]:
    return User.objects.filter(subscriber=user.subscriber).exclude(subscriber=None)


# --- Periods: november 1. – 22. · November 1, 8:30 – 17:00 · December 30, 2025 – January 2, 2026


def _period(since: datetime, until: datetime, today: date | None) -> str:
    if since.time() == FIRST_MINUTE and until.time() == LAST_MINUTE:
        return _days(since.date(), until.date(), today)
    if since.date() == until.date():
        return f"{_moment(since, today)} – {_clock(until)}"
    return f"{_moment(since, today)} – {_moment(until, today)}"


def _days(first: date, last: date, today: date | None) -> str:
    if first == last:
        return _day(first, today)
    is_hungarian = get_language() == "hu"
    if first.year != last.year:
        return f"{_day(first, None)} – {_day(last, None)}"
    with_year = today is None or first.year != today.year
    tail = formats.date_format(last, ("j." if is_hungarian else "j") if first.month == last.month else _month_and_day())
    if is_hungarian:
        return f"{_day(first, today)} – {tail}"
    return f"{formats.date_format(first, 'F j')} – {tail}{f', {last.year}' if with_year else ''}"


def _beginning(since: datetime, today: date | None) -> str:
    return _day(since.date(), today) if since.time() == FIRST_MINUTE else _moment(since, today)


def _end(until: datetime, today: date | None) -> str:
    if until.time() == LAST_MINUTE:
        return _("until the end of %(time)s") % {"time": _day(until.date(), today)}
    return _("until %(time)s") % {"time": _moment(until, today)}


def _moment(minute: datetime, today: date | None) -> str:
    between = " " if get_language() == "hu" else ", "
    return f"{_day(minute.date(), today)}{between}{_clock(minute)}"


def _clock(minute: datetime) -> str:
    return f"{minute.hour}:{minute:%M}"


def _day(day: date, today: date | None) -> str:
    if today is not None and day.year == today.year:
        return formats.date_format(day, _month_and_day())
    return formats.date_format(day, "Y. F j." if get_language() == "hu" else "F j, Y")


def _month_and_day() -> str:
    return "F j." if get_language() == "hu" else "F j"
