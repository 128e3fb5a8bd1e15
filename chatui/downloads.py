"""What is shown of exports: how far one has got, and what a new one would hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from chatui.keeping import address_of
from server.history import exporting
from server.history.described import described
from server.history.exporting import exports_of, seconds_left
from server.history.filter import FilterNotValid, HistoryFilter
from server.history.models import UNFINISHED, Export, ExportFormat, ExportStatus
from server.history.patience import Patience
from server.history.rows import unordered_rows
from server.lines.models import Line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    from server.accounts.models import User

FILTER, ALL = "filter", "all"
# Somebody looks at an empty dialog meanwhile.
PATIENCE_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Card:
    """An export as its person sees it; `seconds` are those it will still take, as far as that is known."""

    export: Export
    words: str
    query: str
    seconds: int | None

    @property
    def most(self) -> int:
        # While it was made more may have come in than were counted before.
        return max(1, self.export.rows_expected, self.export.rows_done)

    @property
    def file_name(self) -> str:
        return exporting.file_name(self.export)

    @property
    def zone(self) -> str:
        return self.export.user.subscriber.timezone

    @property
    def again(self) -> str:
        return again(self.query)


def card_of(export: Export, *, now: datetime) -> Card:
    return Card(
        export=export,
        words=words_for(export, export.user, now=now),
        query=filter_of(export).query,
        seconds=seconds_left(export, now=now) if export.is_unfinished else None,
    )


def words_for(export: Export, reader: User, *, now: datetime) -> str:
    """What its filter says to somebody: what they may not see is not named."""
    return " · ".join(words_of(filter_of(export), reader, now)) or _("All messages")


def cards_of(user: User, *, now: datetime) -> list[Card]:
    """Those of the last 24 hours, newest first."""
    return [card_of(export, now=now) for export in _owned(exports_of(user, now=now), user)]


def unfinished_cards_of(user: User, *, now: datetime) -> list[Card]:
    """What every page shows of them."""
    unfinished = exports_of(user, now=now).filter(status__in=UNFINISHED)
    return [card_of(export, now=now) for export in _owned(unfinished, user) if is_shown_everywhere(export)]


def cards_since(user_ids: Collection[int], since: datetime, *, now: datetime) -> list[Card]:
    """What has changed of these people's exports since a moment."""
    found = Export.objects.filter(Q(status__in=UNFINISHED) | Q(finished_at__gte=since), user__in=user_ids)
    shown = found.exclude(status=ExportStatus.EXPIRED).select_related("subscriber", "user__subscriber").order_by("id")
    return [card_of(export, now=now) for export in shown if is_shown_everywhere(export)]


def is_shown_everywhere(export: Export) -> bool:
    """Small ones are there before anybody could look at a card."""
    return export.rows_expected > exporting.SMALL or export.attempts > 1


def _owned(exports: Iterable[Export], user: User) -> Iterator[Export]:
    for export in exports:
        export.user, export.subscriber = user, user.subscriber
        yield export


def filter_of(export: Export) -> HistoryFilter:
    try:
        return HistoryFilter.read(export.values)
    except FilterNotValid:
        # Written by an older version of us.
        return HistoryFilter()


def words_of(wanted: HistoryFilter, user: User, now: datetime) -> list[str]:
    return [text for _name, text in described(wanted, user, today=timezone.localdate(now, ZoneInfo(user.subscriber.timezone)))]


def again(query: str) -> str:
    return address_of("export_new", query)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a file could hold; `rows` None: too many to be counted while somebody waits."""

    scope: str
    wanted: HistoryFilter
    words: list[str]
    rows: int | None

    @property
    def is_picked(self) -> bool:
        return bool(self.wanted.only)

    @property
    def is_thread(self) -> bool:
        return set(self.wanted.values) <= {"conversation", "oldest"}


@dataclass(frozen=True, slots=True)
class Offer:
    """The dialog behind "Download": one or two choices, a format, and where it comes from."""

    wanted: HistoryFilter
    choices: list[Choice]
    lines: str
    scope: str
    format: str
    formats: type[ExportFormat] = ExportFormat

    @property
    def fields(self) -> list[tuple[str, str]]:
        return list(self.wanted.values.items())

    @property
    def query(self) -> str:
        return self.wanted.query

    @property
    def is_empty(self) -> bool:
        return all(choice.rows == 0 for choice in self.choices)


def offer_to(user: User, wanted: HistoryFilter, *, now: datetime, scope: str = "", format_: str = "") -> Offer:
    everything = everything_like(wanted)
    wishes = {ALL: everything} if wanted.is_empty else {FILTER: wanted}
    if not (wanted.is_empty or wanted.only or wanted.conversation):
        wishes[ALL] = everything
    return Offer(
        wanted=wanted,
        choices=[Choice(name, wish, words_of(wish, user, now), counted(user, wish)) for name, wish in wishes.items()],
        lines=", ".join(Line.objects.visible_to(user).order_by("label").values_list("label", flat=True)),
        scope=scope if scope in wishes else next(iter(wishes)),
        format=format_ if format_ in ExportFormat.values else ExportFormat.XLSX,
    )


def everything_like(wanted: HistoryFilter) -> HistoryFilter:
    """All messages, in the same order."""
    return HistoryFilter(oldest_first=wanted.oldest_first)


def counted(user: User, wanted: HistoryFilter) -> int | None:
    """How many rows exactly; None when that takes the database too long."""
    return Patience(PATIENCE_SECONDS).wait_or_give_up(lambda: unordered_rows(user, wanted).count())
