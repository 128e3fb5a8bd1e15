"""The rules look at what happened: once, in order, and each of their steps when it is due."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from server.accounts.models import Activation, Team, User
from server.calls import firing, planning, steps, telling
from server.calls.definition import Channel, Only, Step, Who
from server.calls.firing import fire_due, take_due_steps
from server.calls.models import Call, CallEvent, CallLogic, CallRule, Promise, RuleRun, RuleStep, Telling
from server.calls.rules import delete_rule, save_rule, switch_rule
from server.contacts.optout import opt_out
from server.events.models import Event, Kind
from server.messaging.outbound import queue_sms
from server.messaging.partners import block_sender
from tests.conftest import BOTI, NOW

LATER = NOW + timedelta(seconds=5)
TO_CALLER = Step(who=Who.CALLER, channel=Channel.SMS, texts={"hu": "Hívjuk!", "en": "We call you."})


def in_browser(*people: User, **more) -> Step:
    return Step(who=Who.PEOPLE, channel=Channel.BROWSER, people=tuple(person.pk for person in people), **more)


def work_off(now=LATER) -> None:
    fire_due(now=now)
    take_due_steps(now=now)


def outcomes() -> dict[str, str]:
    return {run.rule.name: run.outcome for run in RuleRun.objects.select_related("rule").order_by("pk")}


def tellings() -> list[tuple[str, str, str, str]]:
    """Whom, how, what became of it, and why."""
    rows = Telling.objects.select_related("user").order_by("pk")
    return [(one.user.name if one.user else "", one.channel, one.state, one.reason) for one in rows]


def step_outcomes() -> list[str]:
    return [step.outcome for step in RuleStep.objects.order_by("run", "number")]


def test_a_missed_call_tells_whom_its_rule_names(make_rule, happens, dana, boti):
    rule = make_rule("Missed", in_browser(dana), TO_CALLER, conditions={"is_known": True})
    event = happens("missed")

    assert fire_due(now=NOW) == 0
    assert fire_due(now=LATER) == 1
    [run] = RuleRun.objects.all()
    assert (run.rule, run.version, run.event, run.outcome, run.is_dry) == (rule, 1, event, "matched", False)
    assert run.checks == [{"condition": "is_known", "asked": True, "found": True, "holds": True}]

    assert take_due_steps(now=LATER) == 2
    assert tellings() == [("Dana", "browser", "planned", ""), ("", "sms", "planned", "")]
    to_caller = Telling.objects.get(user=None)
    assert (to_caller.address, to_caller.body, to_caller.language, to_caller.segments) == (BOTI, "Hívjuk!", "hu", 1)
    assert step_outcomes() == ["done", "done"]


def test_looking_again_changes_nothing(make_rule, happens, dana, boti):
    make_rule("Missed", in_browser(dana))
    happens("missed")
    work_off()
    last = Event.objects.count()
    assert (fire_due(now=LATER), take_due_steps(now=LATER)) == (0, 0)
    assert (RuleRun.objects.count(), Telling.objects.count(), Event.objects.count()) == (1, 1, last)


def test_every_screen_hears_what_the_rules_made_of_it(make_rule, happens, kontakt, dana, boti):
    make_rule("Missed", in_browser(dana))
    call = happens("missed").call
    heard = Event.objects.filter(subscriber=kontakt, kind=Kind.CALL_CHANGED, message_id=call.pk)
    before = heard.count()
    fire_due(now=LATER)
    assert heard.count() == before + 1
    take_due_steps(now=LATER)
    assert heard.count() == before + 2
    assert heard.last().conversation_id == call.conversation_id


def test_rules_are_noted_whether_they_apply_or_not(make_rule, happens, dana, boti):
    make_rule("keys", in_browser(dana), trigger="key", key="1")
    make_rule("foreign", in_browser(dana), conditions={"countries": ("HU",), "is_in_countries": False})
    make_rule("ours", in_browser(dana), ends=True)
    make_rule("last", in_browser(dana))
    happens("missed")
    work_off()
    assert outcomes() == {"foreign": "not_matched", "ours": "matched", "last": "stopped_before"}
    assert tellings() == [("Dana", "browser", "planned", "")]


def test_a_call_that_is_answered_after_all_tells_nobody(make_rule, happens, dana, boti):
    make_rule("Missed", in_browser(dana))
    happens("missed", exchange_id="c1")
    happens("answered", exchange_id="c1", at=NOW + timedelta(seconds=1))
    work_off()
    assert outcomes() == {"Missed": "answered_meanwhile"}
    assert tellings() == []


def test_busy_and_then_missed_tells_once(make_rule, happens, dana, boti):
    make_rule("Not reached", in_browser(dana), trigger="not_reached")
    happens("busy", exchange_id="c1")
    happens("missed", exchange_id="c1", at=NOW + timedelta(seconds=1))
    work_off()
    assert tellings() == [("Dana", "browser", "planned", "")]


def test_a_key_pressed_twice_is_confirmed_once(make_rule, happens, boti):
    make_rule("Confirm", TO_CALLER, trigger="key", key="1")
    for seconds in range(3):
        happens("key", exchange_id="c1", key="1", at=NOW + timedelta(seconds=seconds))
        work_off(NOW + timedelta(seconds=seconds))
    assert tellings() == [("", "sms", "planned", "")]


def test_of_a_blocked_caller_no_rule_takes_notice(make_rule, happens, dana, boti, ada):
    make_rule("Missed", in_browser(dana))
    happens("missed")
    block_sender(entry=boti, by=ada, now=NOW)
    work_off()
    assert outcomes() == {}


def test_a_call_that_nobody_looked_at_for_a_quarter_of_an_hour_tells_nobody(make_rule, happens, dana, boti):
    make_rule("Missed", in_browser(dana))
    event = happens("missed")
    work_off(NOW + timedelta(minutes=15, seconds=1))
    event.refresh_from_db()
    assert (event.is_late, event.due_at, outcomes()) == (True, None, {})


def test_a_rule_that_cannot_be_read_does_not_stop_the_next(make_rule, happens, dana, boti, kontakt):
    broken = make_rule("broken", in_browser(dana))
    make_rule("good", in_browser(dana))
    CallRule.objects.filter(pk=broken.pk).update(definition={"trigger": "missed", "steps": [{"who": "the moon"}]})
    happens("missed")
    work_off()
    assert outcomes() == {"broken": "not_matched", "good": "matched"}
    assert RuleRun.objects.get(rule=broken).checks[0]["condition"] == "definition"
    assert tellings() == [("Dana", "browser", "planned", "")]


def test_an_event_that_no_rule_can_look_at_does_not_hold_up_the_next(make_rule, happens, dana, boti, monkeypatch):
    make_rule("Missed", in_browser(dana))
    bad, good = happens("missed"), happens("missed")
    real = firing.facts_of
    monkeypatch.setattr(firing, "facts_of", lambda event: 1 / 0 if event == bad else real(event))
    assert fire_due(now=LATER) == 2
    assert list(RuleRun.objects.values_list("event", flat=True)) == [good.pk]
    assert not CallEvent.objects.filter(due_at__isnull=False).exists()


def test_a_step_that_cannot_be_worked_out_does_not_hold_up_the_next(make_rule, happens, dana, boti, monkeypatch):
    make_rule("Missed", in_browser(dana), in_browser(dana))
    happens("missed")
    real = steps.plan_tellings
    monkeypatch.setattr(steps, "plan_tellings", lambda step, **more: 1 / 0 if step.number == 0 else real(step=step, **more))
    work_off()
    assert step_outcomes() == ["broken", "done"]
    assert tellings() == [("Dana", "browser", "planned", "")]


def test_words_that_cannot_be_made_for_one_are_made_for_the_others(make_rule, happens, dana, bela, boti, monkeypatch):
    make_rule("Missed", in_browser(dana, bela))
    happens("missed")
    real = planning.words_for
    monkeypatch.setattr(planning, "words_for", lambda person, **more: 1 / 0 if person == bela else real(person=person, **more))
    work_off()
    assert tellings() == [("Bela", "browser", "skipped", "not_sent"), ("Dana", "browser", "planned", "")]


def test_a_rule_that_is_tried_out_words_everything_and_plans_nothing(make_rule, happens, dana, boti):
    tried = make_rule("Tried", in_browser(dana), TO_CALLER, promises_within=60, ends=True)
    make_rule("Real", in_browser(dana))
    CallRule.objects.filter(pk=tried.pk).update(rehearses_until=NOW + timedelta(hours=48))
    happens("missed")
    work_off()
    assert sorted(tellings()) == [("", "sms", "dry", ""), ("Dana", "browser", "dry", ""), ("Dana", "browser", "planned", "")]
    assert Telling.objects.get(user=None).body == "Hívjuk!"
    assert RuleRun.objects.get(rule=tried).is_dry
    assert not Promise.objects.exists()


def test_the_red_switch_stops_a_step_before_anybody_is_told(make_rule, happens, kontakt, dana, boti):
    make_rule("Missed", in_browser(dana), TO_CALLER)
    happens("missed")
    CallLogic.objects.create(subscriber=kontakt, stopped_at=NOW)
    work_off()
    assert (step_outcomes(), tellings()) == (["stopped", "stopped"], [])


def test_a_company_whose_service_was_taken_away_tells_nobody(make_rule, happens, kontakt, dana, boti):
    make_rule("Missed", in_browser(dana), TO_CALLER)
    happens("missed")
    Activation.objects.filter(subscriber=kontakt).update(sms_since=None, chat_since=None)
    work_off()
    assert (step_outcomes(), tellings()) == (["stopped", "stopped"], [])


# --- Later steps ---


def test_a_step_that_nobody_took_for_long_still_tells_our_people_and_not_the_caller(make_rule, happens, dana, boti):
    make_rule("Missed", in_browser(dana, after=10), replace(TO_CALLER, after=10), promises_within=60)
    happens("missed")
    work_off()
    take_due_steps(now=LATER + timedelta(minutes=26))
    assert tellings() == [("Dana", "browser", "planned", ""), ("", "sms", "skipped", "not_sent")]
    assert not Promise.objects.exists()


def test_a_later_step_is_taken_later(make_rule, happens, dana, bela, boti):
    make_rule("Missed", in_browser(dana), in_browser(bela, after=10))
    happens("missed")
    work_off()
    assert tellings() == [("Dana", "browser", "planned", "")]
    take_due_steps(now=LATER + timedelta(minutes=9))
    assert len(tellings()) == 1
    take_due_steps(now=LATER + timedelta(minutes=10))
    assert tellings()[1:] == [("Bela", "browser", "planned", "")]


@pytest.mark.parametrize("minutes", [0, 10])
def test_the_next_team_is_told_only_if_nobody_of_the_first_was_there(make_rule, happens, kontakt, dana, bela, boti, minutes):
    teams = [Team.objects.create(subscriber=kontakt, name=name) for name in ("English", "The rest")]
    teams[0].members.add(dana)
    teams[1].members.add(bela)
    first = Step(who=Who.TEAMS, channel=Channel.BROWSER, teams=(teams[0].pk,))
    then = Step(who=Who.TEAMS, channel=Channel.BROWSER, teams=(teams[1].pk,), after=minutes, only=Only.NOBODY_THERE)
    make_rule("Missed", first, then)

    happens("missed")
    work_off()
    take_due_steps(now=LATER + timedelta(minutes=minutes))
    assert tellings() == [("Dana", "browser", "planned", "")]
    assert step_outcomes() == ["done", "somebody_there"]

    User.objects.filter(pk=dana.pk).update(away_since=NOW)
    happens("missed", at=NOW + timedelta(hours=1))
    work_off(NOW + timedelta(hours=1, seconds=5))
    take_due_steps(now=NOW + timedelta(hours=1, minutes=minutes, seconds=5))
    assert tellings()[1:] == [("Dana", "browser", "skipped", "away"), ("Bela", "browser", "planned", "")]


def test_who_is_there_and_cannot_be_told_is_as_good_as_nobody(make_rule, happens, dana, bela, boti):
    silent = Step(who=Who.PEOPLE, channel=Channel.OWN_CHOICE, people=(dana.pk,))
    User.objects.filter(pk=dana.pk).update(hears_of_calls_by=[])
    make_rule("Missed", TO_CALLER, silent, in_browser(bela, only=Only.NOBODY_THERE))
    happens("missed")
    work_off()
    assert tellings()[1:] == [("Dana", "own_choice", "skipped", "chose_nothing"), ("Bela", "browser", "planned", "")]


def test_a_reminder_is_not_needed_once_somebody_has_written(make_rule, happens, dana, bela, boti, conversation):
    make_rule("Missed", in_browser(bela, after=10, only=Only.NOT_FOLLOWED_UP))
    happens("missed")
    happens("missed", caller="+36209990002")
    work_off()
    queue_sms(uuid=uuid.uuid4(), conversation=conversation, body="Hello", author=dana, now=NOW + timedelta(minutes=3))
    take_due_steps(now=LATER + timedelta(minutes=10))
    assert step_outcomes() == ["followed_up", "done"]
    assert tellings() == [("Bela", "browser", "planned", "")]


@pytest.mark.parametrize("only", [Only.NOT_FOLLOWED_UP, Only.ALWAYS])
def test_a_call_that_was_answered_while_a_step_waited_is_followed_up(make_rule, happens, bela, boti, only):
    make_rule("Missed", in_browser(bela, after=10, only=only))
    happens("missed", exchange_id="c1")
    work_off()
    happens("answered", exchange_id="c1", at=NOW + timedelta(minutes=1))
    take_due_steps(now=LATER + timedelta(minutes=10))
    assert step_outcomes() == ["followed_up"]


@pytest.mark.parametrize("off", ["switched off", "deleted"])
def test_a_rule_that_is_gone_by_then_takes_no_further_step(make_rule, happens, ada, dana, boti, off):
    rule = make_rule("Missed", in_browser(dana), in_browser(dana, after=10))
    happens("missed")
    work_off()
    if off == "deleted":
        delete_rule(rule=rule, by=ada, now=NOW)
    else:
        switch_rule(rule=rule, is_active=False, by=ada, now=NOW)
    take_due_steps(now=LATER + timedelta(minutes=10))
    assert step_outcomes() == ["done", "rule_off"]
    assert len(tellings()) == 1


def test_a_rule_that_is_changed_meanwhile_goes_on_as_it_began(make_rule, happens, kontakt, ada, dana, bela, boti):
    rule = make_rule("Missed", in_browser(dana), in_browser(bela, after=10))
    happens("missed")
    work_off()
    changed = rule.says.from_json({"trigger": "missed", "steps": [{"who": "caller", "channel": "sms"}]})
    save_rule(subscriber=kontakt, rule=rule, name="Missed", definition=changed, is_active=True, by=ada, now=NOW)
    take_due_steps(now=LATER + timedelta(minutes=10))
    assert tellings() == [("Dana", "browser", "planned", ""), ("Bela", "browser", "planned", "")]


# --- The caller ---


@pytest.mark.parametrize(
    ("caller", "reason"),
    [
        ("anonymous", "anonymous"),
        ("+266696687", "anonymous"),
        ("1770", "no_number"),
        ("INFO", "no_number"),
        ("+3612345678", "no_number"),
        ("+36301110002", "own_line"),
        ("+36301119999", "own_line"),
        ("+447400123456", "not_allowed"),
    ],
)
def test_who_cannot_be_texted_is_skipped_and_it_says_why(make_rule, happens, sales_line, rival_line, caller, reason):
    make_rule("Missed", TO_CALLER, promises_within=60)
    happens("missed", caller=caller)
    work_off()
    assert tellings() == [("", "sms", "skipped", reason)]
    assert not Promise.objects.exists()


def test_who_asked_us_to_stop_is_skipped(make_rule, happens, line, boti):
    make_rule("Missed", TO_CALLER)
    opt_out(line=line, number=BOTI, source="sms", at=NOW)
    happens("missed")
    work_off()
    assert tellings() == [("", "sms", "skipped", "opted_out")]


def test_a_caller_who_is_told_when_they_are_called_back_has_our_promise(make_rule, happens, boti):
    text = {"hu": "Visszahívjuk {call_back_time}-ig."}
    make_rule("Missed", Step(who=Who.CALLER, channel=Channel.SMS, texts=text), promises_within=90)
    call = happens("missed").call
    work_off()
    [promise] = Promise.objects.all()
    assert (promise.call, promise.due_at) == (call, LATER + timedelta(minutes=90))
    # 10:00 is 11:00 in Budapest.
    assert Telling.objects.get().body == "Visszahívjuk 12:30-ig."


def test_a_text_that_is_too_long_is_not_sent(make_rule, happens, boti):
    make_rule("Missed", Step(who=Who.CALLER, channel=Channel.SMS, texts={"hu": "a" * 1500 + "{queue}{queue}"}))
    happens("missed", queue="q" * 80)
    work_off()
    assert tellings() == [("", "sms", "skipped", "too_long")]


def test_a_colleague_is_told_by_sms_in_their_language_the_usual_words(make_rule, happens, dana, bela, boti):
    User.objects.update(phone="+36201112233")
    step = Step(who=Who.PEOPLE, channel=Channel.SMS, people=(dana.pk, bela.pk))
    make_rule("Missed", step)
    happens("missed")
    work_off()
    words = {one.user.name: (one.language, one.body.splitlines()[0]) for one in Telling.objects.all()}
    assert words == {"Bela": ("hu", "Hívó: +36 30 999 0001"), "Dana": ("en", "Caller: +36 30 999 0001")}


# --- Many at once ---


def test_any_number_of_dispatchers_fire_and_take_each_once(many_hands, make_rule, happens, dana, bela, boti):
    make_rule("Missed", in_browser(dana), in_browser(bela), TO_CALLER)
    for _ in range(4):
        happens("missed")

    many_hands(*[work_off] * 4)

    assert RuleRun.objects.count() == 4
    assert sorted(RuleStep.objects.values_list("outcome", flat=True)) == ["done"] * 12
    assert Telling.objects.count() == 12
    assert Call.objects.count() == 4


def test_more_rules_do_not_mean_more_questions(make_rule, happens, dana, boti):
    def questions() -> int:
        happens("missed")
        with CaptureQueriesContext(connection) as asked:
            fire_due(now=LATER)
        return len(asked)

    make_rule("first", in_browser(dana), conditions={"weekdays": (1,)})
    before = questions()
    for number in range(6):
        make_rule(str(number), in_browser(dana), TO_CALLER, conditions={"countries": ("HU",), "hours": "open"})
    assert questions() == before


def test_a_flood_at_one_company_makes_no_other_wait(make_rule, happens, rival, rival_line, monkeypatch):
    for room in (firing, steps, telling):
        monkeypatch.setattr(room, "AT_ONCE", 2)
    ours = make_rule("Missed", TO_CALLER)
    theirs = CallRule.objects.create(subscriber=rival, name="Theirs", definition=ours.definition, created_at=NOW, updated_at=NOW)
    for number in range(6):
        happens("missed", caller=f"+3630777000{number}")
    happens("missed", on=rival_line)

    assert (fire_due(now=LATER), RuleRun.objects.filter(rule=theirs).count()) == (2, 1)
    fire_due(now=LATER)
    assert (take_due_steps(now=LATER), Telling.objects.filter(run__rule=theirs).count()) == (2, 1)
    take_due_steps(now=LATER)
    assert telling.tell_due(now=LATER) == 2
    assert Telling.objects.get(run__rule=theirs).state != "planned"
