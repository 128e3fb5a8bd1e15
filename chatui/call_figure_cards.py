"""The figures of missed calls and promises as their page draws them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from chatui import figure_words as words
from chatui.charts import Bars, Columns, bars_of, columns_of
from chatui.figure_cards import MOST_BARS, Card
from chatui.templatetags.fonal import amount
from server.history.call_figures import CallFigures, name_of_promise, name_of_who, tables_of
from server.history.figures import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from server.history.call_figures import FollowUp

_STYLES = {"kept": "good", "late": "wait", "open": "quiet", "overdue": "bad"}


@dataclass(frozen=True)
class ShownCalls:
    found: CallFigures
    zone: str

    @cached_property
    def cards(self) -> dict[str, Card]:
        return {table.key: Card(table, self.found.unit, self.zone) for table in tables_of(self.found)}

    @cached_property
    def period(self) -> str:
        first, last = (words.day(day, "week") for day in (self.found.since, self.found.until))
        return first if first == last else f"{first} – {last}"

    @cached_property
    def columns(self) -> Columns:
        spans = [Span(start, each.missed, each.followed_up) for start, each in self.found.spans.items()]
        return columns_of(
            spans,
            label=lambda span: words.short_day(span.start, self.found.unit, has_year=words.needs_years(spans)),
            title=self._title,
            number=amount,
            styles=("bad", "good"),
        )

    def _title(self, span: Span) -> str:
        return _("%(day)s: %(missed)s missed, %(followed_up)s followed up") % {
            "day": words.day(span.start, self.found.unit),
            "missed": amount(span.inbound),
            "followed_up": amount(span.outbound),
        }

    @cached_property
    def lines(self) -> Bars:
        return self._bars(self.found.lines)

    @cached_property
    def colleagues(self) -> Bars:
        return self._bars({name_of_who(name): each for name, each in self.found.colleagues.items()})

    @cached_property
    def promises(self) -> Bars:
        counted = [(state, self.found.promises[state]) for state in _STYLES if self.found.promises[state]]
        return bars_of([(name_of_promise(state), amount(n), [(_STYLES[state], n)]) for state, n in counted])

    @cached_property
    def share(self) -> str:
        share = self.found.all.share
        return words.UNKNOWN if share is None else words.percent(share)

    @cached_property
    def within(self) -> str:
        took = self.found.all.median
        return words.UNKNOWN if took is None else words.duration(took)

    @cached_property
    def kept(self) -> str:
        """Of the promises whose end is known."""
        of = self.found.promises
        ended = of.total() - of["open"]
        return words.percent(of["kept"] / ended) if ended else words.UNKNOWN

    def _bars(self, counted: Mapping[str, FollowUp]) -> Bars:
        return bars_of(
            [
                (name, amount(each.missed), [("good", each.followed_up), ("bad", each.open)])
                for name, each in [*counted.items()][:MOST_BARS]
            ]
        )
