"""What goes out by itself keeps to the central limits, whatever the number of dispatchers, rules and calls."""

from __future__ import annotations

import itertools
import random
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from server.calls.counting import drop_old_usage
from server.calls.definition import Channel, Definition, Step, Trigger, Who
from server.calls.firing import fire_due, take_due_steps
from server.calls.limits import call_logic_of, reason_not_to_text
from server.calls.models import CallRule, DayUsage, NumberUsage, RuleRun, RuleUsage, Skipped, Telling, TellingState
from server.calls.stopping import Limits, resume_automatic, set_limits, stop_automatic
from server.calls.telling import tell_due
from server.contacts.optout import opt_out
from server.lines.models import Line
from server.messaging import automatic
from server.messaging.inbound import receive_sms
from server.messaging.models import Message, Origin, Status
from server.messaging.outbound import queue_sms, retry_sms
from server.messaging.partners import block_sender
from server.messaging.reasons import Reason
from server.messaging.sending import claim_next, give_back, mark_failed, mark_sent, mark_unconfirmed, requeue_absent
from tests.conftest import BOTI, NOW
from tests.letters import letters_sent
from tests.server.conftest import later

THEIRS = "+36301112222"


@pytest.fixture
def rules(kontakt):
    """`rules(5, 60)`: rules whose cool-downs are so many minutes."""

    def make(*cool_downs: int) -> list[CallRule]:
        step = Step(who=Who.CALLER, channel=Channel.SMS)
        return [
            CallRule.objects.create(
                subscriber=kontakt,
                name=f"Rule {minutes}",
                definition=Definition(trigger=Trigger.MISSED, steps=(step,), cool_down=minutes).to_json(),
                created_at=NOW,
                updated_at=NOW,
            )
            for minutes in cool_downs
        ]

    return make


@pytest.fixture
def planned(happens):
    """`planned(rule)`: a rule has something to tell a caller, or a colleague; it is queued, and not yet claimed."""

    def plan(rule: CallRule, *, number: str = BOTI, at: datetime = NOW, user=None) -> Message:
        event = happens("missed", caller=number, at=at)
        run = RuleRun.objects.create(subscriber=rule.subscriber, rule=rule, version=1, event=event, outcome="matched", at=at)
        telling = Telling.objects.create(
            run=run, step=0, user=user, channel=Channel.SMS, address=user.phone if user else number, body="Szia", planned_at=at
        )
        tell_due(now=at)
        return Message.objects.get(uuid=telling.uuid)

    return plan


@pytest.fixture
def goes_out(planned, claim):
    """`goes_out(rule)`: the same, and a dispatcher sends it; whether it was sent, and else why not."""
    numbers = itertools.count(1)

    def go(rule: CallRule, *, at: datetime = NOW, **more) -> str:
        message = planned(rule, at=at, **more)
        claimed = claim(at=at)
        if claimed is not None:
            assert claimed.pk == message.pk
            mark_sent(message=claimed, provider_account="simulator:", provider_message_id=f"SM{next(numbers)}", now=at)
        return what_became_of(message)

    return go


def what_became_of(message: Message) -> str:
    message.refresh_from_db()
    telling = Telling.objects.get(uuid=message.uuid)
    # The thread and the page that says why say the same.
    assert (message.status == Status.FAILED) == (telling.state == TellingState.SKIPPED)
    return telling.reason or message.status


def limits_of(kontakt, ada, **changes: int) -> None:
    usual = {"per_number_per_day": 3, "per_colleague_per_day": 50, "per_minute": 20, "per_day": 500}
    set_limits(subscriber=kontakt, limits=Limits(**usual | changes), by=ada, now=NOW)


def test_a_rule_writes_to_a_number_once_per_cool_down(rules, goes_out):
    (rule,) = rules(60)
    assert goes_out(rule) == "sent"
    assert goes_out(rule, at=later(minutes=59)) == Skipped.COOL_DOWN
    assert goes_out(rule, at=later(minutes=60)) == "sent"


