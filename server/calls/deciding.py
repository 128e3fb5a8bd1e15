"""Which rules apply to what happened in a call: facts in, decisions out.

Nothing here writes or sends: the dispatcher decides by it, a rehearsal does over last week's calls, and so each says what
the other would.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, Q, Subquery

from server import phone
from server.accounts.models import Subscriber
from server.accounts.opening_hours import Calendar, holidays_of
from server.calls.definition import Definition, DefinitionNotValid, Hours, Trigger
from server.calls.models import Call, CallDirection, CallEvent, CallEventKind, CallRule, CallState, Outcome
from server.contacts.models import Contact

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

logger = logging.getLogger(__name__)

NOT_REACHED = frozenset({CallEventKind.MISSED, CallEventKind.BUSY, CallEventKind.FAILED})
FITTING = {
    Trigger.NOT_REACHED: NOT_REACHED,
    Trigger.MISSED: {CallEventKind.MISSED},
    Trigger.BUSY: {CallEventKind.BUSY},
    Trigger.FAILED: {CallEventKind.FAILED},
    Trigger.ANSWERED: {CallEventKind.ANSWERED},
    Trigger.KEY: {CallEventKind.KEY},
    Trigger.NODE: {CallEventKind.NODE},
}
TOGETHER = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a rule can ask about something that happened in a call.

    Of a withheld number, or one that is none, nobody can tell a country (""), nor whether it has called before (None).
    `weekday` is ISO's, in the company's zone; minutes are rounded up, so that 10 means "no more than ten minutes ago".
    """

    kind: CallEventKind
    line: int
    key: str = ""
    node: int | None = None
    queue: str = ""
    number: str = ""
    country: str = ""
    is_known: bool = False
    is_blocked: bool = False
    tags: frozenset[int] = frozenset()
    is_first_call: bool | None = None
    minutes_since_previous: int | None = None
    is_open: bool = False
    is_holiday: bool = False
    weekday: int = 1
    # The call has been answered after all; it had been busy, missed or failed before, and was told so.
    is_answered: bool = False
    is_told_again: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One condition: what the rule asks for, what there was, and whether it holds; ids and words, which pages put into sentences.

    `condition` is a field of Conditions, or "not_countries"; "definition" when the rule can't be read: `found` says why.
    """

    condition: str
    asked: Any
    found: Any
    holds: bool

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Decision:
    """What one rule comes to; `definition` is None when it can't be read."""

    rule: CallRule
    outcome: Outcome
    checks: tuple[Check, ...] = ()
    definition: Definition | None = None

    @property
    def applies(self) -> bool:
        return self.outcome == Outcome.MATCHED


def rules_in_order(subscriber_id: int) -> QuerySet[CallRule]:
    """A company's rules that are switched on, as they are looked at."""
    return CallRule.objects.filter(subscriber=subscriber_id, deleted_at=None, is_active=True).order_by("position", "id")


def decide(rules: Iterable[CallRule], facts: Facts, *, now: datetime | None = None) -> list[Decision]:
    """What each of the rules with a fitting trigger comes to, in their order.

    With `now`, those that are only tried out at that moment do not end the list for the others.
    """
    if facts.is_blocked:
        return []
    decisions: list[Decision] = []
    has_ended = False
    for rule in rules:
        decision = _decide(rule, facts, has_ended=has_ended)
        if decision is None:
            continue
        decisions.append(decision)
        is_tried_out = now is not None and rule.is_rehearsing(now)
        has_ended |= decision.applies and decision.definition is not None and decision.definition.ends and not is_tried_out
    return decisions


def fits(definition: Definition, facts: Facts) -> bool:
    """Whether this is what the rule waits for."""
    if facts.kind not in FITTING[definition.trigger]:
        return False
    match definition.trigger:
        case Trigger.KEY:
            return facts.key == definition.key
        case Trigger.NODE:
            return facts.node is not None and facts.node == definition.node
        case Trigger.NOT_REACHED:
            # Busy at one telephone, then missed: one call that nobody took.
            return not facts.is_told_again
    return True


def checks_of(definition: Definition, facts: Facts) -> Iterator[Check]:
    """The conditions that the rule has, one after the other, held against the facts."""
    asked = definition.conditions
    if asked.lines:
        yield Check("lines", [*asked.lines], facts.line, facts.line in asked.lines)
    if asked.queues:
        yield Check("queues", [*asked.queues], facts.queue, _plain(facts.queue) in map(_plain, asked.queues))
    if asked.countries:
        is_in = facts.country in asked.countries
        # A number without a country is neither in these nor in any other.
        holds = facts.country != "" and is_in == asked.is_in_countries
        yield Check("countries" if asked.is_in_countries else "not_countries", [*asked.countries], facts.country, holds)
    if asked.is_known is not None:
        yield Check("is_known", asked.is_known, facts.is_known, facts.is_known == asked.is_known)
    if asked.tags:
        yield Check("tags", [*asked.tags], sorted(facts.tags), not facts.tags.isdisjoint(asked.tags))
    if asked.is_first_call is not None:
        yield Check("is_first_call", asked.is_first_call, facts.is_first_call, facts.is_first_call == asked.is_first_call)
    if asked.hours:
        found = Hours.OPEN if facts.is_open else Hours.CLOSED
        yield Check("hours", str(asked.hours), found.value, found == asked.hours)
    if asked.is_holiday is not None:
        yield Check("is_holiday", asked.is_holiday, facts.is_holiday, facts.is_holiday == asked.is_holiday)
    if asked.weekdays:
        yield Check("weekdays", [*asked.weekdays], facts.weekday, facts.weekday in asked.weekdays)
    if asked.repeated_within is not None:
        since = facts.minutes_since_previous
        yield Check("repeated_within", asked.repeated_within, since, since is not None and since <= asked.repeated_within)


