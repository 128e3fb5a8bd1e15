"""What a rule would have done to the calls of a past period: decided, addressed and worded as in earnest, and nothing is sent.

Nothing is written either. People, teams, opt-outs and blocked numbers are as they are today; the limits are kept in
memory, in the order of time, together with what other rules really sent on those days.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q

from server import sms
from server.calls.deciding import FITTING, decide, facts_of_many, rules_in_order
from server.calls.definition import Channel, Only, Who
from server.calls.models import CallDirection, CallEvent, CallRule, Outcome, Skipped, StepOutcome, Telling, TellingState
from server.calls.planning import recipients_of
from server.calls.recipients import Recipient, Staff
from server.calls.rehearsed_limits import Limits
from server.calls.texts import words_for
from server.lines.models import SECRETS, Line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django.db.models import QuerySet

    from server.accounts.models import Subscriber, User
    from server.calls.deciding import Decision
    from server.calls.definition import Definition, Step
    from server.calls.texts import Words

MOST_EVENTS = 20_000
LONGEST = timedelta(days=92)
MOST_EXAMPLES = 12


class PeriodNotValid(ValueError):
    """It ends before it begins, or is longer than a quarter of a year."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """Somebody who would have been told of a call by one way, or would not, and why; `words` only where they were needed."""

    recipient: Recipient
    step: int
    at: datetime
    segments: int = 0
    plain_segments: int = 0
    words: Words | None = None
    is_delayed: bool = False

    @property
    def is_told(self) -> bool:
        return self.recipient.is_told


@dataclass(slots=True)
class Share:
    """What one person, or all callers together (no user), would have got."""

    user: User | None
    ways: Counter[str] = field(default_factory=Counter)
    segments: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    @property
    def times(self) -> int:
        return self.ways.total()

    @property
    def reasons(self) -> list[tuple[Skipped, int]]:
        return [(Skipped(reason), count) for reason, count in self.skipped.most_common()]


@dataclass(slots=True)
class Example:
    """One real call event, and what the rule would have made of it."""

    event: CallEvent
    told: list[Rehearsed]
    left_out: list[tuple[int, StepOutcome]]


@dataclass(slots=True)
class Rehearsal:
    """Counts are of call events that the rule waits for; `swallowed`: those that an earlier rule keeps from it, by that rule."""

    since: datetime
    until: datetime
    looked_at: int = 0
    is_cut: bool = False
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    failed_conditions: Counter[str] = field(default_factory=Counter)
    swallowed: Counter[CallRule] = field(default_factory=Counter)
    left_out: Counter[StepOutcome] = field(default_factory=Counter)
    shares: dict[int | None, Share] = field(default_factory=dict)
    promises: int = 0
    delayed: int = 0
    segments: int = 0
    plain_segments: int = 0
    examples: list[Example] = field(default_factory=list)

    @property
    def applies(self) -> int:
        return self.outcomes[Outcome.MATCHED]

    @property
    def ways(self) -> Counter[str]:
        return sum((share.ways for share in self.shares.values()), Counter())

    @property
    def skipped(self) -> list[tuple[Skipped, int]]:
        """Why somebody would not have been told, the most frequent first."""
        reasons: Counter[str] = sum((share.skipped for share in self.shares.values()), Counter())
        return [(Skipped(reason), count) for reason, count in reasons.most_common()]

    @property
    def accents_cost(self) -> int:
        """Segments that the same texts would have saved without accents."""
        return self.segments - self.plain_segments

    @property
    def most_told(self) -> list[Share]:
        return sorted(self.shares.values(), key=lambda share: (-share.times, share.user is not None, str(share.user)))


def rehearse(
    *, subscriber: Subscriber, definition: Definition, rule: CallRule | None, since: datetime, until: datetime, now: datetime
) -> Rehearsal:
    """Run a rule, as `definition` says and in the place of `rule` (None: last), over the calls of a period.

    Raises PeriodNotValid.
    """
    if not since < until <= since + LONGEST:
        raise PeriodNotValid
    found = Rehearsal(since=since, until=until)
    waited_for = _events(subscriber, definition, since, until)
    ids = list(waited_for.order_by("-at", "-id").values_list("pk", flat=True)[: MOST_EVENTS + 1])
    found.is_cut, ids = len(ids) > MOST_EVENTS, ids[:MOST_EVENTS][::-1]
    candidate = _candidate(subscriber, definition, rule)
    applying = _decide_all(found, ids, [*_rules_that_end_before(candidate), candidate], now)
    _tell_all(
        found, definition, applying, Limits(subscriber=subscriber, rule=rule, definition=definition, since=since, until=until)
    )
    return found


def tried_out(rule: CallRule, *, since: datetime) -> QuerySet[Telling]:
    """What a rule on trial would really have sent since then, as its runs noted it."""
    noted = Telling.objects.filter(run__rule=rule, run__is_dry=True, planned_at__gte=since)
    return noted.filter(state__in=[TellingState.DRY, TellingState.SKIPPED]).select_related("user", "run__event__call__line")


def _events(subscriber: Subscriber, definition: Definition, since: datetime, until: datetime) -> QuerySet[CallEvent]:
    """What the rule waits for; not what was told so late that no rule would look at it."""
    events = CallEvent.objects.filter(
        call__subscriber=subscriber,
        call__direction=CallDirection.IN,
        call__redacted_at=None,
        kind__in=FITTING[definition.trigger],
        is_late=False,
        at__gte=since,
        at__lt=until,
    )
    # A call begins before what happens in it: so the index of a company's calls by time is of use.
    return events.filter(call__began_at__gte=since - timedelta(days=1), call__began_at__lt=until)


def _candidate(subscriber: Subscriber, definition: Definition, rule: CallRule | None) -> CallRule:
    place = {"pk": rule.pk, "position": rule.position, "name": rule.name} if rule else {"position": 2**31 - 1}
    return CallRule(subscriber=subscriber, definition=definition.to_json(), is_active=True, **place)


def _rules_that_end_before(candidate: CallRule) -> list[CallRule]:
    """Of the other rules only these matter: what the rest does, it does besides."""
    earlier = Q(position__lt=candidate.position)
    if candidate.pk:
        earlier |= Q(position=candidate.position, pk__lt=candidate.pk)
    return list(rules_in_order(candidate.subscriber_id).filter(earlier, definition__ends=True).exclude(pk=candidate.pk))


def _decide_all(found: Rehearsal, ids: list[int], rules: list[CallRule], now: datetime) -> list[int]:
    """Count what the rule comes to for each event; the ids of those to which it applies."""
    applying = []
    for pk, facts in zip(ids, facts_of_many([CallEvent(pk=pk) for pk in ids]), strict=True):
        decisions = decide(rules, facts, now=now)
        ours = decisions[-1] if decisions and decisions[-1].rule is rules[-1] else None
        if ours is None:
            continue
        found.looked_at += 1
        found.outcomes[ours.outcome] += 1
        _note_why_not(found, ours, decisions)
        if ours.applies:
            applying.append(pk)
    return applying


def _note_why_not(found: Rehearsal, ours: Decision, decisions: list[Decision]) -> None:
    if ours.outcome == Outcome.STOPPED_BEFORE:
        found.swallowed[next(decision.rule for decision in decisions if decision.applies)] += 1
    failed = next((check.condition for check in ours.checks if not check.holds), None)
    if failed:
        found.failed_conditions[failed] += 1


def _tell_all(found: Rehearsal, definition: Definition, applying: list[int], limits: Limits) -> None:
    telling = _Telling(definition, limits)
    lines = {line.pk: line for line in Line.objects.filter(subscriber=limits.subscriber).defer(*SECRETS)}
    for first in range(0, len(applying), 500):
        page = applying[first : first + 500]
        rows = _whole(page, limits.subscriber, lines)
        for pk in page:
            example = telling.of(rows[pk])
            _add(found, example, promises=definition.promises_within is not None)
            found.examples = [*found.examples[-MOST_EXAMPLES + 1 :], example]
    found.examples.reverse()


def _whole(ids: list[int], subscriber: Subscriber, lines: dict[int, Line]) -> dict[int, CallEvent]:
    """The events with all that words are made of; company and lines are the same for all of them."""
    events = CallEvent.objects.select_related("call__conversation__contact__main", "node").in_bulk(ids)
    for event in events.values():
        event.call.subscriber, event.call.line = subscriber, lines[event.call.line_id]
        event.call.line.subscriber = subscriber
    return events


def _add(found: Rehearsal, example: Example, *, promises: bool) -> None:
    found.left_out.update(outcome for _step, outcome in example.left_out)
    for one in example.told:
        user = one.recipient.user
        share = found.shares.setdefault(user.pk if user else None, Share(user))
        if one.recipient.reason is not None:
            share.skipped[one.recipient.reason] += 1
            continue
        share.ways[one.recipient.channel] += 1
        share.segments += one.segments
        found.segments += one.segments
        found.plain_segments += one.plain_segments
        found.delayed += one.is_delayed
        found.promises += user is None and promises


class _Telling:
    """Takes the steps of a rule for one event after another."""

    def __init__(self, definition: Definition, limits: Limits) -> None:
        self._definition, self._limits = definition, limits
        self._staff = Staff(limits.subscriber.pk)
        # Who is meant depends on the line alone, but for who spoke last.
        self._meant: dict[tuple[int, int], list[Recipient]] = {}
        self._words: dict[tuple[int, str, str], Words] = {}

    def of(self, event: CallEvent) -> Example:
        example = Example(event, [], [])
        self._words.clear()
        for number, step in enumerate(self._definition.steps):
            outcome = self._left_out(step, example)
            if outcome is not None:
                example.left_out.append((number, outcome))
            else:
                example.told += self._take(number, step, event)
        return example

    def _left_out(self, step: Step, example: Example) -> StepOutcome | None:
        followed_up_at, due_at = example.event.call.followed_up_at, example.event.at + timedelta(minutes=step.after)
        if step.only == Only.NOT_FOLLOWED_UP and followed_up_at is not None and followed_up_at <= due_at:
            return StepOutcome.FOLLOWED_UP
        # Who is away, or can't be told, is as good as nobody.
        if step.only == Only.NOBODY_THERE and any(one.is_told and one.recipient.user for one in example.told):
            return StepOutcome.SOMEBODY_THERE
        return None

    def _recipients(self, number: int, step: Step, event: CallEvent) -> list[Recipient]:
        if step.who in {Who.CALLER, Who.LAST_SPOKEN}:
            return recipients_of(step, event=event, staff=self._staff)
        key = (number, event.call.line_id)
        if key not in self._meant:
            self._meant[key] = recipients_of(step, event=event, staff=self._staff)
        return self._meant[key]

    def _take(self, number: int, step: Step, event: CallEvent) -> Iterator[Rehearsed]:
        at = event.at + timedelta(minutes=step.after)
        for recipient in self._recipients(number, step, event):
            yield self._tell(recipient, number, step, event, at)

    def _tell(self, recipient: Recipient, number: int, step: Step, event: CallEvent, at: datetime) -> Rehearsed:
        if recipient.reason is not None or recipient.channel != Channel.SMS:
            return Rehearsed(recipient, number, at)
        reason = self._limits.reason_not_to_text(event.call.line, recipient, at)
        words = self._worded(recipient, number, step, event) if reason is None else None
        if words is None or not words.body or words.segments > sms.MAX_SEGMENTS:
            reason = reason or (Skipped.TOO_LONG if words and words.body else Skipped.NO_TEXT)
            return Rehearsed(replace(recipient, reason=reason), number, at)
        is_delayed = self._limits.count(recipient, at)
        plain = sms.count_segments(sms.unaccent(words.body)).segments
        return Rehearsed(recipient, number, at, words.segments, plain, words, is_delayed)

    def _worded(self, recipient: Recipient, number: int, step: Step, event: CallEvent) -> Words:
        """The same words go to all who read the same language."""
        key = (number, recipient.user.language if recipient.user else "", recipient.channel)
        if key not in self._words:
            self._words[key] = words_for(
                step=step,
                event=event,
                person=recipient.user,
                promise_due=self._limits.promise_due(event),
                channel=recipient.channel,
            )
        return self._words[key]
