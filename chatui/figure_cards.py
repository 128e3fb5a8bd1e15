"""The figures as the page draws them: key numbers, charts, and each chart's table as text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from chatui import figure_words as words
from chatui.charts import Bars, Columns, HeatMap, bars_of, columns_of, heat_map_of
from chatui.templatetags.fonal import amount
from server.history.described import described
from server.history.figure_tables import name_of_colleague, name_of_reason, tables_of
from server.history.figures import OF_THREADS

if TYPE_CHECKING:
    from datetime import date, datetime

    from server.accounts.models import User
    from server.history.answer_times import Took
    from server.history.figure_tables import Table
    from server.history.figures import Figures
    from server.messaging.models import Conversation

# More bars than these would make a card of nothing but bars; the table has all.
MOST_BARS = 10


def conditions_of(figures: Figures, user: User, today: date | None = None) -> list[str]:
    """The filter in words, the period first: said to be the last thirty days where nobody asked for one."""
    conditions = [text for _name, text in described(figures.wanted, user, today=today)]
    if figures.is_default:
        conditions[0] = _("the last 30 days, %(period)s") % {"period": conditions[0]}
    return conditions


@dataclass(frozen=True)
class Shown:
    """The figures with their charts and tables, as the page draws them."""

    figures: Figures
    user: User
    today: date
    moment: datetime

    @cached_property
    def period(self) -> str:
        return " · ".join(conditions_of(self.figures, self.user, self.today))

    @cached_property
    def cards(self) -> dict[str, Card]:
        return {
            table.key: Card(table, self.figures.unit, self.user.subscriber.timezone)
            for table in tables_of(self.figures, self.user, now=self.moment)
        }

    @cached_property
    def columns(self) -> Columns:
        unit, has_year = self.figures.unit, words.needs_years(self.figures.spans)
        return columns_of(
            self.figures.spans,
            label=lambda span: words.short_day(span.start, unit, has_year=has_year),
            title=lambda span: words.span_title(span, unit),
            number=amount,
        )

    @cached_property
    def heat_map(self) -> HeatMap:
        weekdays = [words.short_weekday(weekday) for weekday in range(7)]
        return heat_map_of(self.figures.hours, weekdays=weekdays, title=words.hour_title)

    @cached_property
    def answered_within(self) -> str:
        took = self._took
        return words.duration(took.median) if took else words.UNKNOWN

    @cached_property
    def nine_of_ten_within(self) -> str:
        took = self._took
        return words.duration(took.ninetieth) if took else words.UNKNOWN

    @property
    def _took(self) -> Took | None:
        return self.figures.answers and self.figures.answers.all

    @cached_property
    def rate(self) -> str:
        rate = self.figures.delivery.rate
        return words.UNKNOWN if rate is None else words.percent(rate)

    @cached_property
    def rate_in_words(self) -> str:
        of = self.figures.delivery
        if of.rate is None:
            return _("There is no report of any of them so far.")
        return _("%(share)s of %(n)s whose end is known") % {"share": self.rate, "n": amount(of.delivered + of.failed)}

    @cached_property
    def delivery(self) -> Bars:
        of = self.figures.delivery
        parts = [
            (_("Delivered"), "good", of.delivered),
            (_("Sent, no report so far"), "out", of.sent),
            (_("On their way"), "quiet", of.open),
            (_("Not sent or not delivered"), "bad", of.failed),
        ]
        return bars_of([(label, amount(number), [(style, number)]) for label, style, number in parts if number])

    @cached_property
    def reasons(self) -> Bars:
        found = self.figures.reasons[:MOST_BARS]
        return bars_of([(name_of_reason(reason), amount(number), [("bad", number)]) for reason, number in found])

    @cached_property
    def lines(self) -> Bars:
        return bars_of(
            [
                (line.name, amount(line.inbound + line.outbound), [("in", line.inbound), ("out", line.outbound)])
                for line in self.figures.lines[:MOST_BARS]
            ]
        )

    @cached_property
    def colleagues(self) -> Bars:
        return bars_of(
            [
                (name_of_colleague(each.name), amount(each.outbound), [("out", each.outbound - each.failed), ("bad", each.failed)])
                for each in self.figures.colleagues[:MOST_BARS]
            ]
        )

    @cached_property
    def segments(self) -> Bars:
        needed = self.figures.segments - self.figures.saved
        label = _("Segments of outgoing messages")
        return bars_of([(label, amount(self.figures.segments), [("out", needed), ("wait", self.figures.saved)])])

    @cached_property
    def saved_in_words(self) -> str:
        """What the composer's button "send without accents" would have saved."""
        if not self.figures.saved:
            return _("Accents cost nothing in this period.")
        return _("Accents cost %(saved)s of %(all)s segments: without them %(needed)s would have done, %(share)s less.") % {
            "saved": amount(self.figures.saved),
            "all": amount(self.figures.segments),
            "needed": amount(self.figures.segments - self.figures.saved),
            "share": words.percent(self.figures.saved / self.figures.segments),
        }

    @cached_property
    def unheeded(self) -> list[str]:
        """The conditions that say nothing about who waits: they are of single messages."""
        conditions = described(self.figures.wanted, self.user, today=self.today)
        # That the period does not matter is said anyway.
        return [text for name, text in conditions if name not in (*OF_THREADS, "from,to", "from", "to")]

    @cached_property
    def waits(self) -> list[tuple[Conversation, str]]:
        return [(each, words.wait(self.moment - each.waiting_since)) for each in self.figures.waiting or () if each.waiting_since]


@dataclass(frozen=True)
class Card:
    """A figure's words and its table as text."""

    table: Table
    unit: str
    zone: str

    @cached_property
    def rows(self) -> list[tuple[str, list[str]]]:
        written = [[words.cell(value, unit=self.unit, zone=self.zone) for value in row] for row in self.table.rows]
        return [(heading, cells) for heading, *cells in written]
