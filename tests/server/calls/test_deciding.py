"""Which rules apply: each condition held against the facts, and the facts as they are read from what happened."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from server.accounts.models import ClosedDay, Subscriber
from server.calls.deciding import Check, Facts, checks_of, decide, facts_of, facts_of_many, rules_in_order
from server.calls.definition import Conditions, Definition, Trigger
from server.calls.models import CallEventKind, CallRule, MessageNode, Outcome
from server.contacts.models import Contact, Tag
from server.messaging.partners import block_sender

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
BOTI, JOHN = "+36309990001", "+447400123456"
USUAL = {"kind": CallEventKind.MISSED, "line": 1}


def held(conditions: dict, facts: dict) -> list[Check]:
    definition = Definition(trigger=Trigger.MISSED, conditions=Conditions(**conditions))
    return list(checks_of(definition, Facts(**(USUAL | facts))))


# What is asked, what there is, and whether it holds.
TRUTH = [
    ({"lines": (1, 2)}, {"line": 2}, True),
    ({"lines": (1, 2)}, {"line": 3}, False),
    ({"queues": ("Sales",)}, {"queue": "sales"}, True),
    ({"queues": ("értékesítés",)}, {"queue": " ÉRTÉKESÍTÉS "}, True),
    ({"queues": ("Sales", "Support")}, {"queue": "support"}, True),
    ({"queues": ("Sales",)}, {"queue": "Support"}, False),
    ({"queues": ("Sales",)}, {"queue": ""}, False),
    ({"countries": ("HU",)}, {"country": "HU"}, True),
    ({"countries": ("HU", "AT")}, {"country": "AT"}, True),
    ({"countries": ("HU",)}, {"country": "GB"}, False),
    # Nobody knows where a withheld number is from.
    ({"countries": ("HU",)}, {"country": ""}, False),
    ({"countries": ("HU",), "is_in_countries": False}, {"country": "GB"}, True),
    ({"countries": ("HU",), "is_in_countries": False}, {"country": "HU"}, False),
    ({"countries": ("HU",), "is_in_countries": False}, {"country": ""}, False),
    ({"is_known": True}, {"is_known": True}, True),
    ({"is_known": True}, {"is_known": False}, False),
    ({"is_known": False}, {"is_known": False}, True),
    ({"is_known": False}, {"is_known": True}, False),
    ({"tags": (4, 5)}, {"tags": frozenset({5, 6})}, True),
    ({"tags": (4, 5)}, {"tags": frozenset({6})}, False),
    ({"tags": (4, 5)}, {"tags": frozenset()}, False),
    ({"is_first_call": True}, {"is_first_call": True}, True),
    ({"is_first_call": True}, {"is_first_call": False}, False),
    ({"is_first_call": False}, {"is_first_call": False}, True),
    ({"is_first_call": False}, {"is_first_call": True}, False),
    # Whether a withheld number has called before, nobody knows either.
    ({"is_first_call": True}, {"is_first_call": None}, False),
    ({"is_first_call": False}, {"is_first_call": None}, False),
    ({"hours": "open"}, {"is_open": True}, True),
    ({"hours": "open"}, {"is_open": False}, False),
    ({"hours": "closed"}, {"is_open": False}, True),
    ({"hours": "closed"}, {"is_open": True}, False),
    ({"is_holiday": True}, {"is_holiday": True}, True),
    ({"is_holiday": True}, {"is_holiday": False}, False),
    ({"is_holiday": False}, {"is_holiday": False}, True),
    ({"is_holiday": False}, {"is_holiday": True}, False),
    ({"weekdays": (1, 2, 3, 4, 5)}, {"weekday": 5}, True),
    ({"weekdays": (6, 7)}, {"weekday": 5}, False),
    ({"repeated_within": 10}, {"minutes_since_previous": 10}, True),
    ({"repeated_within": 10}, {"minutes_since_previous": 0}, True),
    ({"repeated_within": 10}, {"minutes_since_previous": 11}, False),
    ({"repeated_within": 10}, {"minutes_since_previous": None}, False),
]


@pytest.mark.parametrize(("asked", "there_is", "holds"), TRUTH)
def test_a_condition_holds_or_does_not(asked, there_is, holds):
    [check] = held(asked, there_is)
    assert check.holds is holds


def test_a_rule_without_conditions_asks_nothing():
    assert held({}, {}) == []


def test_every_condition_is_noted_also_those_after_one_that_does_not_hold():
    assert held({"lines": (2,), "weekdays": (1,), "countries": ("HU",), "is_in_countries": False}, {}) == [
        Check("lines", [2], 1, False),
        Check("not_countries", ["HU"], "", False),
        Check("weekdays", [1], 1, True),
    ]


FITTING = [
    ({"trigger": "not_reached"}, {"kind": "missed"}, True),
    ({"trigger": "not_reached"}, {"kind": "busy"}, True),
    ({"trigger": "not_reached"}, {"kind": "failed"}, True),
    ({"trigger": "not_reached"}, {"kind": "answered"}, False),
    # Busy at one telephone, then missed: one call.
    ({"trigger": "not_reached"}, {"kind": "missed", "is_told_again": True}, False),
    ({"trigger": "missed"}, {"kind": "missed", "is_told_again": True}, True),
    ({"trigger": "missed"}, {"kind": "busy"}, False),
    ({"trigger": "busy"}, {"kind": "busy"}, True),
    ({"trigger": "failed"}, {"kind": "failed"}, True),
    ({"trigger": "answered"}, {"kind": "answered", "is_answered": True}, True),
    ({"trigger": "answered"}, {"kind": "missed"}, False),
    ({"trigger": "key", "key": "1"}, {"kind": "key", "key": "1"}, True),
    ({"trigger": "key", "key": "1"}, {"kind": "key", "key": "2"}, False),
    # Digits are no number: "01" is not "1".
    ({"trigger": "key", "key": "1"}, {"kind": "key", "key": "01"}, False),
    ({"trigger": "key", "key": "*7#"}, {"kind": "key", "key": "*7#"}, True),
    ({"trigger": "key", "key": "1"}, {"kind": "missed"}, False),
    ({"trigger": "node", "node": 7}, {"kind": "node", "node": 7}, True),
    ({"trigger": "node", "node": 7}, {"kind": "node", "node": 8}, False),
    ({"trigger": "node"}, {"kind": "node"}, False),
    ({"trigger": "missed"}, {"kind": "ringing"}, False),
]


@pytest.mark.parametrize(("definition", "there_is", "fits"), FITTING)
def test_a_rule_is_looked_at_only_when_its_trigger_fits(definition, there_is, fits):
    rule = CallRule(name="Rule", definition=definition)
    facts = Facts(**(USUAL | there_is | {"kind": CallEventKind(there_is["kind"])}))
    assert [decision.outcome for decision in decide([rule], facts)] == ([Outcome.MATCHED] if fits else [])


def rule(name: str, **definition) -> CallRule:
    return CallRule(name=name, definition={"trigger": "missed", **definition})


def outcomes(rules: list[CallRule], facts: Facts, **more) -> dict[str, Outcome]:
    return {decision.rule.name: decision.outcome for decision in decide(rules, facts, **more)}


def test_a_rule_that_applies_and_ends_the_list_stops_those_after_it():
    foreign = rule("foreign", conditions={"countries": ["HU"], "is_in_countries": False}, ends=True)
    rules = [rule("first"), foreign, rule("last"), rule("keys", trigger="key", key="1")]

    assert outcomes(rules, Facts(**USUAL, country="GB")) == {
        "first": Outcome.MATCHED,
        "foreign": Outcome.MATCHED,
        "last": Outcome.STOPPED_BEFORE,
    }
    assert outcomes(rules, Facts(**USUAL, country="HU")) == {
        "first": Outcome.MATCHED,
        "foreign": Outcome.NOT_MATCHED,
        "last": Outcome.MATCHED,
    }


def test_a_rule_that_is_only_tried_out_ends_nothing_for_the_others():
    tried = rule("tried", ends=True)
    tried.rehearses_until = NOW + timedelta(hours=48)

    facts = Facts(**USUAL)
    assert outcomes([tried, rule("last")], facts, now=NOW)["last"] == Outcome.MATCHED
    assert outcomes([tried, rule("last")], facts, now=NOW + timedelta(hours=48))["last"] == Outcome.STOPPED_BEFORE
    assert outcomes([tried, rule("last")], facts)["last"] == Outcome.STOPPED_BEFORE


def test_a_call_that_was_answered_after_all_was_not_missed():
    facts = Facts(**USUAL, is_answered=True)
    assert outcomes([rule("missed", ends=True), rule("any", trigger="not_reached")], facts) == {
        "missed": Outcome.ANSWERED_MEANWHILE,
        "any": Outcome.ANSWERED_MEANWHILE,
    }


def test_no_rule_looks_at_somebody_who_is_blocked():
    assert outcomes([rule("missed")], Facts(**USUAL, is_blocked=True)) == {}


@pytest.mark.parametrize("broken", [{"trigger": "moon"}, {}, {"trigger": "missed", "conditions": {"repeated_within": "ten"}}])
def test_a_rule_that_cannot_be_read_says_so_and_stops_nobody(broken):
    rules = [CallRule(name="broken", definition=broken), rule("good")]
    bad, good = decide(rules, Facts(**USUAL, minutes_since_previous=3))
    assert (bad.outcome, good.outcome) == (Outcome.NOT_MATCHED, Outcome.MATCHED)
    [check] = bad.checks
    assert (check.condition, check.holds) == ("definition", False)
    assert check.found


# --- From what happened ---


def test_the_facts_of_a_missed_call(kontakt, line, boti, happens):
    tag = Tag.objects.create(subscriber=kontakt, name="VIP")
    boti.tags.add(tag)
    # A Monday, eleven o'clock in Budapest.
    assert facts_of(happens("missed", queue="Sales")) == Facts(
        kind=CallEventKind.MISSED,
        line=line.pk,
        queue="Sales",
        number=BOTI,
        country="HU",
        is_known=True,
        tags=frozenset({tag.pk}),
        is_first_call=True,
        minutes_since_previous=None,
        is_open=True,
        is_holiday=False,
        weekday=1,
    )


def test_a_further_number_of_an_entry_has_its_name_and_tags(kontakt, boti, happens):
    tag = Tag.objects.create(subscriber=kontakt, name="VIP")
    boti.tags.add(tag)
    Contact.objects.create(subscriber=kontakt, number=JOHN, name=boti.name, main=boti, created_at=NOW)
    facts = facts_of(happens("missed", caller=JOHN))
    assert (facts.is_known, facts.tags, facts.country) == (True, {tag.pk}, "GB")


def test_of_a_withheld_number_nothing_is_known(happens):
    happens("missed", caller="anonymous", at=NOW - timedelta(minutes=5))
    facts = facts_of(happens("missed", caller="+266696687"))
    assert (facts.number, facts.country, facts.is_known) == ("", "", False)
    assert facts.is_first_call is None
    assert facts.minutes_since_previous is None


def test_who_has_no_name_is_not_in_the_phone_book(happens):
    assert facts_of(happens("missed", caller=JOHN)).is_known is False


def test_who_called_before_on_any_line_of_the_company_calls_again(happens, line, sales_line, rival, rival_line):
    happens("missed", on=rival_line, at=NOW - timedelta(minutes=1))
    happens("ringing", caller=JOHN, at=NOW - timedelta(minutes=2))
    assert facts_of(happens("missed")).is_first_call is True

    at = NOW + timedelta(minutes=9, seconds=1)
    again = facts_of(happens("missed", on=sales_line, at=at))
    assert (again.is_first_call, again.minutes_since_previous) == (False, 10)


def test_a_call_of_ours_to_the_number_is_none_of_its_calls(happens):
    happens("answered", direction="out", caller="", called=BOTI, at=NOW - timedelta(minutes=3))
    assert facts_of(happens("missed")).is_first_call is True


def test_what_else_happens_in_a_call_does_not_make_it_a_second_one(happens, kontakt):
    node = MessageNode.objects.create(subscriber=kontakt, name="Complaints", created_at=NOW)
    happens("ringing", exchange_id="c1")
    pressed = facts_of(happens("key", exchange_id="c1", key="1", at=NOW + timedelta(seconds=5)))
    assert (pressed.kind, pressed.key, pressed.is_first_call) == ("key", "1", True)
    reached = facts_of(happens("node", exchange_id="c1", node=node, at=NOW + timedelta(seconds=9)))
    assert (reached.kind, reached.node, reached.key) == ("node", node.pk, "")


def test_busy_and_then_missed_is_told_again(happens):
    busy = happens("busy", exchange_id="c1")
    missed = happens("missed", exchange_id="c1", at=NOW + timedelta(seconds=9))
    assert [facts.is_told_again for facts in facts_of_many([missed, busy])] == [True, False]


def test_a_call_that_is_answered_later_says_so(happens):
    missed = happens("missed", exchange_id="c1")
    assert facts_of(missed).is_answered is False
    happens("answered", exchange_id="c1", at=NOW + timedelta(seconds=1))
    assert facts_of(missed).is_answered is True


def test_a_blocked_caller_is_known_as_one(boti, ada, happens):
    block_sender(entry=boti, by=ada, now=NOW)
    assert facts_of(happens("missed")).is_blocked is True


BUDAPEST = {
    "Saturday night, still Saturday": (datetime(2026, 3, 28, 22, 59, tzinfo=UTC), 6, False),
    # Midnight in Budapest, in London it is still Saturday.
    "Sunday has begun": (datetime(2026, 3, 28, 23, 0, tzinfo=UTC), 7, False),
    # Clocks go from 2:00 to 3:00 at 1:00 UTC: "open from 2:30" is read as 3:30.
    "the last minute of winter": (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), 7, False),
    "the first of summer": (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), 7, False),
    "half past three": (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), 7, True),
    "just before five": (datetime(2026, 3, 29, 2, 59, tzinfo=UTC), 7, True),
    "five": (datetime(2026, 3, 29, 3, 0, tzinfo=UTC), 7, False),
    # And back from 3:00 to 2:00: 2:30 comes twice, at 0:30 and at 1:30 UTC; open from the first on.
    "the first half past two": (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), 7, True),
    "just before it": (datetime(2026, 10, 25, 0, 29, tzinfo=UTC), 7, False),
    "the second": (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), 7, True),
    "five in winter": (datetime(2026, 10, 25, 4, 0, tzinfo=UTC), 7, False),
}


@pytest.mark.parametrize(("at", "weekday", "is_open"), BUDAPEST.values(), ids=BUDAPEST)
def test_hours_and_weekdays_in_a_night_of_changing_clocks(kontakt, happens, at, weekday, is_open):
    Subscriber.objects.filter(pk=kontakt.pk).update(opening_hours={"7": [["02:30", "05:00"]]})
    facts = facts_of(happens("missed", at=at))
    assert (facts.weekday, facts.is_open) == (weekday, is_open)


@pytest.mark.parametrize("closes_on_holidays", [True, False])
def test_public_holidays_and_closed_days_are_holidays(kontakt, happens, closes_on_holidays):
    Subscriber.objects.filter(pk=kontakt.pk).update(is_closed_on_holidays=closes_on_holidays)
    ClosedDay.objects.create(subscriber=kontakt, day=date(2026, 11, 24), name="Moving")
    # 20 August is a public holiday in Hungary, a Thursday in 2026.
    holiday = facts_of(happens("missed", at=datetime(2026, 8, 20, 10, 0, tzinfo=UTC)))
    assert (holiday.is_holiday, holiday.is_open) == (True, not closes_on_holidays)
    closed = facts_of(happens("missed", at=NOW + timedelta(days=1)))
    assert (closed.is_holiday, closed.is_open) == (True, False)
    usual = facts_of(happens("missed", at=NOW))
    assert (usual.is_holiday, usual.is_open) == (False, True)


def test_many_are_read_by_as_many_questions_as_one(happens, django_assert_num_queries):
    events = [happens("missed", caller=caller, at=NOW + timedelta(minutes=n)) for n, caller in enumerate([BOTI, JOHN, "", BOTI])]
    with django_assert_num_queries(4):
        one = facts_of(events[3])
    with django_assert_num_queries(4):
        facts = facts_of_many([*reversed(events)])
    assert facts[0] == one
    assert [fact.number for fact in facts] == [BOTI, "", JOHN, BOTI]
    assert facts[0].minutes_since_previous == 3


def test_rules_are_looked_at_in_their_order(kontakt, rival):
    def made(name: str, position: int, subscriber=kontakt, **more) -> CallRule:
        more = {"definition": {"trigger": "missed"}, "created_at": NOW, "updated_at": NOW} | more
        return CallRule.objects.create(subscriber=subscriber, name=name, position=position, **more)

    made("second", 2)
    made("first", 1)
    made("off", 0, is_active=False)
    made("gone", 0, deleted_at=NOW)
    made("theirs", 0, subscriber=rival)
    made("second too", 2)
    assert [rule.name for rule in rules_in_order(kontakt.pk)] == ["first", "second", "second too"]
