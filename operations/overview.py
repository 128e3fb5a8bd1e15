"""How companies stand, for a page of them at a glance; every figure comes for all of the page in one query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Exists, IntegerField, OuterRef, Q, Subquery
from django.utils import timezone

from gateway.models import WebhookReceipt
from operations.health import WAITS_AFTER
from server.accounts.models import Subscriber, User
from server.history.rows import COUNTED_UP_TO
from server.lines.models import Line
from server.messaging.models import Conversation, Direction, Message, Status

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.db.models import QuerySet

# One that is unconfirmed is looked after by itself.
WAITING = (Status.QUEUED, Status.HELD, Status.SENDING)
# A company that gets no text for so long had better be asked whether its line still works.
QUIET_AFTER = timedelta(days=7)


class Health(StrEnum):
    """The first that is true, the worst before the others."""

    OFF = "off"
    HELD = "held"
    REFUSED = "refused"
    NO_LINE = "no_line"
    WAITING = "waiting"
    QUIET = "quiet"
    NEW = "new"
    WELL = "well"


@dataclass(slots=True)
class Standing:
    """A company, as a row of the list shows it; `messages` of this month is None when there are more than can be counted."""

    subscriber: Subscriber
    lines: int = 0
    people: int = 0
    messages: int | None = 0
    inbound: int = 0
    latest_at: datetime | None = None
    health: Health = Health.WELL
    held: int = 0
    refused: int = 0
    waiting: int = 0

    @property
    def outbound(self) -> int:
        return (self.messages or 0) - self.inbound


class _CountOf(Subquery):
    """How many rows a subquery has; its own end bounds what that may cost."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


class _InboundOf(Subquery):
    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted WHERE counted.direction = 'in')"
    output_field = IntegerField()


def standings(ids: Collection[int], *, now: datetime) -> list[Standing]:
    """The companies with these ids, in their order."""
    rows = {row.pk: row for row in _with_figures(Subscriber.objects.filter(pk__in=ids), now)}
    found = {pk: _standing(rows[pk]) for pk in ids if pk in rows}
    _count_inbound(found, now)
    _add_lines_and_receipts(found, now)
    for pk, standing in found.items():
        standing.health = _health(standing, rows[pk])
    return list(found.values())


def begin_of_month(now: datetime) -> datetime:
    """By the operator's own calendar."""
    return timezone.localtime(now).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _with_figures(subscribers: QuerySet[Subscriber], now: datetime) -> QuerySet[Subscriber, Any]:
    latest = Conversation.objects.filter(subscriber=OuterRef("pk")).order_by("-latest_at", "-pk").values("latest_at")[:1]
    on_their_way = Message.objects.filter(
        subscriber=OuterRef("pk"), status__in=WAITING, created_at__lt=now - WAITS_AFTER, deleted_at=None
    )
    return subscribers.select_related("activation").annotate(
        people=Count("users", filter=Q(users__is_active=True)),
        latest_at=Subquery(latest),
        messages=_CountOf(_newest(now).values("pk")),
        received=Exists(_recent(now)),
        waiting=_CountOf(on_their_way.values("pk")[:COUNTED_UP_TO]),
    )


def _newest(now: datetime) -> QuerySet[Message]:
    """This month's messages of a company, read from the index of the newest."""
    found = Message.objects.filter(subscriber=OuterRef("pk"), deleted_at=None, created_at__gte=begin_of_month(now))
    return found.order_by("-created_at", "-pk")[: COUNTED_UP_TO + 1]


def _recent(now: datetime) -> QuerySet[Message]:
    return Message.objects.filter(
        subscriber=OuterRef("pk"), deleted_at=None, created_at__gte=now - QUIET_AFTER, direction=Direction.IN
    )


def _standing(row: Any) -> Standing:
    messages = None if row.messages > COUNTED_UP_TO else row.messages
    return Standing(subscriber=row, people=row.people, messages=messages, latest_at=row.latest_at, waiting=row.waiting)


def _count_inbound(found: dict[int, Standing], now: datetime) -> None:
    """Only of those that can be counted: their direction stands in the rows, not in the index."""
    countable = [pk for pk, standing in found.items() if standing.messages]
    inbound = Subscriber.objects.filter(pk__in=countable).annotate(inbound=_InboundOf(_newest(now).values("direction")))
    for pk, number in inbound.values_list("pk", "inbound"):
        found[pk].inbound = number


def _add_lines_and_receipts(found: dict[int, Standing], now: datetime) -> None:
    owners: dict[int, int] = {}
    lines = Line.objects.filter(subscriber__in=found, is_active=True)
    for pk, subscriber_id, held_since in lines.values_list("pk", "subscriber", "held_since"):
        owners[pk] = subscriber_id
        found[subscriber_id].lines += 1
        found[subscriber_id].held += held_since is not None
    refused = WebhookReceipt.objects.filter(received_at__gte=now - timedelta(days=1), signature_ok=False, line_id__in=owners)
    for line_id, number in refused.values_list("line_id").annotate(number=Count("pk")).order_by():
        found[owners[line_id]].refused += number


def _health(standing: Standing, row: Any) -> Health:
    if not standing.subscriber.has_sms:
        return Health.OFF
    if standing.held:
        return Health.HELD
    if standing.refused:
        return Health.REFUSED
    if not standing.lines:
        return Health.NO_LINE
    if standing.waiting:
        return Health.WAITING
    if standing.latest_at is None:
        return Health.NEW
    return Health.WELL if row.received else Health.QUIET


def waiting_to_go_out(subscriber: Subscriber) -> int:
    """The messages that go out as soon as sending is possible again."""
    waiting = Message.objects.filter(subscriber=subscriber, status__in=(Status.QUEUED, Status.HELD), deleted_at=None)
    return min(COUNTED_UP_TO, waiting.count())


def people_of(subscriber: Subscriber) -> QuerySet[User]:
    """Administrators first, then by name; those who have left, last."""
    return subscriber.users.order_by("-is_active", "name", "pk")
