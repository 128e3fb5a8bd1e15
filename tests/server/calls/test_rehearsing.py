"""Rehearsing: what a rule would have done to real calls, found out without writing or sending anything."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.core import mail

from server.accounts.models import AuditEntry, Team
from server.calls.definition import Channel, Conditions, Definition, Only, Step, Trigger, Who
from server.calls.firing import fire_due, take_due_steps
from server.calls.limits import reason_not_to_text
from server.calls.models import CallEvent, CallLogic, Outcome, Skipped, StepOutcome, Telling, TellingState
from server.calls.recipients import Recipient
from server.calls.rehearsed_limits import Limits
from server.calls.rehearsing import PeriodNotValid, rehearse, tried_out
from server.calls.telling import tell_due
from server.calls.trying import start_trying, stop_trying
from server.contacts.optout import opt_out
from server.events.models import Event, Kind
from server.messaging.partners import block_sender
from tests.conftest import BOTI, NOW

WEEK = timedelta(days=7)
TO_CALLER = Step(who=Who.CALLER, channel=Channel.SMS, texts={"hu": "Hívjuk önt!", "en": "We call you."})
LATER = NOW + timedelta(seconds=5)


@pytest.fixture
def try_on(kontakt):
    """`try_on(Step(…))`: a rule that does not exist yet, on the last week's calls."""

    def run(*steps: Step, rule=None, since=NOW - WEEK, until=NOW + WEEK, trigger="missed", conditions=None, **said):
        definition = Definition(Trigger(trigger), conditions=Conditions(**(conditions or {})), steps=steps, **said)
        return rehearse(subscriber=kontakt, definition=definition, rule=rule, since=since, until=until, now=NOW)

    return run


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def test_it_says_who_would_have_been_told_and_what_it_costs(try_on, happens, dana, bela):
    dana.phone = "+36301112233"
    dana.save()
    for hour in range(3):
        happens("missed", at=NOW - hours(20 + hour), caller=f"+3630444000{hour}")

    found = try_on(TO_CALLER, Step(who=Who.PEOPLE, people=(dana.pk, bela.pk), channel=Channel.SMS))

    assert (found.looked_at, found.applies) == (3, 3)
    shares = {share.user.name if share.user else "caller": share for share in found.most_told}
    assert shares["caller"].ways == {"sms": 3}
    assert shares["Dana"].ways == {"sms": 3}
    assert shares["Bela"].skipped == {Skipped.NO_PHONE: 3}
    assert found.segments == sum(share.segments for share in shares.values()) > 0
    assert found.skipped == [(Skipped.NO_PHONE, 3)]


def test_accents_have_their_price(try_on, happens):
    happens("missed", at=NOW - hours(1))

    found = try_on(Step(who=Who.CALLER, channel=Channel.SMS, texts={"hu": "Hívását nem tudtuk fogadni, ő visszahívja. " * 3}))

    assert (found.segments, found.plain_segments, found.accents_cost) == (2, 1, 1)


def test_the_other_calls_are_counted_with_the_condition_that_did_not_hold(try_on, happens):
    happens("missed", at=NOW - hours(1), caller="+447700900123")
    happens("missed", at=NOW - hours(2))
    happens("answered", at=NOW - hours(3))

    found = try_on(TO_CALLER, conditions={"countries": ("GB",)})

    assert (found.looked_at, found.applies) == (2, 1)
    assert found.failed_conditions == {"countries": 1}


def test_an_earlier_rule_that_ends_the_list_swallows_them(try_on, happens, make_rule):
    foreign = make_rule("Abroad", TO_CALLER, conditions={"countries": ("GB",)}, ends=True)
    make_rule("Everybody", TO_CALLER)
    happens("missed", at=NOW - hours(1), caller="+447700900123")
    happens("missed", at=NOW - hours(2))

    found = try_on(TO_CALLER)

    assert found.swallowed == {foreign: 1}
    assert found.outcomes == {Outcome.STOPPED_BEFORE: 1, Outcome.MATCHED: 1}


def test_a_rule_in_its_place_is_not_kept_from_by_later_ones(try_on, happens, make_rule):
    first = make_rule("First", TO_CALLER)
    make_rule("Abroad", TO_CALLER, ends=True)
    happens("missed", at=NOW - hours(1))

    assert try_on(TO_CALLER, rule=first).applies == 1
    assert try_on(TO_CALLER).applies == 0


