"""What holds of any rules and any call; thousands of them, seeded."""

from __future__ import annotations

import json
import random
from dataclasses import fields

import pytest

from server.calls.deciding import Decision, Facts, decide
from server.calls.definition import Conditions, Definition, Trigger
from server.calls.models import CallEventKind, CallRule, Outcome

COUNTRIES, QUEUES = ["HU", "GB", "AT", "DE"], ["Sales", "Support", "értékesítés"]


def some(chance: random.Random, values: list) -> tuple:
    return tuple(sorted(chance.sample(values, chance.randint(1, len(values)))))


# A value for each condition that a rule may have.
ASKED = {
    "lines": lambda chance: some(chance, [1, 2, 3]),
    "queues": lambda chance: some(chance, QUEUES),
    "countries": lambda chance: some(chance, COUNTRIES),
    "is_in_countries": lambda chance: chance.random() < 0.5,
    "is_known": lambda chance: chance.random() < 0.5,
    "tags": lambda chance: some(chance, [7, 8, 9]),
    "is_first_call": lambda chance: chance.random() < 0.5,
    "hours": lambda chance: chance.choice(["open", "closed"]),
    "is_holiday": lambda chance: chance.random() < 0.5,
    "weekdays": lambda chance: some(chance, [1, 2, 3, 4, 5, 6, 7]),
    "repeated_within": lambda chance: chance.choice([1, 10, 60]),
}


def a_rule(chance: random.Random, number: int, *, may_end: bool = True) -> CallRule:
    asked = {name: make(chance) for name, make in ASKED.items() if chance.random() < 0.2}
    trigger = chance.choice([*Trigger])
    definition = Definition(
        trigger=trigger,
        key=chance.choice("12") if trigger == Trigger.KEY else "",
        node=chance.choice([1, 2]) if trigger == Trigger.NODE else None,
        conditions=Conditions(**asked),
        ends=may_end and chance.random() < 0.2,
    )
    # As a row keeps it.
    return CallRule(pk=number, name=str(number), definition=json.loads(json.dumps(definition.to_json())))


def some_facts(chance: random.Random) -> Facts:
    country = chance.choice(["", *COUNTRIES])
    kind = chance.choice([*CallEventKind])
    return Facts(
        kind=kind,
        line=chance.choice([1, 2, 3]),
        key=chance.choice("12") if kind == CallEventKind.KEY else "",
        node=chance.choice([1, 2]) if kind == CallEventKind.NODE else None,
        queue=chance.choice(["", *QUEUES]),
        number="+36301234567" if country else "",
        country=country,
        is_known=chance.random() < 0.5,
        tags=frozenset(chance.sample([7, 8, 9], chance.randint(0, 2))),
        is_first_call=chance.choice([True, False]) if country else None,
        minutes_since_previous=chance.choice([None, 0, 5, 30, 600]) if country else None,
        is_open=chance.random() < 0.5,
        is_holiday=chance.random() < 0.1,
        weekday=chance.randint(1, 7),
        is_answered=chance.random() < 0.1,
    )


@pytest.fixture(params=range(5))
def chance(request) -> random.Random:
    return random.Random(request.param)


def outcomes(decisions: list[Decision]) -> dict[int, Outcome]:
    return {decision.rule.pk: decision.outcome for decision in decisions}


def test_a_rule_applies_when_all_holds_and_none_before_it_ends_the_list(chance):
    applied = 0
    for _ in range(300):
        rules, facts = [a_rule(chance, number) for number in range(8)], some_facts(chance)
        has_ended = False
        for decision in decide(rules, facts):
            holds = all(check.holds for check in decision.checks)
            expected = Outcome.MATCHED if holds else Outcome.NOT_MATCHED
            if facts.is_answered and facts.kind in {"missed", "busy", "failed"}:
                expected = Outcome.ANSWERED_MEANWHILE
            elif has_ended:
                expected = Outcome.STOPPED_BEFORE
            assert decision.outcome == expected
            has_ended |= decision.applies and decision.rule.says.ends
            applied += decision.applies
            json.dumps([check.to_json() for check in decision.checks])
    # Or it would have shown nothing.
    assert applied > 100


def test_rules_that_end_nothing_do_not_mind_their_order(chance):
    for _ in range(200):
        rules = [a_rule(chance, number, may_end=False) for number in range(6)]
        facts = some_facts(chance)
        shuffled = chance.sample(rules, len(rules))
        assert outcomes(decide(rules, facts)) == outcomes(decide(shuffled, facts))
        assert [decision.rule for decision in decide(shuffled, facts)] == [
            rule for rule in shuffled if rule.pk in outcomes(decide(rules, facts))
        ]


def test_one_more_condition_never_makes_a_rule_apply_more_often(chance):
    free = [name for name in ASKED if name not in {"is_in_countries", "countries"}]
    for _ in range(300):
        rule, facts = a_rule(chance, 1), some_facts(chance)
        before = rule.says.conditions
        empty = [name for name in free if getattr(before, name) == getattr(Conditions(), name)]
        if not empty:
            continue
        more = {field.name: getattr(before, field.name) for field in fields(before)} | {
            name: ASKED[name](chance) for name in [chance.choice(empty)]
        }
        stricter = CallRule(pk=1, name="1", definition=rule.definition | {"conditions": more})
        was, now = outcomes(decide([rule], facts)), outcomes(decide([stricter], facts))
        assert was.keys() == now.keys()
        assert not (now.get(1) == Outcome.MATCHED and was.get(1) != Outcome.MATCHED)
