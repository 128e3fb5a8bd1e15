"""The limits of server/calls/limits.py, kept in memory for a rehearsal: nothing is counted that stays.

Whom a line may text is asked once for each number; how often, in the order of time, besides what other rules have really
sent to the number on the day.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.utils.functional import cached_property

from server import phone
from server.accounts.opening_hours import Calendar
from server.calls.counting import minute_of
from server.calls.definition import Channel
from server.calls.limits import call_logic_of
from server.calls.models import Skipped, Telling, TellingState
from server.calls.promises import within_hours
from server.contacts.erased import forms_of
from server.contacts.models import Contact, OptOut
from server.lines import limits as of_lines
from server.lines.models import Line

if TYPE_CHECKING:
    from datetime import date, datetime

    from server.accounts.models import Subscriber
    from server.calls.definition import Definition
    from server.calls.models import CallEvent, CallLogic, CallRule
    from server.calls.recipients import Recipient


class Limits:
    def __init__(
        self, *, subscriber: Subscriber, rule: CallRule | None, definition: Definition, since: datetime, until: datetime
    ) -> None:
        self.subscriber, self.definition = subscriber, definition
        self._rule, self._since, self._until = rule, since, until
        self._zone = ZoneInfo(subscriber.timezone)
        self._doors: dict[tuple[int, str], Skipped | None] = {}
        self._last_sent: dict[str, datetime] = {}
        self._in_minute: Counter[datetime] = Counter()

    def reason_not_to_text(self, line: Line, recipient: Recipient, at: datetime) -> Skipped | None:
        """Why a text would not have gone out at that moment; None when it would."""
        number = recipient.address
        if not number:
            return Skipped.ANONYMOUS
        shut = self._shut(line, number)
        if shut is not None:
            return shut
        last = self._last_sent.get(number)
        # The cool-down is for those who call: our own people hear of each call.
        if recipient.user is None and last is not None and at < last + timedelta(minutes=self.definition.cool_down):
            return Skipped.COOL_DOWN
        logic = self._logic
        most = logic.per_number_per_day if recipient.user is None else logic.per_colleague_per_day
        if self._sent[number, self._day(at)] >= most:
            return Skipped.PER_DAY
        return Skipped.COMPANY_DAY if self._on_day[self._day(at)] >= logic.per_day else None

    def count(self, recipient: Recipient, at: datetime) -> bool:
        """It would have gone out; whether only in one of the next minutes, as this one was full."""
        number, minute = recipient.address, minute_of(at)
        self._sent[number, self._day(at)] += 1
        self._on_day[self._day(at)] += 1
        self._last_sent[number] = at
        first = minute
        while self._in_minute[minute] >= self._logic.per_minute:
            minute += timedelta(minutes=1)
        self._in_minute[minute] += 1
        return minute > first

    def promise_due(self, event: CallEvent) -> datetime | None:
        """By when the caller would have been promised to be called back."""
        if self.definition.promises_within is None:
            return None
        return within_hours(self._calendar, event.at, self.definition.promises_within)

    def _shut(self, line: Line, number: str) -> Skipped | None:
        key = (line.pk, number)
        if key not in self._doors:
            self._doors[key] = self._why_shut(line, number)
        return self._doors[key]

    def _why_shut(self, line: Line, number: str) -> Skipped | None:
        is_mobile = phone.is_mobile(number)
        if not line.is_active:
            return Skipped.LINE_OFF
        if is_mobile and not of_lines.may_text(line, number):
            return Skipped.NOT_ALLOWED
        if any((line.pk, form) in self._opted_out for form in forms_of(number, subscriber_id=line.subscriber_id)):
            return Skipped.OPTED_OUT
        if not is_mobile:
            return Skipped.NO_NUMBER
        if number in self._own_lines:
            return Skipped.OWN_LINE
        return Skipped.BLOCKED if number in self._blocked else None

    def _day(self, at: datetime) -> date:
        return at.astimezone(self._zone).date()

    @cached_property
    def _calendar(self) -> Calendar:
        return Calendar.of(self.subscriber)

    @cached_property
    def _logic(self) -> CallLogic:
        return call_logic_of(self.subscriber)

    @cached_property
    def _own_lines(self) -> set[str]:
        # Of any company.
        return set(Line.objects.values_list("number", flat=True))

    @cached_property
    def _opted_out(self) -> set[tuple[int, str]]:
        in_force = OptOut.objects.filter(line__subscriber=self.subscriber, ended_at=None)
        return set(in_force.values_list("line_id", "number"))

    @cached_property
    def _blocked(self) -> set[str]:
        blocked = Contact.objects.filter(subscriber=self.subscriber, blocked_at__isnull=False)
        return set(blocked.values_list("number", flat=True))

    @cached_property
    def _on_day(self) -> Counter[date]:
        """Of the whole company."""
        days: Counter[date] = Counter()
        for (_number, day), times in self._sent.items():
            days[day] += times
        return days

    @cached_property
    def _sent(self) -> Counter[tuple[str, date]]:
        """What other rules have really sent, by number and day."""
        others = Telling.objects.filter(
            run__subscriber=self.subscriber,
            channel=Channel.SMS,
            state=TellingState.TOLD,
            told_at__gte=self._since - timedelta(days=1),
            told_at__lt=self._until + timedelta(days=1),
        )
        if self._rule is not None:
            others = others.exclude(run__rule=self._rule)
        return Counter((number, self._day(at)) for number, at in others.values_list("address", "told_at") if at)
