"""One red switch stops whatever a company sends by itself."""

from __future__ import annotations

import pytest

from server.accounts.models import AuditEntry
from server.calls.definition import Channel, Step, Who
from server.calls.firing import fire_due, take_due_steps
from server.calls.models import CallLogic, RuleStep, Skipped, StepOutcome, Telling, TellingState
from server.calls.stopping import LimitNotValid, Limits, resume_automatic, set_limits, stop_automatic
from server.calls.telling import tell_due
from server.events.models import Event, Kind
from server.messaging.models import Message, Status
from server.messaging.reasons import Reason
from tests.conftest import NOW
from tests.letters import letters_sent
from tests.server.conftest import later

LIMITS = {"per_number_per_day": 3, "per_colleague_per_day": 50, "per_minute": 20, "per_day": 500}


@pytest.fixture
def missed(make_rule, happens, dana):
    """Boti called in vain: Boti is to get an SMS, and dana a notice in the browser."""
    people = Step(who=Who.PEOPLE, people=(dana.pk,), channel=Channel.BROWSER)
    make_rule("Missed", Step(who=Who.CALLER, channel=Channel.SMS), people)
    return happens("missed")


def decide() -> None:
    fire_due(now=later(seconds=3))
    take_due_steps(now=later(seconds=3))


def states() -> list[tuple[str, str]]:
    return list(Telling.objects.order_by("step").values_list("state", "reason"))


def test_what_was_planned_is_not_sent(kontakt, ada, missed):
    decide()
    assert stop_automatic(subscriber=kontakt, by=ada, now=later(seconds=4))
    assert states() == [(TellingState.SKIPPED, Skipped.STOPPED)] * 2
    assert tell_due(now=later(seconds=5)) == 0
    assert not Message.objects.exists()


def test_what_was_queued_fails_when_it_is_claimed(kontakt, ada, missed, claim):
    decide()
    tell_due(now=later(seconds=4))
    stop_automatic(subscriber=kontakt, by=ada, now=later(seconds=5))
    assert claim(at=later(seconds=6)) is None
    message = Message.objects.get()
    assert (message.status, message.reason) == (Status.FAILED, Reason.AUTOMATIC_STOPPED)
    # Who was told in the browser before was told.
    assert states() == [(TellingState.SKIPPED, Skipped.STOPPED), (TellingState.TOLD, "")]


def test_what_is_due_while_it_is_stopped_never_goes_out(kontakt, ada, missed):
    stop_automatic(subscriber=kontakt, by=ada, now=NOW)
    decide()
    resume_automatic(subscriber=kontakt, by=ada, now=later(minutes=1))
    assert (take_due_steps(now=later(minutes=2)), tell_due(now=later(minutes=2))) == (0, 0)
    assert set(RuleStep.objects.values_list("outcome", flat=True)) == {StepOutcome.STOPPED}


def test_what_waited_when_it_was_stopped_does_not_go_out_after_it_is_allowed_again(kontakt, ada, make_rule, happens, dana, claim):
    dana.email = "dana@kontakt.example"
    dana.save()
    by_letter = Step(who=Who.PEOPLE, people=(dana.pk,), channel=Channel.EMAIL)
    in_ten_minutes = Step(who=Who.PEOPLE, people=(dana.pk,), channel=Channel.BROWSER, after=10)
    make_rule("Missed", Step(who=Who.CALLER, channel=Channel.SMS), by_letter, in_ten_minutes)
    happens("missed")
    decide()
    tell_due(now=later(seconds=4))
    stop_automatic(subscriber=kontakt, by=ada, now=later(seconds=5))
    resume_automatic(subscriber=kontakt, by=ada, now=later(seconds=6))

    assert claim(at=later(seconds=7)) is None
    assert letters_sent() == []
    assert take_due_steps(now=later(minutes=11)) == 0
    assert Message.objects.get().reason == Reason.AUTOMATIC_STOPPED
    assert states() == [(TellingState.SKIPPED, Skipped.STOPPED)] * 2


def test_the_next_call_after_it_is_allowed_again_is_told(kontakt, ada, missed, happens):
    stop_automatic(subscriber=kontakt, by=ada, now=NOW)
    resume_automatic(subscriber=kontakt, by=ada, now=NOW)
    decide()
    assert tell_due(now=later(seconds=5)) == 2


def test_stopping_is_said_once_with_who_and_when(kontakt, ada, sam):
    assert stop_automatic(subscriber=kontakt, by=ada, now=NOW)
    assert not stop_automatic(subscriber=kontakt, by=sam, now=later(minutes=1))
    logic = CallLogic.objects.get()
    assert (logic.stopped_at, logic.stopped_by) == (NOW, ada)
    assert resume_automatic(subscriber=kontakt, by=sam, now=later(minutes=2))
    assert not resume_automatic(subscriber=kontakt, by=ada, now=later(minutes=3))
    said = AuditEntry.objects.filter(action__startswith="call_logic").order_by("pk").values_list("action", "actor__username")
    assert list(said) == [("call_logic.stopped", "ada"), ("call_logic.resumed", "sam")]
    assert [event.kind for event in Event.objects.all()] == [Kind.CALL_LOGIC_CHANGED] * 2


def test_another_company_is_not_stopped(rival, ada, missed):
    stop_automatic(subscriber=rival, by=ada, now=NOW)
    decide()
    assert tell_due(now=later(seconds=5)) == 2


def test_limits_are_changed_and_what_they_were_is_kept(kontakt, ada):
    assert not set_limits(subscriber=kontakt, limits=Limits(**LIMITS), by=ada, now=NOW)
    assert set_limits(subscriber=kontakt, limits=Limits(**LIMITS | {"per_minute": 5}), by=ada, now=NOW)
    assert CallLogic.objects.get().per_minute == 5
    entry = AuditEntry.objects.get(action="call_logic.limits")
    assert entry.detail["changed"] == {"per_minute": {"old": 20, "new": 5}}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("per_number_per_day", 0),
        ("per_number_per_day", 11),
        ("per_colleague_per_day", 501),
        ("per_minute", 0),
        ("per_minute", 601),
        ("per_day", 0),
        ("per_day", 20_001),
    ],
)
def test_limits_have_bounds(kontakt, ada, name, value):
    with pytest.raises(LimitNotValid) as refusal:
        set_limits(subscriber=kontakt, limits=Limits(**LIMITS | {name: value}), by=ada, now=NOW)
    assert refusal.value.name == name
    assert not CallLogic.objects.exists()