def test_the_cool_down_is_of_a_rule_and_a_number(rules, goes_out):
    one, other = rules(60, 60)
    assert [goes_out(one), goes_out(other), goes_out(one, number=THEIRS)] == ["sent"] * 3


def test_a_number_gets_so_many_a_day_over_all_rules(rules, goes_out):
    assert [goes_out(rule) for rule in rules(5, 5, 5, 5)] == ["sent", "sent", "sent", Skipped.PER_DAY]


def test_what_is_refused_counts_for_nothing(rules, goes_out):
    one, other = rules(60, 5)
    for minutes in range(4):
        goes_out(one, at=later(minutes=minutes))
    assert [goes_out(other, at=later(minutes=m)) for m in (10, 20, 30)] == ["sent", "sent", Skipped.PER_DAY]


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        ("Europe/Budapest", datetime(2026, 11, 23, 23, 0, tzinfo=UTC)),
        # The nights on which clocks change: a day of 23 hours, one of 25.
        ("Europe/Budapest", datetime(2027, 3, 28, 22, 0, tzinfo=UTC)),
        ("Europe/Budapest", datetime(2026, 10, 25, 23, 0, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 24, 5, 0, tzinfo=UTC)),
    ],
)
def test_the_new_day_begins_at_the_companys_midnight(kontakt, ada, rules, goes_out, zone, midnight):
    type(kontakt).objects.filter(pk=kontakt.pk).update(timezone=zone)
    limits_of(kontakt, ada, per_number_per_day=2)
    one, other, third, fourth = rules(5, 5, 5, 5)
    day = midnight - timedelta(hours=22)
    assert [goes_out(one, at=day), goes_out(other, at=midnight - timedelta(hours=2))] == ["sent", "sent"]
    assert goes_out(third, at=midnight - timedelta(seconds=1)) == Skipped.PER_DAY
    assert goes_out(fourth, at=midnight) == "sent"


def test_our_own_people_hear_of_each_call_up_to_a_limit_of_their_own(kontakt, ada, dana, rules, goes_out):
    dana.phone = THEIRS
    dana.save()
    limits_of(kontakt, ada, per_colleague_per_day=5)
    (rule,) = rules(360)
    told = [goes_out(rule, user=dana, at=later(minutes=minute)) for minute in range(6)]
    assert told == ["sent"] * 5 + [Skipped.PER_DAY]


def test_a_full_minute_makes_wait_for_the_next_and_no_longer_than_a_quarter_of_an_hour(kontakt, ada, rules, planned, claim):
    limits_of(kontakt, ada, per_minute=1)
    (rule,) = rules(5)
    first, second = (planned(rule, number=number) for number in (BOTI, THEIRS))
    assert claim(at=NOW).pk == first.pk
    assert claim(at=later(seconds=59)) is None
    second.refresh_from_db()
    assert (second.status, second.next_attempt_at) == (Status.QUEUED, later(minutes=1))
    third = planned(rule, number="+36301113333")
    assert claim(at=later(minutes=1)).pk == second.pk
    assert claim(at=later(minutes=16)) is None
    assert what_became_of(third) == Skipped.NOT_SENT
    third.refresh_from_db()
    assert third.reason == Reason.EXPIRED


def test_strangers_called_one_after_the_other_get_no_more_than_the_company_s_day_has_room_for(kontakt, ada, rules, goes_out):
    limits_of(kontakt, ada, per_day=3)
    (rule,) = rules(5)
    told = [goes_out(rule, number=f"+3630777000{n}", at=later(minutes=n)) for n in range(5)]
    assert told == ["sent"] * 3 + [Skipped.COMPANY_DAY] * 2
    assert goes_out(rule, number="+36307770009", at=later(days=1)) == "sent"


