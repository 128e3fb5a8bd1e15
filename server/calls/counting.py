"""Counting what goes out by itself: each count is one conditional UPDATE in the transaction of a claim.

So any number of dispatchers keep to the limits together. A row that is not there yet is put there first, empty.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import F, Q

from server.calls.models import DayUsage, MinuteUsage, NumberUsage, RuleUsage
from server.lines.limits import MINUTE, later_of, one_more

if TYPE_CHECKING:
    from datetime import date

    from django.db.models import Manager, Model, QuerySet

    from server.accounts.models import Subscriber
    from server.calls.models import CallRule

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
# Longer than any cool-down, and than a day anywhere.
KEPT_FOR = timedelta(days=31)


def count_for_number(subscriber: Subscriber, number: str, day: date, *, limit: int) -> bool:
    """Whether the number had room for one more on this day; then it is counted."""
    room, counting = _one_more_within("day", day, "sent_on_day", limit)
    return _count(NumberUsage(subscriber=subscriber, number=number, day=day), room, counting, subscriber=subscriber, number=number)


def count_for_rule(rule: CallRule, number: str, now: datetime) -> bool:
    """Whether the rule has not written to the number for as long as its cool-down is; then it has now."""
    room = Q(sent_at__lte=now - cool_down(rule))
    return _count(RuleUsage(rule=rule, number=number, sent_at=LONG_AGO), room, {"sent_at": now}, rule=rule, number=number)


def count_for_day(subscriber: Subscriber, day: date, *, limit: int) -> bool:
    """Whether the company's day had room for one more; then it is counted."""
    room, counting = _one_more_within("day", day, "sent_on_day", limit)
    return _count(DayUsage(subscriber=subscriber, day=day), room, counting, subscriber=subscriber)


def is_first_told(subscriber: Subscriber, day: date, *, limit: int) -> bool:
    """Whether the company's day is used up and nobody has been told of it yet; then somebody is now."""
    used_up = DayUsage.objects.filter(subscriber=subscriber, day=day, sent_on_day__gte=limit)
    return bool(used_up.filter(Q(told_on=None) | Q(told_on__lt=day)).update(told_on=day))


def count_for_minute(subscriber: Subscriber, now: datetime, *, limit: int) -> bool:
    """Whether the company's minute had room for one more; then it is counted."""
    minute = minute_of(now)
    room, counting = _one_more_within("minute", minute, "sent_in_minute", limit)
    return _count(MinuteUsage(subscriber=subscriber, minute=minute), room, counting, subscriber=subscriber)


def _one_more_within(span: str, current: object, count: str, limit: int) -> tuple[Q, dict[str, Any]]:
    """The condition that a day or minute has room for one more, and what counts it."""
    room = Q(**{f"{span}__lt": current}) | Q(**{f"{count}__lt": limit})
    return room, {count: one_more(span, current, count), span: later_of(span, current)}


def _count(empty: Model, room: Q, counting: dict[str, Any], **key: Any) -> bool:
    """Count in the row of this key, where there is room; `empty` is put there first when there is none."""
    usages: Manager[Any] = type(empty)._default_manager
    rows = usages.filter(**key)
    while not rows.filter(room).update(**counting):
        if rows.exists():
            return False
        usages.bulk_create([empty], ignore_conflicts=True)
    return True


def uncount_for_number(subscriber_id: int, number: str, day: date) -> None:
    counted = NumberUsage.objects.filter(subscriber=subscriber_id, number=number, day=day, sent_on_day__gt=0)
    counted.update(sent_on_day=F("sent_on_day") - 1)


def uncount_for_rule(rule_id: int, number: str, counted_at: datetime) -> None:
    """The rule has not written to the number after all, unless it did so again since."""
    RuleUsage.objects.filter(rule=rule_id, number=number, sent_at=counted_at).update(sent_at=LONG_AGO)


def uncount_for_day(subscriber_id: int, day: date) -> None:
    counted = DayUsage.objects.filter(subscriber=subscriber_id, day=day, sent_on_day__gt=0)
    counted.update(sent_on_day=F("sent_on_day") - 1)


def sent_on(subscriber: Subscriber, day: date) -> int:
    """How many automatic messages a company has sent on a day."""
    used = DayUsage.objects.filter(subscriber=subscriber, day__gte=day).values_list("sent_on_day", flat=True)
    return used.first() or 0


def sent_to(subscriber: Subscriber, number: str, day: date) -> int:
    """How many automatic messages a number has had on a day."""
    used = NumberUsage.objects.filter(subscriber=subscriber, number=number, day__gte=day).values_list("sent_on_day", flat=True)
    return used.first() or 0


def is_cooling_down(rule: CallRule, number: str, now: datetime) -> bool:
    return RuleUsage.objects.filter(rule=rule, number=number, sent_at__gt=now - cool_down(rule)).exists()


def cool_down(rule: CallRule) -> timedelta:
    return timedelta(minutes=rule.says.cool_down)


def minute_of(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def next_minute(at: datetime) -> datetime:
    return minute_of(at) + MINUTE


def drop_old_usage(*, now: datetime) -> int:
    """Forget which numbers were written to, once it no longer matters."""
    numbers: QuerySet[NumberUsage] = NumberUsage.objects.filter(day__lt=(now - KEPT_FOR).date())
    rules: QuerySet[RuleUsage] = RuleUsage.objects.filter(sent_at__lt=now - KEPT_FOR)
    return numbers.delete()[0] + rules.delete()[0]
