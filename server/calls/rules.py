"""Making and changing the rules of call logic: each change is a version that can be gone back to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max

from server.accounts.invitations import plain_name
from server.accounts.models import Subscriber, record_audit
from server.calls.checking import check_definition, tidied
from server.calls.models import CallRule, RuleVersion
from server.events.log import record
from server.events.models import Kind

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from server.accounts.models import User
    from server.calls.definition import Definition

MOST_RULES = 40


class TooManyRules(ValueError):
    """The company has as many rules as anybody can keep in mind."""


class RuleChanged(Exception):
    """Somebody else has changed the rule since it was opened; `rule` is as it is now."""

    def __init__(self, rule: CallRule) -> None:
        super().__init__(rule.version)
        self.rule = rule


class NoSuchVersion(LookupError):
    """The rule never was like that."""


def live_rules(subscriber: Subscriber) -> QuerySet[CallRule]:
    """The company's rules in their order, switched on or not."""
    return CallRule.objects.filter(subscriber=subscriber, deleted_at=None).order_by("position", "id")


@transaction.atomic
def save_rule(
    *,
    subscriber: Subscriber,
    rule: CallRule | None,
    name: str,
    definition: Definition,
    is_active: bool,
    by: User | None,
    now: datetime,
    seen: int | None = None,
) -> CallRule:
    """Make a rule (`rule` None: the last of the list) or change it; `seen` is the version that was changed.

    Raises DefinitionNotValid, TooManyRules, RuleChanged.
    """
    definition, name = tidied(definition), plain_name(name)
    check_definition(definition, subscriber=subscriber, name=name)
    _lock(subscriber)
    if rule is None:
        return _made(subscriber, name, definition, is_active=is_active, by=by, now=now)
    current = CallRule.objects.select_related("subscriber").get(pk=rule.pk, subscriber=subscriber)
    if current.deleted_at is not None or (seen is not None and seen != current.version):
        raise RuleChanged(current)
    return _bring(current, name, definition.to_json(), is_active=is_active, by=by, now=now, action="rule.changed")


@transaction.atomic
def switch_rule(*, rule: CallRule, is_active: bool, by: User, now: datetime) -> CallRule:
    """Switch a rule on or off."""
    current = _locked(rule)
    action = "rule.switched_on" if is_active else "rule.switched_off"
    return _bring(current, current.name, current.definition, is_active=is_active, by=by, now=now, action=action)


@transaction.atomic
def move_rule(*, rule: CallRule, to: int, by: User, now: datetime) -> int | None:
    """Put a rule to a place in the list, from 0; returns where it stood, None when it stands there already."""
    _lock(rule.subscriber)
    rules = list(live_rules(rule.subscriber))
    if rule not in rules:
        return None
    before = rules.index(rule)
    rules.insert(max(0, min(to, len(rules) - 1)), rules.pop(before))
    place = rules.index(rule)
    if place == before:
        return None
    _number(rules)
    record_audit(action="rule.moved", at=now, actor=by, subscriber=rule.subscriber, target=rule.name, old=before + 1, new=place + 1)
    _tell(rule, now)
    return before


@transaction.atomic
def delete_rule(*, rule: CallRule, by: User, now: datetime) -> bool:
    """Take a rule out; what it did stays, and restore_version() brings it back. False when it is out already."""
    current = _locked(rule)
    if current.deleted_at is not None:
        return False
    current.deleted_at = rule.deleted_at = now
    current.save(update_fields=["deleted_at"])
    record_audit(action="rule.deleted", at=now, actor=by, subscriber=current.subscriber, target=current.name)
    _tell(current, now)
    return True


@transaction.atomic
def restore_version(*, rule: CallRule, number: int, by: User, now: datetime) -> CallRule:
    """Make the rule say again what it said in a version, and bring it back if it was deleted; that is a version, too.

    What a version names and is gone by now stays named: the rule's page says so. Raises NoSuchVersion, TooManyRules.
    """
    current = _locked(rule)
    version = RuleVersion.objects.filter(rule=current, number=number).first()
    if version is None:
        raise NoSuchVersion(number)
    if was_deleted := current.deleted_at is not None:
        _bring_back(current, by=by, now=now)
    _bring(current, version.name, version.definition, is_active=version.is_active, by=by, now=now, action="rule.restored")
    if was_deleted:
        _tell(current, now)
    return current


def _made(
    subscriber: Subscriber, name: str, definition: Definition, *, is_active: bool, by: User | None, now: datetime
) -> CallRule:
    _see_that_there_is_room(subscriber)
    last = live_rules(subscriber).aggregate(last=Max("position"))["last"]
    rule = CallRule.objects.create(
        subscriber=subscriber,
        name=name,
        definition=definition.to_json(),
        is_active=is_active,
        position=0 if last is None else last + 1,
        created_at=now,
        updated_at=now,
    )
    _keep_version(rule, by, now)
    record_audit(action="rule.made", at=now, actor=by, subscriber=subscriber, target=rule.name)
    _tell(rule, now)
    return rule


def _bring(
    rule: CallRule, name: str, definition: dict[str, Any], *, is_active: bool, by: User | None, now: datetime, action: str
) -> CallRule:
    """To what is wished; nothing is written when it is so already."""
    # As it comes back from its row: a tuple is a list there.
    wished = json.loads(json.dumps(definition))
    old = {"name": rule.name, "is_active": rule.is_active}
    new = {"name": name, "is_active": is_active}
    changed = [field for field in old if old[field] != new[field]] + (["definition"] if wished != rule.definition else [])
    if not changed:
        return rule
    rule.name, rule.definition, rule.is_active, rule.updated_at = name, wished, is_active, now
    rule.version += 1
    rule.save(update_fields=["name", "definition", "is_active", "updated_at", "version"])
    _keep_version(rule, by, now)
    detail = {"changed": changed} if action == "rule.changed" else {}
    record_audit(action=action, at=now, actor=by, subscriber=rule.subscriber, target=rule.name, **detail)
    _tell(rule, now)
    return rule


def _bring_back(rule: CallRule, *, by: User, now: datetime) -> None:
    _see_that_there_is_room(rule.subscriber)
    rule.deleted_at = None
    rule.save(update_fields=["deleted_at"])
    record_audit(action="rule.brought_back", at=now, actor=by, subscriber=rule.subscriber, target=rule.name)


def _keep_version(rule: CallRule, by: User | None, now: datetime) -> None:
    RuleVersion.objects.create(
        rule=rule, number=rule.version, name=rule.name, definition=rule.definition, is_active=rule.is_active, by=by, at=now
    )


def _see_that_there_is_room(subscriber: Subscriber) -> None:
    if live_rules(subscriber).count() >= MOST_RULES:
        raise TooManyRules


def _number(rules: list[CallRule]) -> None:
    for position, rule in enumerate(rules):
        if rule.position != position:
            CallRule.objects.filter(pk=rule.pk).update(position=position)


def _lock(subscriber: Subscriber) -> None:
    # The order of the list, and how many there are, is the company's: one change at a time.
    Subscriber.objects.select_for_update(no_key=True).get(pk=subscriber.pk)


def _locked(rule: CallRule) -> CallRule:
    _lock(rule.subscriber)
    return CallRule.objects.select_related("subscriber").get(pk=rule.pk)


def _tell(rule: CallRule, now: datetime) -> None:
    record(subscriber_id=rule.subscriber_id, kind=Kind.CALL_LOGIC_CHANGED, at=now, message_id=rule.pk)
