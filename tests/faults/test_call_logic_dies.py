"""A dispatcher is killed between a call and whoever is to hear of it: the others tell everybody, and nobody twice."""

from __future__ import annotations

import random
import signal
import sys
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from server.accounts.models import User
from server.calls.definition import Channel, Definition, Step, Trigger, Who
from server.calls.models import CallEvent, RuleRun, RuleStep, StepOutcome, Telling, TellingState
from server.calls.recording import Told, record_call_event
from server.calls.rules import save_rule
from server.events.models import Event, Kind
from server.messaging.models import Conversation
from tests.faults.patience import until
from tests.services import Process, environment

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("faults")]

CALLED_BACK = "We call you back."


@pytest.fixture
def rule(company):
    """Who calls in vain is told by SMS; Dana by a notice and by a letter."""
    User.objects.filter(pk=company.dana.user.pk).update(email="dana@kontakt.example")
    danas = [Step(who=Who.PEOPLE, channel=channel, people=(company.dana.user.pk,)) for channel in (Channel.BROWSER, Channel.EMAIL)]
    to_caller = Step(who=Who.CALLER, channel=Channel.SMS, texts={"en": CALLED_BACK, "hu": CALLED_BACK})
    definition = Definition(trigger=Trigger.MISSED, steps=(danas[0], to_caller, danas[1]))
    return save_rule(
        subscriber=company.subscriber, rule=None, name="Missed", definition=definition, is_active=True, by=None, now=timezone.now()
    )


def calls(company, caller: str) -> None:
    """In vain; the moment in which they could still be answered is over."""
    now = timezone.now() - timedelta(seconds=5)
    told = Told(exchange_id=uuid.uuid4().hex, kind="missed", at=now, caller=caller, called=company.line.number)
    record_call_event(line=company.line, told=told, now=now)


def is_worked_off(company) -> bool:
    ours = {"run__subscriber": company.subscriber}
    return not (
        CallEvent.objects.filter(call__subscriber=company.subscriber, due_at__isnull=False).exists()
        or RuleStep.objects.filter(**ours, due_at__isnull=False).exists()
        or Telling.objects.filter(**ours, state=TellingState.PLANNED).exists()
    )


def has_told_once(company, conversations: list[Conversation]) -> None:
    """Each call: one run of the rule, three steps, one text at the provider, one notice, one letter to be sent."""
    count = len(conversations)
    assert RuleRun.objects.filter(subscriber=company.subscriber).count() == count
    steps = RuleStep.objects.filter(run__subscriber=company.subscriber)
    assert list(steps.values_list("outcome", flat=True)) == [StepOutcome.DONE] * 3 * count
    tellings = Telling.objects.filter(run__subscriber=company.subscriber)
    assert Counter(tellings.values_list("channel", "state")) == {
        ("browser", "told"): count,
        ("sms", "told"): count,
        ("email", "sending"): count,
    }
    notices = Event.objects.filter(subscriber=company.subscriber, kind=Kind.TOLD).values_list("message_id", flat=True)
    assert sorted(notices) == sorted(tellings.filter(channel="browser").values_list("pk", flat=True))
    letters = Counter(task.args_kwargs["args"][0] for task in DBTaskResult.objects.all() if "send_letter_of_call" in task.task_path)
    assert {telling: letters[telling] for telling in tellings.filter(channel="email").values_list("pk", flat=True)} == (
        dict.fromkeys(tellings.filter(channel="email").values_list("pk", flat=True), 1)
    )
    company.has_sent_once({conversation: [CALLED_BACK] for conversation in conversations})


MOMENTS = ("amid-firing", "after-firing", "amid-step", "after-step", "amid-telling", "after-telling")


def test_dispatchers_killed_between_calls_and_their_messages_neither_lose_nor_double_one(house, company, rule):
    house.stop_dispatchers()
    conversations = [company.conversation(f"+363055511{n:02}", f"Caller {n}") for n in range(2 * len(MOMENTS))]
    for number, moment in enumerate(MOMENTS):
        for conversation in conversations[2 * number : 2 * number + 2]:
            calls(company, conversation.contact.number)
        # Each finishes what the one before it had in hand, until its own moment comes.
        with Process(sys.executable, "-m", "tests.faults.doomed", moment, "2", "dispatch", env=environment(house.env)) as doomed:
            assert doomed.wait(60) == -signal.SIGKILL, moment
            company.let_leases_run_out(of_pid=doomed.pid)

    house.start_dispatchers()
    until(lambda: is_worked_off(company), "everybody is told")
    company.bring_forward("reap leases")
    company.settle()
    has_told_once(company, conversations)


def test_dispatchers_that_are_killed_at_any_moment_tell_everybody_once(house, company, rule):
    """Seeded, as far as other processes' time can be."""
    chance = random.Random(5)
    conversations = [company.conversation(f"+363055500{n:02}", f"Caller {n}") for n in range(16)]
    for four in range(0, 16, 4):
        for conversation in conversations[four : four + 4]:
            calls(company, conversation.contact.number)
        victim = chance.choice(house.dispatchers)
        fired = chance.randrange(1, 4)
        until(lambda fired=fired, four=four: RuleRun.objects.filter(subscriber=company.subscriber).count() >= four + fired, "some")
        pid = victim.pid
        victim.kill()
        company.let_leases_run_out(of_pid=pid)
        victim.start()

    until(lambda: is_worked_off(company), "everybody is told")
    company.bring_forward("reap leases")
    company.settle()
    has_told_once(company, conversations)