def test_administrators_are_told_once_a_day_that_the_company_s_day_is_used_up(kontakt, ada, rules, goes_out):
    ada.email = "ada@kontakt.example"
    ada.save()
    limits_of(kontakt, ada, per_day=2)
    (rule,) = rules(5)
    for n in range(2):
        assert letters_sent() == []
        goes_out(rule, number=f"+3630777000{n}", at=later(minutes=n))
    goes_out(rule, number="+36307770003", at=later(minutes=3))
    (letter,) = letters_sent()
    assert letter.to == ["ada@kontakt.example"]
    assert "/call-logic/limits/" in letter.body
    for n in range(2):
        goes_out(rule, number=f"+3630777000{n}", at=later(days=1, minutes=n))
    assert len(letters_sent()) == 1


def test_what_was_surely_not_sent_leaves_room_in_the_company_s_day(kontakt, ada, rules, planned, claim, goes_out):
    limits_of(kontakt, ada, per_day=1)
    (rule,) = rules(5)
    planned(rule)
    mark_failed(message=claim(), reason="unreachable", now=NOW)
    assert goes_out(rule, number=THEIRS, at=later(minutes=1)) == Skipped.COMPANY_DAY
    give_back(message=planned_and_claimed(planned, claim, rule), until=later(days=1), now=later(days=1))
    assert DayUsage.objects.get().sent_on_day == 0


def planned_and_claimed(planned, claim, rule) -> Message:
    planned(rule, number="+36301113333", at=later(days=1))
    return claim(at=later(days=1))


def test_many_that_wait_for_a_minute_are_put_off_together_and_hold_up_nobody(
    kontakt, ada, rules, planned, claim, conversation, django_assert_max_num_queries
):
    limits_of(kontakt, ada, per_minute=1)
    (rule,) = rules(5)
    waiting = [planned(rule, number=f"+363077700{n:02}") for n in range(30)]
    ours = queue_sms(uuid=uuid.uuid4(), conversation=conversation, body="Szia", author=ada, now=NOW)
    assert claim(at=NOW).pk == waiting[0].pk
    with django_assert_max_num_queries(40):
        assert claim(at=NOW).pk == ours.pk
    assert set(Message.objects.filter(pk__in=[one.pk for one in waiting[1:]]).values_list("next_attempt_at", flat=True)) == {
        later(minutes=1)
    }


def test_lines_of_any_company_are_never_written_to(rules, goes_out, rival_line, sales_line):
    (rule,) = rules(5)
    assert [goes_out(rule, number=line.number) for line in (rival_line, sales_line)] == [Skipped.OWN_LINE] * 2


def test_who_was_blocked_meanwhile_is_not_written_to(rules, planned, claim, conversation, ada):
    (rule,) = rules(5)
    message = planned(rule)
    block_sender(entry=conversation.contact, by=ada, now=NOW)
    assert claim() is None
    assert what_became_of(message) == Skipped.BLOCKED


def test_who_stopped_us_meanwhile_does_not_count(rules, planned, claim, line):
    (rule,) = rules(5)
    message = planned(rule)
    opt_out(line=line, number=BOTI, source="sms", at=NOW)
    assert claim() is None
    message.refresh_from_db()
    assert message.reason == Reason.OPTED_OUT
    assert NumberUsage.objects.get().sent_on_day == 0
    assert Telling.objects.get().counted_at is None


def test_a_machine_that_answers_at_once_gets_no_third_one(kontakt, ada, rules, goes_out, boti_texts):
    limits_of(kontakt, ada, per_number_per_day=10)
    for minutes, rule in enumerate(rules(5, 5)):
        assert goes_out(rule, at=later(minutes=minutes)) == "sent"
        boti_texts(f"We are closed {minutes}", at=later(minutes=minutes, seconds=30))
    assert goes_out(*rules(5), at=later(minutes=5)) == Skipped.ANSWERS_BY_ITSELF
    assert goes_out(*rules(5), at=later(hours=25)) == "sent"


def test_a_person_who_answers_in_a_minute_is_no_machine(kontakt, ada, rules, goes_out, boti_texts):
    limits_of(kontakt, ada, per_number_per_day=10)
    for minutes, rule in enumerate(rules(5, 5)):
        goes_out(rule, at=later(minutes=minutes))
        boti_texts("Köszönöm", at=later(minutes=minutes, seconds=31))
    assert goes_out(*rules(5), at=later(minutes=5)) == "sent"


