"""Calls as an exchange tells them, and what rules made of them, for tests of what colleagues see."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from server.calls.definition import Definition, Step, Trigger, Who
from server.calls.models import CallRule, Outcome, RuleRun, RuleStep, RuleVersion, Telling
from server.calls.recording import Recorded, Told, record_call_event
from tests.conftest import BOTI, NOW

if TYPE_CHECKING:
    from server.accounts.models import Subscriber
    from server.calls.models import CallEvent
    from server.lines.models import Line


def told(
    line: Line,
    kind: str,
    *,
    call: str = "call-1",
    at: datetime = NOW,
    caller: str = BOTI,
    late: timedelta = timedelta(),
    **more: Any,
) -> Recorded:
    """The line's exchange tells that this happened in a call."""
    of_ours = (
        {"caller": line.number, "called": caller} if more.get("direction") == "out" else {"caller": caller, "called": line.number}
    )
    return record_call_event(line=line, told=Told(exchange_id=call, kind=kind, at=at, **of_ours, **more), now=at + late)


def a_rule(subscriber: Subscriber, name: str, **says: Any) -> CallRule:
    definition = Definition(**({"trigger": Trigger.MISSED, "steps": (Step(who=Who.ON_DUTY),)} | says)).to_json()
    rule = CallRule.objects.create(subscriber=subscriber, name=name, definition=definition, created_at=NOW, updated_at=NOW)
    RuleVersion.objects.create(rule=rule, number=1, name=name, definition=definition, is_active=True, at=NOW)
    return rule


def applied(rule: CallRule, event: CallEvent, *tellings: dict[str, Any], checks: Any = (), is_dry: bool = False) -> RuleRun:
    """The rule applied to what happened, and told these, or did not."""
    run = RuleRun.objects.create(
        subscriber=rule.subscriber,
        rule=rule,
        version=rule.version,
        event=event,
        outcome=Outcome.MATCHED,
        checks=[*checks],
        is_dry=is_dry,
        at=NOW,
    )
    RuleStep.objects.create(run=run, number=0, done_at=NOW, outcome="done")
    for telling in tellings:
        Telling.objects.create(run=run, **({"step": 0, "state": "told", "planned_at": NOW, "told_at": NOW} | telling))
    return run
