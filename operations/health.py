"""How lines stand: one word for a list, and the figures behind it; each figure comes for all lines in one query."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from django.db.models import Count, Min, OuterRef, Q, Subquery

from gateway.models import WebhookReceipt
from gateway.vocabulary import EXCHANGE, ORDINARY_OUTCOMES
from server.lines import limits
from server.lines.models import Line, LineUsage
from server.messaging.models import ON_ITS_WAY, Direction, Message, Status

if TYPE_CHECKING:
    from collections.abc import Collection

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
# Older than that is not looked for: a line that only sends has a hundred thousand messages in between.
LOOKS_BACK = timedelta(days=30)
# A message on its way for longer than this waits for something.
WAITS_AFTER = timedelta(minutes=10)
# So many of a week's messages give the rate; more would only cost.
RATED = 10_000
FINAL = (Status.DELIVERED, Status.UNDELIVERED, Status.FAILED)
# What was the provider's, and could not be used all the same.
PUZZLING = ("unknown word", "unknown message", "events not readable")


class Word(StrEnum):
    """The first that is true, the worst before the others."""

    OFF = "off"
    HELD = "held"
    REFUSED = "refused"
    WAITING = "waiting"
    USED_UP = "used_up"
    NEW = "new"
    WELL = "well"


@dataclass(slots=True)
class LineHealth:
    """A line at a moment. Counts by outcome are those of refused webhooks."""

    line: Line
    now: datetime
    last_inbound_at: datetime | None = None
    last_good_at: datetime | None = None
    refused_day: Counter[str] = field(default_factory=Counter)
    refused_week: Counter[str] = field(default_factory=Counter)
    on_its_way: dict[str, int] = field(default_factory=dict)
    oldest_at: datetime | None = None
    sent_today: int | None = None

    @property
    def word(self) -> Word:
        line = self.line
        checks = {
            Word.OFF: not line.is_active,
            Word.HELD: line.held_since is not None,
            Word.REFUSED: self.refused_day.total() > 0,
            Word.WAITING: self.oldest_at is not None and self.oldest_at < self.now - WAITS_AFTER,
            Word.USED_UP: line.per_day is not None and (self.sent_today or 0) >= line.per_day,
            Word.NEW: self.last_good_at is None and self.last_inbound_at is None,
        }
        return next((word for word, is_so in checks.items() if is_so), Word.WELL)

    @property
    def percent_used(self) -> int | None:
        if self.line.per_day is None:
            return None
        return min(100, 100 * (self.sent_today or 0) // self.line.per_day) if self.line.per_day else 100


def line_health(lines: Collection[Line], now: datetime) -> dict[int, LineHealth]:
    """How each of these lines stands, by id; four queries for any number of them."""
    found = {line.pk: LineHealth(line, now, sent_today=0 if limits.has_limits(line) else None) for line in lines}
    for line_id, inbound_at, good_at in _last_signs(found, now):
        found[line_id].last_inbound_at, found[line_id].last_good_at = inbound_at, good_at
    for line_id, outcome, week, day in _refusals(found, now):
        found[line_id].refused_week[outcome] = week
        if day:
            found[line_id].refused_day[outcome] = day
    for line_id, status, count, oldest_at in _on_its_way(found):
        health = found[line_id]
        health.on_its_way[status] = count
        # An unconfirmed one is looked after by itself; one that is held has its own word.
        if status in {Status.QUEUED, Status.SENDING}:
            health.oldest_at = min(oldest_at, health.oldest_at or oldest_at)
    for usage in LineUsage.objects.filter(line__in=found):
        health = found[usage.line_id]
        if health.sent_today is not None and usage.day >= limits.today_of(health.line, now):
            health.sent_today = usage.sent_on_day
    return found


@dataclass(frozen=True, slots=True)
class Rate:
    """Of the messages of a week that are over (at most ten thousand, the newest): how many arrived."""

    delivered: int
    final: int

    @property
    def percent(self) -> float | None:
        return round(100 * self.delivered / self.final, 1) if self.final else None


def delivery_rate(line: Line, now: datetime) -> Rate:
    newest = _messages_of(line).filter(direction=Direction.OUT, created_at__gt=now - WEEK).order_by("-created_at", "-id")
    ends = Counter(newest.values_list("status", flat=True)[:RATED])
    return Rate(ends[Status.DELIVERED], sum(ends[status] for status in FINAL))


def puzzling_receipts(line: Line, now: datetime) -> dict[str, int]:
    """What the provider said in the last week, and honestly, that we could make nothing of, by outcome."""
    proved = WebhookReceipt.objects.filter(line_id=line.pk, signature_ok=True, received_at__gt=now - WEEK)
    odd = proved.exclude(outcome__in=ORDINARY_OUTCOMES)
    return dict(odd.values_list("outcome").annotate(Count("pk")))


def _messages_of(line: Line):  # type: ignore[no-untyped-def]
    return Message.objects.filter(subscriber=line.subscriber_id, line=line.pk, deleted_at=None)


def _last_signs(ids: Collection[int], now: datetime) -> list[tuple[int, datetime | None, datetime | None]]:
    inbound = Message.objects.filter(
        subscriber=OuterRef("subscriber"), line=OuterRef("pk"), deleted_at=None, created_at__gt=now - LOOKS_BACK
    ).filter(direction=Direction.IN)
    # Of its provider: an exchange's say nothing of it.
    good = WebhookReceipt.objects.filter(line_id=OuterRef("pk"), signature_ok=True).exclude(provider=EXCHANGE)
    return list(
        Line.objects.filter(pk__in=ids)
        .annotate(
            last_inbound_at=Subquery(inbound.order_by("-created_at", "-id").values("created_at")[:1]),
            last_good_at=Subquery(good.order_by("-received_at").values("received_at")[:1]),
        )
        .values_list("pk", "last_inbound_at", "last_good_at")
    )


def _refusals(ids: Collection[int], now: datetime) -> list[tuple[int, str, int, int]]:
    refused = WebhookReceipt.objects.filter(line_id__in=ids, signature_ok=False, received_at__gt=now - WEEK)
    return list(
        refused.values_list("line_id", "outcome").annotate(week=Count("pk"), day=Count("pk", filter=Q(received_at__gt=now - DAY)))
    )


def _on_its_way(ids: Collection[int]) -> list[tuple[int, str, int, datetime]]:
    waiting = Message.objects.filter(status__in=ON_ITS_WAY, line__in=ids, deleted_at=None)
    return list(waiting.values_list("line", "status").annotate(count=Count("pk"), oldest_at=Min("created_at")))