def test_who_sends_the_same_text_three_times_in_five_minutes_is_a_machine(rules, goes_out, boti_texts):
    for minutes in range(2):
        boti_texts("Out of office", at=later(minutes=minutes))
    assert goes_out(*rules(5), at=later(minutes=2)) == "sent"
    boti_texts("Out of office", at=later(minutes=3))
    assert goes_out(*rules(5), at=later(minutes=4)) == Skipped.ANSWERS_BY_ITSELF
    assert goes_out(*rules(5), at=later(minutes=6)) == "sent"


def test_a_message_counts_once_however_often_it_is_claimed(rules, planned, claim):
    (rule,) = rules(60)
    planned(rule)
    for attempt in range(4):
        message = claim(at=later(minutes=attempt))
        give_back(message=message, until=later(minutes=attempt + 1), now=later(minutes=attempt))
        assert NumberUsage.objects.get().sent_on_day == 0
    message = claim(at=later(minutes=5))
    mark_unconfirmed(message=message, now=later(minutes=5))
    assert NumberUsage.objects.get().sent_on_day == 1
    requeue_absent(message=message, now=later(minutes=6))
    assert claim(at=later(minutes=7)).pk == message.pk
    assert NumberUsage.objects.get().sent_on_day == 1


def test_a_person_may_retry_within_the_cool_down(rules, goes_out, planned, claim, dana):
    (rule,) = rules(60)
    goes_out(rule)
    message = planned(rule, at=later(minutes=1))
    assert claim(at=later(minutes=1)) is None
    assert what_became_of(message) == Skipped.COOL_DOWN
    # Long after it was new: it is their wish.
    assert retry_sms(message=message, by=dana, now=later(minutes=50))
    assert claim(at=later(minutes=50)).pk == message.pk
    telling = Telling.objects.get(uuid=message.uuid)
    assert (telling.state, telling.reason) == (TellingState.TOLD, "")
    assert NumberUsage.objects.get().sent_on_day == 2


def test_a_retry_of_what_was_tried_does_not_count_again_on_its_day(kontakt, ada, rules, planned, claim, dana):
    limits_of(kontakt, ada, per_number_per_day=1)
    message = planned(*rules(60))
    for minutes in (0, 10, 20):
        claimed = claim(at=later(minutes=minutes))
        mark_failed(message=claimed, reason="unreachable", now=later(minutes=minutes))
        retry_sms(message=message, by=dana, now=later(minutes=minutes + 9))
    assert NumberUsage.objects.get().sent_on_day == 1
    assert claim(at=later(minutes=30)) is not None


def test_a_retry_does_not_pass_the_red_switch(kontakt, ada, rules, planned, claim, dana):
    message = planned(*rules(60))
    stop_automatic(subscriber=kontakt, by=ada, now=NOW)
    for _ in range(2):
        assert claim() is None
        assert what_became_of(message) == Skipped.STOPPED
        assert message.reason == Reason.AUTOMATIC_STOPPED
        retry_sms(message=message, by=dana, now=NOW)
    resume_automatic(subscriber=kontakt, by=ada, now=NOW)
    assert claim().pk == message.pk


def test_a_persons_messages_know_no_such_limits(kontakt, ada, queue, claim, django_assert_num_queries):
    stop_automatic(subscriber=kontakt, by=ada, now=NOW)
    queue()
    with django_assert_num_queries(3):  # look, claim, opt-out
        assert claim() is not None


def test_an_automatic_message_that_no_rule_stands_for_is_not_sent(conversation, claim):
    message = queue_sms(uuid=uuid.uuid4(), conversation=conversation, body="Szia", author=None, origin=Origin.RULE, now=NOW)
    assert claim() is None
    message.refresh_from_db()
    assert (message.status, message.reason) == (Status.FAILED, Reason.EXPIRED)


