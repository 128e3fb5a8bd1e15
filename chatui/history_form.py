"""The panel "Szűrő" (filter): what an address asks for, what is wrong with it, and what one can choose from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _

from server.accounts.models import User
from server.history.columns import name_of_origin
from server.history.described import described
from server.history.filter import NAMES, FilterNotValid, HistoryFilter
from server.lines.models import Line
from server.messaging.models import Direction, Origin, Status
from server.wording import fold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest, QueryDict

# Conditions in the fold "More filters".
FOLDED = ("name", "line", "colleague", "origin", "failed", "note", "oldest")
# Conditions without a field: they come by a link, and go by their chip.
CARRIED = ("contact", "conversation", "only")


@dataclass(frozen=True, slots=True)
class Chip:
    """A condition in words, and the address parameters without it."""

    names: str
    text: str
    query: str


@dataclass(frozen=True, slots=True)
class Period:
    """A period that one click sets; `query` keeps the other conditions."""

    text: str
    query: str
    is_set: bool


@dataclass(frozen=True)
class AskedFilter:
    """A filter as a page asks for it. With problems `wanted` is empty, and no rows must be shown."""

    user: User
    wanted: HistoryFilter
    typed: dict[str, str]
    problems: dict[str, Any] = field(default_factory=dict)

    @property
    def is_valid(self) -> bool:
        return not self.problems

    @property
    def status(self) -> int:
        return 200 if self.is_valid else 422

    @property
    def query(self) -> str:
        """What is asked for, as an address says it: valid or not, without empty fields."""
        return urlencode(self.typed)

    @property
    def first_problem(self) -> str:
        """The field to put the cursor into."""
        return next((name for name in NAMES.values() if name in self.problems), "")

    @property
    def folded_away(self) -> int:
        """How many conditions are set in the fold."""
        return sum(1 for name in FOLDED if self.typed.get(name))

    @property
    def has_folded_problem(self) -> bool:
        return any(name in self.problems for name in FOLDED)

    @property
    def without_dates(self) -> HistoryFilter | None:
        """The same filter at any time; None when it asks for no time."""
        return self.wanted.without("from", "to") if self.wanted.since or self.wanted.until else None

    @cached_property
    def chips(self) -> list[Chip]:
        return [
            Chip(names, text, self.wanted.without(*names.split(",")).query)
            for names, text in described(self.wanted, self.user, today=self.today)
        ]

    @cached_property
    def lines(self) -> list[tuple[str, str]]:
        seen = Line.objects.visible_to(self.user).order_by("label", "pk").values_list("pk", "label")
        return [(str(pk), label) for pk, label in seen]

    @cached_property
    def colleagues(self) -> list[tuple[str, str]]:
        """Those who are here, then those who have left: what they wrote is still there."""
        ours = User.objects.filter(subscriber_id=self.user.subscriber_id).exclude(subscriber_id=None)
        people = ours.order_by("-is_active", "name").values_list("pk", "name", "is_active")
        return [(str(pk), name if is_here else _("%(name)s (has left)") % {"name": name}) for pk, name, is_here in people]

    @property
    def directions(self) -> list[tuple[str, Any]]:
        return Direction.choices

    @property
    def statuses(self) -> list[tuple[str, Any]]:
        return Status.choices

    @property
    def origins(self) -> list[tuple[str, Any]]:
        return [(origin, name_of_origin(origin)) for origin in Origin.values]

    @property
    def orders(self) -> list[tuple[str, str]]:
        return [("1", _("Oldest first"))]

    @property
    def carried(self) -> list[tuple[str, str]]:
        return [(name, self.typed[name]) for name in CARRIED if self.typed.get(name)]

    @cached_property
    def today(self) -> date:
        """In the subscriber's zone, whose wall clock the filter goes by."""
        assert self.user.subscriber is not None
        return timezone.now().astimezone(ZoneInfo(self.user.subscriber.timezone)).date()

    @property
    def start_of_today(self) -> str:
        return f"{self.today} 00:00"

    @property
    def end_of_today(self) -> str:
        return f"{self.today} 23:59"

    @property
    def zone(self) -> str:
        assert self.user.subscriber is not None
        return self.user.subscriber.timezone.split("/")[-1].replace("_", " ")

    @cached_property
    def periods(self) -> list[Period]:
        return periods_of(self.wanted, _proposed(self.today))


def read_filter(request: HttpRequest) -> AskedFilter:
    """The filter in the address of a page of a subscriber's person."""
    return filter_of(request.user, request.GET)


def filter_of(user: User, values: QueryDict) -> AskedFilter:
    """What was typed into the panel, or stands in an address."""
    try:
        wanted = HistoryFilter.read(_with_days(values, user))
    except FilterNotValid as refusal:
        typed = {name: values[name] for name in NAMES.values() if values.get(name)}
        return AskedFilter(user, HistoryFilter(), typed, refusal.problems)
    return AskedFilter(user, wanted, wanted.values)


_DAYS_AGO = {"ma": 0, "today": 0, "tegnap": 1, "yesterday": 1}


def _with_days(values: QueryDict, user: User) -> QueryDict:
    """Today and yesterday as days: a filter itself knows of no clock."""
    said = {name: values[name].split() for name in ("from", "to") if values.get(name)}
    ago = {name: _DAYS_AGO.get(fold(words[0])) for name, words in said.items() if words}
    if all(days is None for days in ago.values()):
        return values
    values, today = values.copy(), AskedFilter(user, HistoryFilter(), {}).today
    for name, days in ago.items():
        if days is not None:
            values[name] = " ".join([str(today - timedelta(days=days)), *said[name][1:]])
    return values


def periods_of(wanted: HistoryFilter, proposed: Iterable[tuple[str, date, date]]) -> list[Period]:
    """Periods of whole days, each with the filter's other conditions."""
    kept, is_set = wanted.without("from", "to").values, (wanted.values.get("from"), wanted.values.get("to"))
    written = [(text, f"{since} 00:00", f"{until} 23:59") for text, since, until in proposed]
    return [
        Period(text, urlencode({"from": since, "to": until} | kept), (since, until) == is_set) for text, since, until in written
    ]


def _proposed(today: date) -> list[tuple[str, date, date]]:
    monday, first = today - timedelta(days=today.weekday()), today.replace(day=1)
    last_of_previous = first - timedelta(days=1)
    return [
        (_("Today"), today, today),
        (_("Yesterday"), today - timedelta(days=1), today - timedelta(days=1)),
        (_("This week"), monday, today),
        (_("This month"), first, today),
        (_("Last month"), last_of_previous.replace(day=1), last_of_previous),
        (_("Last 30 days"), today - timedelta(days=29), today),
    ]