def test_the_cool_down_bites_in_the_order_of_time(try_on, happens):
    for minutes in (0, 10, 70):
        happens("missed", at=NOW - hours(5) + timedelta(minutes=minutes))

    found = try_on(TO_CALLER, cool_down=60)

    assert found.shares[None].ways == {"sms": 2}
    assert found.skipped == [(Skipped.COOL_DOWN, 1)]


def test_a_number_s_day_is_full_with_what_other_rules_really_sent(try_on, happens, make_rule, kontakt):
    CallLogic.objects.create(subscriber=kontakt, per_number_per_day=2)
    make_rule("Key", TO_CALLER, trigger="key", key="1")
    happens("key", key="1")
    fire_due(now=LATER)
    take_due_steps(now=LATER)
    tell_due(now=LATER)
    Telling.objects.update(state=TellingState.TOLD, told_at=LATER)
    happens("missed", at=NOW - hours(1))
    happens("missed", at=NOW - hours(2))

    found = try_on(TO_CALLER, cool_down=5)

    assert found.shares[None].ways == {"sms": 1}
    assert found.skipped == [(Skipped.PER_DAY, 1)]


def test_a_full_minute_only_delays(try_on, happens, kontakt):
    CallLogic.objects.create(subscriber=kontakt, per_minute=2)
    for number in range(5):
        happens("missed", at=NOW - hours(1), caller=f"+3630444000{number}")

    found = try_on(TO_CALLER)

    assert (found.shares[None].times, found.delayed) == (5, 3)


@pytest.mark.parametrize(
    ("caller", "reason"),
    [
        ("anonymous", Skipped.ANONYMOUS),
        ("1789", Skipped.NO_NUMBER),
        ("+3612345678", Skipped.NO_NUMBER),
        ("+36301110002", Skipped.OWN_LINE),
        ("+36304440001", Skipped.OPTED_OUT),
        ("+447400123456", Skipped.NOT_ALLOWED),
        (BOTI, None),
    ],
)
def test_whom_it_may_text_is_what_the_real_limits_say(try_on, happens, line, sales_line, kontakt, caller, reason):
    opt_out(line=line, number="+36304440001", source="sms", at=NOW)
    line.countries = ["HU"]
    line.save()
    event = happens("missed", at=NOW - hours(1), caller=caller)

    found = try_on(TO_CALLER)

    assert [why for why, _count in found.skipped] == ([reason] if reason else [])
    number = event.call.partner
    assert reason_not_to_text(line=line, rule=None, number=number, is_colleague=False, now=NOW) == reason


def test_nobody_who_is_blocked_is_told_of(try_on, happens, boti, bela, kontakt, line):
    happens("missed", at=NOW - hours(1))
    block_sender(entry=boti, by=bela, now=NOW)

    assert try_on(TO_CALLER).looked_at == 0
    limits = Limits(subscriber=kontakt, rule=None, definition=Definition(Trigger.MISSED), since=NOW - WEEK, until=NOW)
    assert limits.reason_not_to_text(line, Recipient(None, Channel.SMS, BOTI), NOW) == Skipped.BLOCKED


def test_the_next_team_hears_of_it_only_when_nobody_was_there(try_on, happens, kontakt, dana, bela):
    for name, person in (("First", dana), ("Second", bela)):
        Team.objects.create(subscriber=kontakt, name=name).members.add(person)
    first, second = (team.pk for team in Team.objects.order_by("name"))
    happens("missed", at=NOW - hours(1))
    steps = (
        Step(who=Who.TEAMS, teams=(first,), channel=Channel.BROWSER),
        Step(who=Who.TEAMS, teams=(second,), channel=Channel.BROWSER, after=10, only=Only.NOBODY_THERE),
    )

    assert try_on(*steps).left_out == {StepOutcome.SOMEBODY_THERE: 1}

    dana.away_since = NOW
    dana.save()
    found = try_on(*steps)
    assert found.shares[bela.pk].ways == {"browser": 1}
    assert found.skipped == [(Skipped.AWAY, 1)]