def test_without_a_gate_nothing_automatic_goes_out(rules, planned, claim, monkeypatch):
    message = planned(*rules(5))
    monkeypatch.setattr(automatic, "_gates", [])
    assert claim() is None
    message.refresh_from_db()
    assert message.reason == Reason.NOT_ALLOWED


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("", Skipped.ANONYMOUS),
        ("1770", Skipped.NO_NUMBER),
        ("INFO", Skipped.NO_NUMBER),
        ("+3612345678", Skipped.NO_NUMBER),
        ("+36301119999", Skipped.OWN_LINE),
        ("+447400123456", Skipped.NOT_ALLOWED),
        (BOTI, None),
    ],
)
def test_a_look_says_why_a_number_would_not_be_written_to(line, rival_line, rules, number, reason):
    (rule,) = rules(5)
    assert reason_not_to_text(line=line, rule=rule, number=number, is_colleague=False, now=NOW) == reason


def test_a_look_and_the_claim_say_the_same_and_a_look_counts_nothing(kontakt, line, ada, rules, goes_out):
    look = partial(reason_not_to_text, line=line, number=BOTI, is_colleague=False)
    one, other, third, fourth = rules(60, 60, 60, 60)
    for rule in (one, other, third):
        assert look(rule=rule, now=NOW) is None
        goes_out(rule)
    assert look(rule=one, now=NOW) == Skipped.COOL_DOWN
    assert look(rule=fourth, now=NOW) == look(rule=None, now=NOW) == Skipped.PER_DAY
    assert reason_not_to_text(line=line, rule=one, number=BOTI, is_colleague=True, now=NOW) is None
    opt_out(line=line, number=BOTI, source="sms", at=NOW)
    assert look(rule=None, now=NOW) == Skipped.OPTED_OUT
    stop_automatic(subscriber=kontakt, by=ada, now=NOW)
    assert look(rule=None, now=NOW) == Skipped.STOPPED
    assert NumberUsage.objects.get().sent_on_day == 3


def test_old_counts_are_dropped(rules, goes_out):
    goes_out(*rules(60))
    assert drop_old_usage(now=later(days=20)) == 0
    assert drop_old_usage(now=later(days=33)) == 2
    assert not NumberUsage.objects.exists()
    assert not RuleUsage.objects.exists()


# Any order of calls and claims, by any number of dispatchers.


class Plan:
    """Calls of two days and what dispatchers do with what the rules have to say, drawn by lot."""

    MINUTES = 2 * 24 * 60

    def __init__(self, seed: int) -> None:
        draw = random.Random(seed)
        self.per_number, self.per_minute = draw.randint(1, 4), draw.randint(1, 3)
        self.cool_downs = [draw.choice([5, 30, 360]) for _ in range(3)]
        self.numbers = [f"+3630999{n:04}" for n in range(draw.randint(2, 4))]
        # Bursts: many calls at the same moment, as in a flood.
        moments = sorted(draw.randrange(self.MINUTES) for _ in range(8))
        self.calls = [
            (moment, draw.randrange(3), draw.choice(self.numbers)) for moment in moments for _ in range(draw.randint(1, 6))
        ]
        self.falters = [draw.random() < 0.2 for _ in range(1000)]


def sends_until_nothing_is_left(falters: list[bool], at: datetime, by: str) -> None:
    """A dispatcher; now and then a provider says that it has too much to do."""
    while message := claim_next(by=by, now=at):
        if falters[(message.pk * 7 + message.attempts) % len(falters)]:
            give_back(message=message, until=at + timedelta(minutes=1), now=at)
        else:
            mark_sent(message=message, provider_account="simulator:", provider_message_id=f"SM{message.pk}", now=at)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "begins",
    [NOW, datetime(2027, 3, 27, 12, 0, tzinfo=UTC), datetime(2026, 10, 24, 12, 0, tzinfo=UTC)],
    ids=["usual", "short", "long"],
)
def test_whatever_happens_in_whatever_order_the_limits_are_kept(many_hands, kontakt, ada, rules, planned, seed, begins):
    plan = Plan(seed)
    limits_of(kontakt, ada, per_number_per_day=plan.per_number, per_minute=plan.per_minute)
    made = rules(*plan.cool_downs)
    ticks = sorted({moment + wait for moment, _, _ in plan.calls for wait in (0, 1, 2, 16)})
    for tick in ticks:
        at = begins + timedelta(minutes=tick)
        for moment, rule, number in plan.calls:
            if moment == tick:
                planned(made[rule], number=number, at=at)
        hands = [partial(sends_until_nothing_is_left, plan.falters, at, by) for by in ("one", "two", "three")]
        assert many_hands(*hands) == [None] * 3
    assert_kept(plan, made)