def facts_of(event: CallEvent) -> Facts:
    return facts_of_many([event])[0]


def facts_of_many(events: Collection[CallEvent]) -> list[Facts]:
    """The facts of many events, in their order, by three questions for each five hundred of them."""
    ids = [event.pk for event in events]
    found: dict[int, Facts] = {}
    companies: dict[int, _Company] = {}
    for first in range(0, len(ids), TOGETHER):
        rows = list(_with_all(ids[first : first + TOGETHER]))
        tags = _tags_of({contact.main_id or contact.pk for event in rows if (contact := _contact(event))})
        for event in rows:
            company = companies.get(event.call.subscriber_id) or _Company.of(event.call.subscriber_id)
            companies[event.call.subscriber_id] = company
            found[event.pk] = _facts(event, tags, company)
    return [found[pk] for pk in ids]


def _decide(rule: CallRule, facts: Facts, *, has_ended: bool) -> Decision | None:
    """None when the rule waits for something else. One that can't be read must not stop the others."""
    try:
        definition = rule.says
        if not fits(definition, facts):
            return None
        if facts.is_answered and facts.kind in NOT_REACHED:
            return Decision(rule, Outcome.ANSWERED_MEANWHILE, (), definition)
        if has_ended:
            return Decision(rule, Outcome.STOPPED_BEFORE, (), definition)
        checks = tuple(checks_of(definition, facts))
    except DefinitionNotValid as problem:
        logger.error("rule %s can't be read: %s", rule.pk, problem)
        return Decision(rule, Outcome.NOT_MATCHED, (Check("definition", None, str(problem)[:200], False),))
    except Exception as problem:
        logger.exception("rule %s can't be decided", rule.pk)
        return Decision(rule, Outcome.NOT_MATCHED, (Check("definition", None, type(problem).__name__, False),))
    holds = all(check.holds for check in checks)
    return Decision(rule, Outcome.MATCHED if holds else Outcome.NOT_MATCHED, checks, definition)


def _plain(queue: str) -> str:
    return queue.strip().casefold()


# --- Facts from rows ---


def _with_all(ids: Sequence[int]) -> QuerySet[CallEvent]:
    """The events with call, contact, when the number had called before, and whether the call's end had been told before."""
    earlier = Q(began_at__lt=OuterRef("call__began_at")) | Q(began_at=OuterRef("call__began_at"), pk__lt=OuterRef("call_id"))
    # By the contact: on whichever of the company's lines.
    same_number = Q(conversation__contact=OuterRef("call__conversation__contact"), direction=CallDirection.IN)
    previous = Call.objects.filter(same_number, earlier).order_by("-began_at")
    told_before = CallEvent.objects.filter(call=OuterRef("call"), kind__in=NOT_REACHED, pk__lt=OuterRef("pk"))
    return (
        CallEvent.objects.filter(pk__in=ids)
        .select_related("call__conversation__contact__main")
        .only(
            *("kind", "detail", "node", "at", "call__state", "call__partner", "call__queue", "call__line", "call__subscriber"),
            *("call__began_at", "call__conversation__contact__main", "call__conversation__contact__number"),
            *(f"call__conversation__contact{main}__{name}" for main in ("", "__main") for name in ("name", "blocked_at")),
        )
        .annotate(previous_at=Subquery(previous.values("began_at")[:1]), is_told_again=Exists(told_before))
    )


def _contact(event: CallEvent) -> Contact | None:
    return event.call.conversation.contact if event.call.conversation else None


def _tags_of(entries: set[int]) -> dict[int, frozenset[int]]:
    tags: dict[int, set[int]] = {}
    for entry, tag in Contact.tags.through.objects.filter(contact__in=entries).values_list("contact_id", "tag_id"):
        tags.setdefault(entry, set()).add(tag)
    return {entry: frozenset(of_it) for entry, of_it in tags.items()}


@dataclass(frozen=True, slots=True)
class _Company:
    calendar: Calendar
    country: str

    @classmethod
    def of(cls, subscriber_id: int) -> _Company:
        subscriber = Subscriber.objects.get(pk=subscriber_id)
        return cls(Calendar.of(subscriber), subscriber.country)

    def is_holiday(self, at: datetime) -> bool:
        """A closed day, or a public holiday, also of a company that works on those."""
        day = self.calendar.day_of(at)
        return day in self.calendar.closed or day in holidays_of(self.country, day.year)


def _facts(event: CallEvent, tags: dict[int, frozenset[int]], company: _Company) -> Facts:
    call, contact = event.call, _contact(event)
    since = getattr(event, "previous_at", None)
    return Facts(
        kind=CallEventKind(event.kind),
        line=call.line_id,
        key=event.detail if event.kind == CallEventKind.KEY else "",
        node=event.node_id,
        queue=call.queue,
        number=call.partner,
        country=phone.likely_country_of(call.partner),
        is_known=contact is not None and contact.whole.name != "",
        is_blocked=contact is not None and contact.blocked_at is not None,
        tags=tags.get(contact.whole.pk, frozenset()) if contact else frozenset(),
        is_first_call=since is None if contact else None,
        minutes_since_previous=ceil((call.began_at - since).total_seconds() / 60) if since else None,
        is_open=company.calendar.is_open(event.at),
        is_holiday=company.is_holiday(event.at),
        weekday=company.calendar.day_of(event.at).isoweekday(),
        is_answered=call.state == CallState.ANSWERED,
        is_told_again=bool(getattr(event, "is_told_again", False)),
    )
