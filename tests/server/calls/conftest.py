"""What happens in calls, and the rules that look at it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime

import pytest

from server.calls.definition import Conditions, Definition, Step, Trigger
from server.calls.models import CallEvent, CallRule
from server.calls.recording import Told, record_call_event
from server.calls.rules import save_rule
from tests.conftest import BOTI, NOW


@pytest.fixture
def happens(line) -> Callable[..., CallEvent]:
    """An exchange tells of a call: `happens("missed", caller=BOTI)` returns the event."""
    calls = itertools.count(1)

    def tell(kind: str, *, at: datetime = NOW, on=line, exchange_id: str = "", now: datetime | None = None, **told) -> CallEvent:
        told = {"caller": BOTI, "called": on.number} | told
        said = Told(exchange_id=exchange_id or f"call-{next(calls)}", kind=kind, at=at, **told)
        return record_call_event(line=on, told=said, now=now or at).event

    return tell


@pytest.fixture
def make_rule(kontakt, ada) -> Callable[..., CallRule]:
    """`make_rule("Missed", Step(who=Who.ON_DUTY), conditions={"queues": ("Sales",)})`: the last of the list."""

    def make(name: str, *steps: Step, trigger: str = "missed", conditions: dict | None = None, is_active: bool = True, **said):
        definition = Definition(trigger=Trigger(trigger), conditions=Conditions(**(conditions or {})), steps=steps, **said)
        return save_rule(subscriber=kontakt, rule=None, name=name, definition=definition, is_active=is_active, by=ada, now=NOW)

    return make