def assert_kept(plan: Plan, rules: list[CallRule]) -> None:
    tellings = Telling.objects.select_related("message", "run__rule").order_by("message__sent_at")
    assert len(tellings) == len(plan.calls)
    sent = [telling for telling in tellings if telling.message.status == Status.SENT]
    zone = ZoneInfo("Europe/Budapest")
    by_day = Counter((telling.address, telling.message.sent_at.astimezone(zone).date()) for telling in sent)
    by_minute = Counter(telling.message.sent_at.replace(second=0) for telling in sent)
    assert max(by_day.values()) <= plan.per_number
    assert max(by_minute.values()) <= plan.per_minute
    for rule, number in itertools.product(rules, plan.numbers):
        at = [telling.message.sent_at for telling in sent if (telling.run.rule_id, telling.address) == (rule.pk, number)]
        assert all(after - before >= timedelta(minutes=rule.says.cool_down) for before, after in itertools.pairwise(at))
    # Nobody was forgotten, and whoever got nothing got it for a reason.
    assert {telling.reason for telling in tellings if telling not in sent} <= {
        Skipped.COOL_DOWN, Skipped.PER_DAY, Skipped.NOT_SENT,
    }  # fmt: skip
    # The count is what was sent on the last day.
    for usage in NumberUsage.objects.all():
        assert usage.sent_on_day == by_day[usage.number, usage.day]


def test_who_answers_every_text_with_a_text_and_calls_again_ends_after_three(make_rule, happens, line, claim):
    """Two machines: ours and theirs."""
    caller = Step(who=Who.CALLER, channel=Channel.SMS)
    for number in range(6):
        make_rule(f"Rule {number}", caller, cool_down=5)
    sent, at = 0, NOW
    for turn in range(12):
        happens("missed", at=at)
        at += timedelta(seconds=5)
        fire_due(now=at)
        take_due_steps(now=at)
        tell_due(now=at)
        while message := claim(at=at):
            mark_sent(message=message, provider_account="simulator:", provider_message_id=f"SM{message.pk}", now=at)
            at += timedelta(seconds=2)
            receive_sms(
                line=line, provider_account="simulator:", provider_message_id=f"IN{message.pk}", sender=BOTI, body="?", now=at
            )
            sent += 1
        at += timedelta(minutes=7 + turn % 3)
    assert 1 <= sent <= 3
    assert not Message.objects.filter(status__in=[Status.QUEUED, Status.SENDING]).exists()


def test_two_of_our_companies_do_not_answer_each_other(make_rule, happens, claim, rival_line):
    make_rule("Missed", Step(who=Who.CALLER, channel=Channel.SMS))
    happens("missed", caller=rival_line.number)
    at = later(seconds=5)
    fire_due(now=at)
    take_due_steps(now=at)
    tell_due(now=at)
    assert claim(at=at) is None
    assert Telling.objects.get().reason == Skipped.OWN_LINE
    assert Line.objects.filter(number=rival_line.number).exists()


def test_limits_are_the_usual_ones_until_somebody_changes_them(kontakt):
    logic = call_logic_of(kontakt)
    assert (logic.pk, logic.per_number_per_day, logic.per_colleague_per_day, logic.per_minute) == (None, 3, 50, 20)