def test_promises_would_have_been_made_to_whom_was_told(try_on, happens):
    happens("missed", at=NOW - hours(1))
    happens("missed", at=NOW - hours(2), caller="anonymous")

    found = try_on(Step(who=Who.CALLER, channel=Channel.SMS, texts={"hu": "{call_back_time}-ig hívjuk"}), promises_within=60)

    assert found.promises == 1
    [example] = [example for example in found.examples if example.told[0].is_told]
    assert example.told[0].words.body.endswith("-ig hívjuk")
    assert "{" not in example.told[0].words.body


def test_what_was_told_too_late_is_left_out_as_in_earnest(try_on, happens):
    happens("missed", at=NOW - hours(1), now=NOW)

    assert CallEvent.objects.get().is_late
    assert try_on(TO_CALLER).looked_at == 0


@pytest.mark.parametrize("days", [-1, 0, 93])
def test_a_period_is_at_most_a_quarter_of_a_year(try_on, days):
    with pytest.raises(PeriodNotValid):
        try_on(TO_CALLER, since=NOW, until=NOW + timedelta(days=days))


def test_other_companies_calls_are_not_looked_at(try_on, happens, rival_line):
    happens("missed", at=NOW - hours(1), on=rival_line)

    assert try_on(TO_CALLER).looked_at == 0


def test_it_writes_nothing_at_all(try_on, happens, make_rule, dana, ada):
    make_rule("Ends", TO_CALLER, conditions={"countries": ("GB",)}, ends=True)
    for hour in range(4):
        happens("missed", at=NOW - hours(hour + 1), caller=f"+3630444000{hour}")
    before = {model: list(model.objects.order_by("pk").values()) for model in apps.get_models() if model._meta.managed}

    found = try_on(TO_CALLER, Step(who=Who.ON_DUTY), Step(who=Who.LAST_SPOKEN, after=5), promises_within=60)

    assert found.applies == 4
    assert {model: list(model.objects.order_by("pk").values()) for model in before} == before
    assert mail.outbox == []


def test_thousands_of_calls_take_a_few_questions(try_on, happens, django_assert_max_num_queries):
    for number in range(60):
        happens("missed", at=NOW - hours(1), caller=f"+36304440{number:03}")
    with django_assert_max_num_queries(30):
        assert try_on(TO_CALLER, Step(who=Who.ON_DUTY)).applies == 60


# --- Trying out for two days ---


def test_a_rule_on_trial_notes_and_sends_nothing_and_then_sends(happens, make_rule, ada, kontakt):
    rule = make_rule("Missed", TO_CALLER)

    start_trying(rule=rule, by=ada, now=NOW)

    rule.refresh_from_db()
    assert rule.rehearses_until == NOW + timedelta(hours=48)
    happens("missed")
    fire_due(now=LATER)
    take_due_steps(now=LATER)
    assert Telling.objects.get().state == TellingState.DRY
    assert list(tried_out(rule, since=NOW)) == [Telling.objects.get()]

    after = NOW + timedelta(hours=48, seconds=1)
    happens("missed", at=after)
    fire_due(now=after + timedelta(seconds=5))
    take_due_steps(now=after + timedelta(seconds=5))
    assert Telling.objects.latest("pk").state == TellingState.PLANNED


def test_a_rule_that_was_off_is_tried_without_sending_for_a_moment(make_rule, ada):
    rule = make_rule("Missed", TO_CALLER, is_active=False)

    start_trying(rule=rule, by=ada, now=NOW)

    rule.refresh_from_db()
    assert (rule.is_active, rule.is_rehearsing(NOW)) == (True, True)


def test_a_trial_can_be_ended_early_once(make_rule, ada, kontakt):
    rule = make_rule("Missed", TO_CALLER)
    start_trying(rule=rule, by=ada, now=NOW)
    events = Event.objects.filter(kind=Kind.CALL_LOGIC_CHANGED).count()

    assert stop_trying(rule=rule, by=ada, now=NOW + hours(1)) is True
    assert stop_trying(rule=rule, by=ada, now=NOW + hours(1)) is False

    rule.refresh_from_db()
    assert rule.rehearses_until is None
    assert Event.objects.filter(kind=Kind.CALL_LOGIC_CHANGED).count() == events + 1
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions[-2:] == ["rule.trial_started", "rule.trial_ended"]
