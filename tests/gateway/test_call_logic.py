"""From an exchange's request to a phone, a mailbox and a screen: the whole way of call logic, and the loop that drives it."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from gateway import call_logic
from gateway.call_logic import work_off
from gateway.dispatch import Dispatcher
from gateway.sending import send_due
from server.accounts.models import User
from server.calls.definition import Channel, Conditions, Definition, Step, Trigger, Who
from server.calls.models import RuleRun, Telling
from server.calls.rules import save_rule
from server.events.models import Event, Kind
from server.messaging.models import Message, Origin
from tests.conftest import BOTI
from tests.gateway.exchange import Exchange
from tests.gateway.test_sending import wait_until

AFTER_GRACE = timedelta(seconds=3)
DANAS_PHONE = "+36201112233"


@pytest.fixture
def exchange(line) -> Exchange:
    return Exchange(line)


@pytest.fixture
def rules(kontakt, line, ada, dana) -> None:
    """The caller is told by SMS, dana by all ways; key 1 is confirmed."""
    User.objects.filter(pk=dana.pk).update(phone=DANAS_PHONE, email="dana@kontakt.example")
    to_caller = Step(who=Who.CALLER, channel=Channel.SMS, texts={"hu": "Visszahívjuk."})
    to_dana = [
        Step(who=Who.PEOPLE, channel=channel, people=(dana.pk,)) for channel in (Channel.SMS, Channel.EMAIL, Channel.BROWSER)
    ]
    confirms = Step(who=Who.CALLER, channel=Channel.SMS, texts={"hu": "Megrendelését rögzítettük."})
    for name, definition in {
        "Missed": Definition(trigger=Trigger.MISSED, conditions=Conditions(lines=(line.pk,)), steps=(to_caller, *to_dana)),
        "Order": Definition(trigger=Trigger.KEY, key="1", steps=(confirms,)),
    }.items():
        save_rule(subscriber=kontakt, rule=None, name=name, definition=definition, is_active=True, by=ada, now=timezone.now())


def sent_to(number: str) -> list[str]:
    out = Message.objects.filter(conversation__contact__number=number, origin=Origin.RULE).order_by("pk")
    return [message.body for message in out if message.status in {"sent", "delivered"}]


def test_a_missed_call_reaches_the_caller_and_our_people_by_every_way_once(exchange, rules, dana):
    assert exchange.tell("missed").status_code == 200
    work_off(timezone.now() + AFTER_GRACE)
    send_due()
    # Again, as another dispatcher would.
    work_off(timezone.now() + AFTER_GRACE)
    send_due()

    assert sent_to(BOTI) == ["Visszahívjuk."]
    [told] = sent_to(DANAS_PHONE)
    assert told.startswith("Caller: +36 30 999 0001")
    ways = {telling.channel: telling.state for telling in Telling.objects.filter(user=dana)}
    assert ways == {"sms": "told", "email": "sending", "browser": "told"}
    assert Event.objects.filter(kind=Kind.TOLD, user_id=dana.pk).count() == 1


def test_a_call_that_is_answered_within_the_grace_tells_nobody(exchange, rules):
    exchange.tell("missed")
    exchange.tell("answered")
    work_off(timezone.now() + AFTER_GRACE)
    assert list(RuleRun.objects.values_list("outcome", flat=True)) == ["answered_meanwhile"]
    assert not Message.objects.exists()


def test_a_key_is_confirmed_at_once_and_once_however_often_it_is_pressed_and_told(exchange, rules):
    for _ in range(3):
        exchange.tell("key", key="1")
        work_off(timezone.now())
        send_due()
    assert sent_to(BOTI) == ["Megrendelését rögzítettük."]


def test_a_second_missed_call_within_the_cool_down_tells_our_people_and_not_the_caller(exchange, rules):
    for name in ("c1", "c2"):
        exchange.tell("missed", id=name)
        work_off(timezone.now() + AFTER_GRACE)
        send_due()
    assert sent_to(BOTI) == ["Visszahívjuk."]
    assert len(sent_to(DANAS_PHONE)) == 2
    [skipped] = Telling.objects.filter(state="skipped")
    assert (skipped.user, skipped.reason) == (None, "cool_down")


def test_the_dispatcher_does_all_of_it_by_itself_and_ends_when_told(on_file, exchange, rules, dana):
    stop = threading.Event()
    thread = threading.Thread(target=Dispatcher(threads=2).run, args=(stop,))
    thread.start()
    try:
        exchange.tell("key", key="1")
        exchange.tell("missed")
        # Both are told of within the cool-down of each rule, which are two.
        wait_until(lambda: len(sent_to(BOTI)) == 2 and len(sent_to(DANAS_PHONE)) == 1, seconds=30)
        wait_until(lambda: Telling.objects.filter(user=dana, channel="browser", state="told").exists())
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()
    assert sorted(sent_to(BOTI)) == ["Megrendelését rögzítettük.", "Visszahívjuk."]


def test_a_mistake_in_one_work_keeps_the_others_at_theirs(on_file, exchange, rules, monkeypatch):
    monkeypatch.setattr(call_logic, "take_due_steps", lambda *, now: 1 / 0)
    stop = threading.Event()
    thread = threading.Thread(target=call_logic.keep_working, args=(stop,))
    thread.start()
    try:
        for name in ("c1", "c2"):
            exchange.tell("key", key="1", id=name)
            wait_until(RuleRun.objects.filter(event__call__exchange_id=name).exists)
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()
