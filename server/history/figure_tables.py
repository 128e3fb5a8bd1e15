"""The figures as tables with words, in the language that is active: behind each chart, and as the sheets of a workbook."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _

from server.history.described import described
from server.history.filter import HistoryFilter
from server.messaging.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from server.accounts.models import User
    from server.history.figures import Figures


class Share(float):
    """A part of a whole; 1 is all of it."""

    __slots__ = ()


# What a cell may hold; None is "not known", or "does not apply".
type Cell = str | int | Share | timedelta | date | datetime | None


class Table(NamedTuple):
    """`explained` says in a sentence what is counted, and how; the first cell of a row names it.

    `instead` is what is said in place of rows that could not be counted in time.
    """

    key: str
    title: str
    explained: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    instead: str = ""


def tables_of(figures: Figures, user: User, *, now: datetime) -> list[Table]:
    return [
        _messages(figures, user),
        _hours(figures, user),
        _answers(figures, user),
        _waiting(figures, now),
        _delivery(figures),
        _reasons(figures),
        _lines(figures),
        _colleagues(figures, user),
        _segments(figures),
    ]


def too_long(figures: Figures, user: User) -> str:
    """Why a figure is missing, and which period is likely to have it."""
    if figures.shorter is None:
        return _too_much()
    period = described(HistoryFilter(since=figures.shorter.since, until=figures.shorter.until), user)[0][1]
    return _(
        "The period is too long for this figure: it could not be counted in time. "
        "Please choose a shorter one, for example %(period)s."
    ) % {"period": period}


def _too_much() -> str:
    return _("There is too much for this figure: it could not be counted in time. Please narrow the filter.")


def name_of_reason(reason: str) -> str:
    return str((Reason(reason) if reason in Reason.values else Reason.OTHER).label)


def name_of_colleague(name: str) -> str:
    return name or _("Automatic (rules)")


def _messages(figures: Figures, user: User) -> Table:
    title, unit = {
        "day": (_("Messages per day"), _("Day")),
        "week": (_("Messages per week"), _("Week from")),
        "month": (_("Messages per month"), _("Month")),
    }[figures.unit]
    explained = _("Every message on the day on which it came in or was written; deleted ones are left out.")
    headings = [unit, _("Incoming"), _("Outgoing")]
    if figures.spans is None:
        return Table("messages", title, explained, headings, [], too_long(figures, user))
    return Table("messages", title, explained, headings, figures.spans)


def _hours(figures: Figures, user: User) -> Table:
    assert user.subscriber is not None
    zone = user.subscriber.timezone.split("/")[-1].replace("_", " ")
    explained = _("Incoming messages by weekday and hour, %(zone)s time; the stronger the colour, the more.") % {"zone": zone}
    headings = [_("Weekday"), *(f"{hour}:00" for hour in range(24))]
    if figures.hours is None:
        return Table("hours", _("Busiest hours"), explained, headings, [], too_long(figures, user))
    rows: list[list[Cell]] = [[str(WEEKDAYS[weekday]), *hours] for weekday, hours in enumerate(figures.hours)]
    return Table("hours", _("Busiest hours"), explained, headings, rows)


def _answers(figures: Figures, user: User) -> Table:
    explained = _(
        "From the first text that waits for an answer to the next outgoing message, a colleague's or a rule's. "
        "It counts in the period in which the customer wrote."
    )
    headings = ["", _("Value")]
    if figures.answers is None:
        return Table("answers", _("First answer"), explained, headings, [], too_long(figures, user))
    took = figures.answers.all
    rows: list[list[Cell]] = [
        [_("Half of the answers came within (median)"), took.median if took else None],
        [_("Nine of ten came within (90th percentile)"), took.ninetieth if took else None],
        [_("Answered"), took.answered if took else 0],
        [_("Without an answer"), figures.answers.unanswered],
        [_("… of these still waiting"), figures.answers.waiting],
    ]
    return Table("answers", _("First answer"), explained, headings, rows)


def _waiting(figures: Figures, now: datetime) -> Table:
    explained = _("Conversations that wait for an answer at this moment, the longest wait first, whatever the period.")
    headings = [_("Partner"), _("Number"), _("Line"), _("Assigned to"), _("Waiting since"), _("Has waited")]
    if figures.waiting is None:
        return Table("waiting", _("Waiting longest now"), explained, headings, [], _too_much())
    rows: list[list[Cell]] = [
        [
            each.contact.name or "–",
            each.contact.display_number,
            each.line.label,
            each.assignee.name if each.assignee else "–",
            each.waiting_since,
            now - each.waiting_since if each.waiting_since else None,
        ]
        for each in figures.waiting
    ]
    return Table("waiting", _("Waiting longest now"), explained, headings, rows)


def _delivery(figures: Figures) -> Table:
    explained = _("The rate is the delivered among those whose end is known; those on their way or without a report are left out.")
    delivery = figures.delivery
    rows: list[list[Cell]] = [
        [_("Delivered"), delivery.delivered],
        [_("Sent, no report so far"), delivery.sent],
        [_("On their way"), delivery.open],
        [_("Not sent or not delivered"), delivery.failed],
        [_("Rate of delivery"), None if delivery.rate is None else Share(delivery.rate)],
    ]
    return Table("delivery", _("Delivery"), explained, ["", _("Messages")], rows)


def _reasons(figures: Figures) -> Table:
    explained = _("Outgoing messages that were not sent or not delivered, by the reason that we were given.")
    rows: list[list[Cell]] = [[name_of_reason(reason), messages] for reason, messages in figures.reasons]
    return Table("reasons", _("Why messages failed"), explained, [_("Reason"), _("Messages")], rows)


def _lines(figures: Figures) -> Table:
    explained = _("Messages of each line that you may see, the busiest line first.")
    headings = [_("Line"), _("Incoming"), _("Outgoing"), _("Failed"), _("Segments")]
    return Table("lines", _("By line"), explained, headings, figures.lines)


def _colleagues(figures: Figures, user: User) -> Table:
    explained = (
        _("Who wrote how much; an answer is the first message after a customer's, and its time is the median.")
        if user.sees_all_lines
        else _("Your own messages and first answers; those of others only supervisors and administrators see.")
    )
    if figures.answers is None:
        explained = " ".join([explained, _("Answers could not be counted in time.")])
    headings = [_("Colleague"), _("Outgoing"), _("Failed"), _("Segments"), _("Answers"), _("Median answer time")]
    rows: list[list[Cell]] = [[name_of_colleague(each.name), *each[1:]] for each in figures.colleagues]
    return Table("colleagues", _("By colleague"), explained, headings, rows)


def _segments(figures: Figures) -> Table:
    explained = _("Providers bill outgoing messages by the segment: 160 characters, but only 70 if there is an á, í, ó, ő, ú or ű.")
    rows: list[list[Cell]] = [
        [_("Outgoing messages"), figures.outbound],
        [_("Segments"), figures.segments],
        [_("Segments without accents"), figures.segments - figures.saved],
        [_("What accents cost"), figures.saved],
        [_("Their share"), Share(figures.saved / figures.segments) if figures.segments else None],
    ]
    return Table("segments", _("SMS segments"), explained, ["", _("Value")], rows)
