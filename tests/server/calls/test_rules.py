"""Making and changing rules: what is refused, what is kept, and how one goes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from server.accounts.models import AuditEntry, Team
from server.calls.definition import Channel, Conditions, Definition, DefinitionNotValid, Only, Step, Trigger, Who
from server.calls.models import CallRule
from server.calls.nodes import NodeNameMissing, NodeNameTaken, add_node, delete_node, rename_node
from server.calls.rules import (
    MOST_RULES,
    NoSuchVersion,
    RuleChanged,
    TooManyRules,
    delete_rule,
    live_rules,
    move_rule,
    restore_version,
    save_rule,
    switch_rule,
)
from server.contacts.models import Tag
from server.events.models import Event, Kind
from tests.conftest import NOW

TELL_DUTY = Definition(trigger=Trigger.MISSED, steps=(Step(who=Who.ON_DUTY),))


@pytest.fixture
def kept(kontakt, ada):
    """`kept("Name")` makes a rule."""

    def keep(name: str = "Missed", definition: Definition = TELL_DUTY, **more) -> CallRule:
        wishes = {"rule": None, "is_active": True, "by": ada, "now": NOW} | more
        return save_rule(subscriber=kontakt, name=name, definition=definition, **wishes)

    return keep


def names(kontakt) -> list[str]:
    return [rule.name for rule in live_rules(kontakt)]


def errors_of(kept, definition: Definition, name: str = "Missed") -> dict[str, str]:
    with pytest.raises(DefinitionNotValid) as refusal:
        kept(name, definition)
    return refusal.value.errors


def test_a_rule_is_kept_with_its_first_version_told_and_audited(kept, kontakt, ada):
    rule = kept()
    assert rule.says == TELL_DUTY
    assert [(version.number, version.name, version.by) for version in rule.versions.all()] == [(1, "Missed", ada)]
    assert [event.kind for event in Event.objects.filter(subscriber=kontakt)] == [Kind.CALL_LOGIC_CHANGED]
    assert [(entry.action, entry.target) for entry in AuditEntry.objects.all()] == [("rule.made", "Missed")]


def test_what_changes_nothing_is_no_version(kept):
    rule = kept()
    assert kept(rule=rule, seen=1).version == 1
    assert rule.versions.count() == 1
    assert AuditEntry.objects.count() == 1


def test_a_change_against_an_older_version_is_refused(kept):
    rule = kept()
    kept("Renamed", rule=rule, seen=1)
    with pytest.raises(RuleChanged) as refusal:
        kept("Mine", rule=rule, seen=1)
    assert refusal.value.rule.name == "Renamed"


def test_a_deleted_rule_is_not_saved_over(kept, ada):
    rule = kept()
    delete_rule(rule=rule, by=ada, now=NOW)
    with pytest.raises(RuleChanged):
        kept("Mine", rule=rule)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"steps": ()}, "steps"),
        ({"steps": (Step(who=Who.ON_DUTY),) * 11}, "steps"),
        ({"trigger": Trigger.KEY, "key": "12a"}, "key"),
        ({"trigger": Trigger.KEY, "key": "123456789"}, "key"),
        ({"trigger": Trigger.NODE}, "node"),
        ({"trigger": Trigger.NODE, "node": 7_000_000}, "node"),
        ({"cool_down": 4}, "cool_down"),
        ({"cool_down": 10081}, "cool_down"),
        ({"promises_within": 14}, "promises_within"),
        ({"promises_within": 2881}, "promises_within"),
        ({"conditions": Conditions(repeated_within=0)}, "conditions.repeated_within"),
        ({"conditions": Conditions(countries=("QQ",))}, "conditions.countries"),
        ({"conditions": Conditions(weekdays=(8,))}, "conditions.weekdays"),
        ({"conditions": Conditions(queues=(" ",))}, "conditions.queues"),
        ({"conditions": Conditions(hours="whenever")}, "conditions.hours"),
        ({"steps": (Step(who=Who.TEAMS),)}, "steps.0.teams"),
        ({"steps": (Step(who=Who.PEOPLE),)}, "steps.0.people"),
        ({"steps": (Step(who=Who.ON_DUTY, after=1441),)}, "steps.0.after"),
        ({"steps": (Step(who=Who.ON_DUTY, only=Only.NOBODY_THERE),)}, "steps.0.only"),
        ({"steps": (Step(who=Who.ON_DUTY, texts={"hu": "Hívott: {calller}"}),)}, "steps.0.text.hu"),
        ({"steps": (Step(who=Who.ON_DUTY, texts={"en": "By {call_back_time}"}),)}, "steps.0.text.en"),
        ({"steps": (Step(who=Who.ON_DUTY, texts={"xx": "Hi"}),)}, "steps.0.text"),
        ({"steps": (Step(who=Who.ON_DUTY, subjects={"en": "a" * 201}),)}, "steps.0.subject.en"),
    ],
)
def test_what_makes_no_sense_is_said_at_its_field(kept, change, field):
    assert list(errors_of(kept, replace(TELL_DUTY, **change))) == [field]
    assert not CallRule.objects.exists()


@pytest.mark.parametrize("name", ["", "   ", "a" * 81])
def test_a_rule_has_a_name(kept, name):
    assert list(errors_of(kept, TELL_DUTY, name)) == ["name"]


def test_what_belongs_to_another_company_can_not_be_named(kept, rival, rival_line, eve, kontakt):
    team, tag = Team.objects.create(subscriber=rival, name="Theirs"), Tag.objects.create(subscriber=rival, name="Theirs")
    conditions = Conditions(lines=(rival_line.pk,), tags=(tag.pk,))
    steps = (Step(who=Who.TEAMS, teams=(team.pk,)), Step(who=Who.PEOPLE, people=(eve.pk,)))
    found = errors_of(kept, replace(TELL_DUTY, conditions=conditions, steps=steps))
    assert set(found) == {"conditions.lines", "conditions.tags", "steps.0.teams", "steps.1.people"}


def test_who_has_left_can_not_be_named(kept, dana):
    dana.is_active = False
    dana.save()
    assert set(errors_of(kept, replace(TELL_DUTY, steps=(Step(who=Who.PEOPLE, people=(dana.pk,)),)))) == {"steps.0.people"}


def test_what_means_nothing_is_left_out(kept, dana):
    steps = (Step(who=Who.CALLER, channel=Channel.EMAIL, people=(dana.pk,), texts={"hu": "  ", "en": " Hi "}),)
    rule = kept(definition=replace(TELL_DUTY, key="1", node=7, steps=steps))
    assert rule.says == replace(TELL_DUTY, steps=(Step(who=Who.CALLER, channel=Channel.SMS, texts={"en": "Hi"}),))


def test_rules_are_put_into_order(kept, kontakt, ada):
    for name in "ABC":
        kept(name)
    first, _second, third = live_rules(kontakt)
    assert move_rule(rule=third, to=0, by=ada, now=NOW) == 2
    assert names(kontakt) == ["C", "A", "B"]
    assert move_rule(rule=first, to=99, by=ada, now=NOW) == 1
    assert names(kontakt) == ["C", "B", "A"]
    assert move_rule(rule=first, to=2, by=ada, now=NOW) is None


def test_switching_is_a_version_too(kept, ada):
    rule = switch_rule(rule=kept(), is_active=False, by=ada, now=NOW)
    assert (rule.is_active, rule.version) == (False, 2)
    assert switch_rule(rule=rule, is_active=False, by=ada, now=NOW).version == 2
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == ["rule.made", "rule.switched_off"]


def test_one_goes_back_to_an_earlier_version(kept, ada):
    rule = kept()
    kept("Busy", replace(TELL_DUTY, trigger=Trigger.BUSY), rule=rule, seen=1, now=NOW + timedelta(minutes=1))
    back = restore_version(rule=rule, number=1, by=ada, now=NOW + timedelta(minutes=2))
    assert (back.name, back.says, back.version) == ("Missed", TELL_DUTY, 3)
    with pytest.raises(NoSuchVersion):
        restore_version(rule=rule, number=9, by=ada, now=NOW)


def test_a_deleted_rule_comes_back(kept, kontakt, ada):
    rule = kept()
    assert delete_rule(rule=rule, by=ada, now=NOW)
    assert not delete_rule(rule=rule, by=ada, now=NOW)
    assert names(kontakt) == []
    assert restore_version(rule=rule, number=1, by=ada, now=NOW).deleted_at is None
    assert names(kontakt) == ["Missed"]


def test_forty_rules_are_enough(kept, kontakt, ada):
    gone = kept("Gone")
    delete_rule(rule=gone, by=ada, now=NOW)
    for number in range(MOST_RULES):
        kept(f"Rule {number}")
    with pytest.raises(TooManyRules):
        kept("One more")
    with pytest.raises(TooManyRules):
        restore_version(rule=gone, number=1, by=ada, now=NOW)


def test_a_node_has_a_name_of_its_own(kontakt, rival, ada, kept):
    node = add_node(subscriber=kontakt, name=" Garázs ", by=ada, now=NOW)
    with pytest.raises(NodeNameTaken):
        add_node(subscriber=kontakt, name="garazs", by=ada, now=NOW)
    with pytest.raises(NodeNameMissing):
        rename_node(node=node, name=" ", by=ada, now=NOW)
    node.refresh_from_db()
    assert not rename_node(node=node, name="Garázs", by=ada, now=NOW)
    assert rename_node(node=node, name="Műhely", by=ada, now=NOW)
    kept(definition=replace(TELL_DUTY, trigger=Trigger.NODE, node=node.pk))
    assert delete_node(node=node, by=ada, now=NOW)
    assert not delete_node(node=node, by=ada, now=NOW)
    assert "node" in errors_of(kept, replace(TELL_DUTY, trigger=Trigger.NODE, node=node.pk))
    # Its name is free again.
    assert add_node(subscriber=kontakt, name="Műhely", by=ada, now=NOW).key != node.key
