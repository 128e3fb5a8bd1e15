"""Counting what goes out by itself: each count is one conditional UPDATE in the transaction of a claim.

So any number of dispatchers keep to the limits together. A row that is not there yet is put there first, empty.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import F, Q

from server.calls.models import DayUsage, MinuteUsage, NumberUsage, RuleUsage
from server.lines.limits import MINUTE, later_of, one_more

if TYPE_CHECKING:
    from datetime import date

    from django.db.models import QuerySet

    from server.accounts.models import Subscriber
    from server.calls.models import CallRule

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
# Longer than any cool-down, and than a day anywhere.
KEPT_FOR = timedelta(days=31)


def count_for_number(subscriber: Subscriber, number: str, day: date, *, limit: int) -> bool:
    """Whether the number had room for one more on this day; then it is counted."""
    rows = NumberUsage.objects.filter(subscriber=subscriber, number=number)
    counting = {"sent_on_day": one_more("day", day, "sent_on_day"), "day": later_of("day", day)}
    while not rows.filter(Q(day__lt=day) | Q(sent_on_day__lt=limit)).update(**counting):
        if rows.exists():
            return False
        NumberUsage.objects.bulk_create([NumberUsage(subscriber=subscriber, number=number, day=day)], ignore_conflicts=True)
    return True


def count_for_rule(rule: CallRule, number: str, now: datetime) -> bool:
    """Whether the rule has not written to the number for as long as its cool-down is; then it has now."""
    rows = RuleUsage.objects.filter(rule=rule, number=number)
    while not rows.filter(sent_at__lte=now - cool_down(rule)).update(sent_at=now):
        if rows.exists():
            return False
        RuleUsage.objects.bulk_create([RuleUsage(rule=rule, number=number, sent_at=LONG_AGO)], ignore_conflicts=True)
    return True


def count_for_day(subscriber: Subscriber, day: date, *, limit: int) -> bool:
    """Whether the company's day had room for one more; then it is counted."""
    rows = DayUsage.objects.filter(subscriber=subscriber)
    counting = {"sent_on_day": one_more("day", day, "sent_on_day"), "day": later_of("day", day)}
    while not rows.filter(Q(day__lt=day) | Q(sent_on_day__lt=limit)).update(**counting):
        if rows.exists():
            return False
        DayUsage.objects.bulk_create([DayUsage(subscriber=subscriber, day=day)], ignore_conflicts=True)
    return True


def is_first_told(subscriber: Subscriber, day: date, *, limit: int) -> bool:
    """Whether the company's day is used up and nobody has been told of it yet; then somebody is now."""
    used_up = DayUsage.objects.filter(subscriber=subscriber, day=day, sent_on_day__gte=limit)
    return bool(used_up.filter(Q(told_on=None) | Q(told_on__lt=day)).update(told_on=day))


def count_for_minute(subscriber: Subscriber, now: datetime, *, limit: int) -> bool:
    """Whether the company's minute had room for one more; then it is counted."""
    minute = minute_of(now)
    rows = MinuteUsage.objects.filter(subscriber=subscriber)
    counting = {"sent_in_minute": one_more("minute", minute, "sent_in_minute"), "minute": later_of("minute", minute)}
    while not rows.filter(Q(minute__lt=minute) | Q(sent_in_minute__lt=limit)).update(**counting):
        if rows.exists():
            return False
        MinuteUsage.objects.bulk_create([MinuteUsage(subscriber=subscriber, minute=minute)], ignore_conflicts=True)
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
