"""That a rule had nothing to say is not kept for ever; what was told, and why, is."""

from __future__ import annotations

from datetime import timedelta

from gateway.chores import CHORES
from server.calls.clearing import KEPT_FOR, drop_old_runs
from server.calls.definition import Channel, Step, Who
from server.calls.firing import fire_due, take_due_steps
from server.calls.models import Call, RuleRun, Telling
from tests.conftest import NOW
from tests.doors import Browser


def test_rules_that_did_not_apply_are_forgotten_after_a_quarter_of_a_year(make_rule, happens, ada, dana, monkeypatch):
    monkeypatch.setattr("server.calls.clearing.PIECE", 2)
    to_dana = Step(who=Who.PEOPLE, channel=Channel.BROWSER, people=(dana.pk,))
    for number in range(5):
        make_rule(f"Others {number}", to_dana, conditions={"queues": ("Sales",)})
    applying = make_rule("Ours", to_dana)
    happens("missed")
    later = NOW + timedelta(seconds=5)
    fire_due(now=later)
    take_due_steps(now=later)

    assert drop_old_runs(now=later + KEPT_FOR) == 0
    assert drop_old_runs(now=later + KEPT_FOR + timedelta(seconds=1)) == 5
    assert RuleRun.objects.get().rule == applying
    assert Telling.objects.get().run.rule == applying
    assert "drop old runs" in {chore.name for chore in CHORES}


def test_the_page_does_not_say_that_no_rule_waited(happens, make_rule, ada):
    make_rule("Others", Step(who=Who.CALLER, channel=Channel.SMS), conditions={"queues": ("Sales",)})
    long_ago = NOW - KEPT_FOR - timedelta(days=900)
    happens("missed", at=long_ago)
    fire_due(now=long_ago + timedelta(seconds=5))
    drop_old_runs(now=NOW)
    page = Browser(ada).get(f"/call-logic/calls/{Call.objects.get().uuid}/").text
    assert "No rule waits for this." not in page
    assert "Which rules did not apply is not kept any more." in page
