"""We call you back by 14:00: worked out from business hours, kept by whoever calls or texts, and not forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from server.accounts.models import ClosedDay
from server.calls.definition import Channel, Step, Who
from server.calls.firing import fire_due, take_due_steps
from server.calls.models import Call, KeptBy, Promise, Skipped, Telling, TellingState
from server.calls.promises import call_back_by, escalate_overdue, finish_promise, open_promise, say_called_back
from server.calls.stopping import resume_automatic, stop_automatic
from server.calls.telling import tell_due
from server.contacts.models import Contact
from server.events.models import Event, Kind
from server.messaging.conversations import mark_done
from server.messaging.inbound import conversation_between
from server.messaging.models import Conversation, Message, Status
from server.messaging.outbound import conversation_with, retry_sms
from server.messaging.partners import block_sender, merge_contacts
from server.messaging.sending import mark_failed, mark_sent
from tests.conftest import BOTI, NOW
from tests.server.conftest import later


def at(text: str) -> datetime:
    """A moment in UTC: Budapest is an hour ahead in winter, two in summer."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("called", "minutes", "due"),
    [
        # Monday, in the middle of the day; 8:00–17:00 in Budapest is 7–16 UTC.
        ("2026-11-23 10:00", 120, "2026-11-23 12:00"),
        ("2026-11-23 14:00", 120, "2026-11-23 16:00"),
        # An hour is left today.
        ("2026-11-23 15:00", 120, "2026-11-24 08:00"),
        # Before opening, after closing, on Friday evening and on Sunday: counted from the next opening.
        ("2026-11-23 05:00", 30, "2026-11-23 07:30"),
        ("2026-11-23 16:00", 30, "2026-11-24 07:30"),
        ("2026-11-20 20:00", 60, "2026-11-23 08:00"),
        ("2026-11-22 11:00", 60, "2026-11-23 08:00"),
        # More than a day's hours.
        ("2026-11-23 07:00", 540 + 60, "2026-11-24 08:00"),
        # 24 and 25 December are holidays, and 26, too; 27 is a Sunday.
        ("2026-12-23 15:30", 60, "2026-12-28 07:30"),
        # Over the week-ends on which clocks change: eight o'clock is another hour of UTC.
        ("2026-03-27 15:30", 60, "2026-03-30 06:30"),
        # (23 October is a holiday.)
        ("2026-10-22 14:30", 60, "2026-10-26 07:30"),
    ],
)
def test_minutes_of_business_hours_are_counted(kontakt, called, minutes, due):
    assert call_back_by(kontakt, at(called), minutes) == at(due)


@pytest.mark.parametrize(
    ("called", "minutes", "due"),
    [
        # 29 March 2026: from 01:59:59 it becomes 03:00. Open 00:00 to 06:00 is five hours.
        ("2026-03-29 00:30", 60, "2026-03-29 01:30"),
        ("2026-03-28 23:00", 5 * 60, "2026-03-29 04:00"),
        ("2026-03-28 23:00", 5 * 60 + 1, "2026-03-29 22:01"),
        # 25 October 2026: the hour from two to three comes twice. Seven hours.
        ("2026-10-25 00:30", 60, "2026-10-25 01:30"),
        ("2026-10-24 22:00", 7 * 60, "2026-10-25 05:00"),
        ("2026-10-24 22:00", 7 * 60 + 1, "2026-10-25 23:01"),
    ],
)
def test_nights_on_which_clocks_change_have_the_hours_they_have(kontakt, called, minutes, due):
    kontakt.opening_hours = {str(day): [["00:00", "06:00"]] for day in range(1, 8)}
    kontakt.is_closed_on_holidays = False
    assert call_back_by(kontakt, at(called), minutes) == at(due)


def test_the_hour_that_comes_twice_counts_once_where_two_spans_meet_in_it(kontakt):
    kontakt.opening_hours = {"7": [["00:00", "02:30"], ["02:30", "06:00"]]}
    assert call_back_by(kontakt, at("2026-10-24 22:00"), 7 * 60) == at("2026-10-25 05:00")


def test_a_lunch_break_does_not_count(kontakt):
    kontakt.opening_hours = {"1": [["08:00", "12:00"], ["13:00", "17:00"]]}
    assert call_back_by(kontakt, at("2026-11-23 10:30"), 60) == at("2026-11-23 12:30")


@pytest.mark.parametrize("hours", [{}, {"1": []}])
def test_who_never_opens_counts_plain_minutes(kontakt, hours):
    kontakt.opening_hours = hours
    assert call_back_by(kontakt, at("2026-11-22 23:30"), 90) == at("2026-11-23 01:00")


def test_who_is_closed_for_a_year_counts_plain_minutes(kontakt):
    ClosedDay.objects.bulk_create(ClosedDay(subscriber=kontakt, day=(NOW + timedelta(days=day)).date()) for day in range(-1, 400))
    assert call_back_by(kontakt, NOW, 90) == NOW + timedelta(minutes=90)


@pytest.fixture
def promised(happens, line, boti):
    """`promised()`: Boti called in vain and was told that we call back within the hour."""

    def promise(*, call_at: datetime = NOW, due_at: datetime | None = None, on=line, number: str = BOTI) -> Promise:
        call = happens("missed", at=call_at, on=on, caller=number).call
        return open_promise(call=call, rule=None, due_at=due_at or call_at + timedelta(hours=1), now=call_at)

    return promise


def thread_of(promise: Promise) -> Conversation:
    return Conversation.objects.get(pk=promise.conversation_id)


def how_kept(promise: Promise) -> tuple[str, str | None]:
    promise.refresh_from_db()
    assert (promise.kept_at is None) == (thread_of(promise).promised_until is not None)
    return promise.kept_how, promise.kept_by and promise.kept_by.username


def test_a_promise_stands_on_its_conversation(promised):
    promise = promised()
    assert thread_of(promise).promised_until == promise.due_at == later(hours=1)


def test_one_promise_is_open_at_a_time_and_the_earlier_time_holds(promised):
    first = promised()
    assert promised(call_at=later(minutes=5)).pk == first.pk
    assert thread_of(first).promised_until == later(hours=1)
    assert promised(call_at=later(minutes=6), due_at=later(minutes=30)).pk == first.pk
    assert thread_of(first).promised_until == later(minutes=30)


def test_two_who_promise_at_the_same_moment_open_one(many_hands, happens):
    calls = [happens("missed", at=NOW).call for _ in range(3)]
    results = many_hands(*[partial(open_promise, call=call, rule=None, due_at=later(hours=1), now=NOW) for call in calls])
    assert len({promise.pk for promise in results}) == 1


def test_who_withheld_the_number_can_be_promised_nothing(happens):
    call = happens("missed", caller="anonymous").call
    assert open_promise(call=call, rule=None, due_at=later(hours=1), now=NOW) is None


def test_a_message_to_the_number_keeps_it_and_follows_the_calls_up(promised, queue, dana):
    promise = promised()
    queue("Itt vagyok", at=later(minutes=20))
    assert how_kept(promise) == (KeptBy.MESSAGE, "dana")
    call = Call.objects.get()
    assert (call.followed_up_at, call.followed_up_by) == (later(minutes=20), dana)
    told = Event.objects.filter(kind=Kind.CALL_CHANGED, at=later(minutes=20))
    assert [event.message_id for event in told] == [call.pk]
    assert Event.objects.latest("number").kind == Kind.MESSAGE_CREATED


def test_a_call_of_ours_keeps_it_also_when_nobody_takes_it(promised, happens, dana):
    promise = promised()
    happens("missed", direction="out", caller="", called=BOTI, agent="DANA", at=later(minutes=5))
    assert how_kept(promise) == (KeptBy.CALL, "dana")
    missed = Call.objects.get(direction="in")
    assert (missed.followed_up_at, missed.followed_up_by) == (later(minutes=5), dana)


def test_who_calls_again_and_is_answered_is_not_called_back(promised, happens):
    promise = promised()
    happens("missed", at=later(minutes=4))
    assert how_kept(promise) == ("", None)
    happens("answered", at=later(minutes=5), agent="somebody")
    assert how_kept(promise) == (KeptBy.ANSWERED, None)
    assert Call.objects.filter(state="missed", followed_up_at=later(minutes=5)).count() == 2


def test_a_call_that_was_answered_before_and_is_told_late_keeps_nothing(promised, happens):
    promise = promised(call_at=later(minutes=10))
    happens("answered", at=later(minutes=5), now=later(minutes=12))
    assert how_kept(promise) == ("", None)
    assert Call.objects.get(state="missed").followed_up_at is None


def test_done_closes_the_promise_but_does_not_follow_the_call_up(promised, dana):
    promise = promised()
    mark_done(conversation=promise.conversation, by=dana, now=later(minutes=5))
    assert how_kept(promise) == (KeptBy.SAID_DONE, "dana")
    assert Call.objects.get().followed_up_at is None


def test_somebody_says_that_they_were_called_back_once(promised, dana, bela):
    promise = promised()
    assert finish_promise(promise=promise, by=dana, now=later(minutes=5))
    assert not finish_promise(promise=promise, by=bela, now=later(minutes=6))
    assert how_kept(promise) == (KeptBy.SAID_DONE, "dana")
    call = Call.objects.get()
    assert (call.followed_up_at, call.followed_up_by) == (later(minutes=5), dana)
    assert thread_of(promise).waiting_since is None


def test_of_a_call_without_a_promise_somebody_says_so_too(happens, dana):
    first, answered = happens("missed").call, happens("answered", at=later(minutes=1)).call
    again = happens("missed", at=later(minutes=2)).call
    said = [say_called_back(call=call, by=dana, now=later(minutes=5)) for call in (first, answered, again, again)]
    # The first one was seen to when they were answered.
    assert said == [False, False, True, False]
    again.refresh_from_db()
    assert (again.followed_up_by, again.conversation.waiting_since) == (dana, None)


def test_a_message_from_another_line_keeps_it_too(promised, sales_line, boti, queue, sam):
    promise = promised()
    other = conversation_between(line=sales_line, contact=boti, now=NOW)
    queue("Sales here", to=other, by=sam, at=later(minutes=5))
    assert how_kept(promise) == (KeptBy.MESSAGE, "sam")
    told = Event.objects.filter(kind=Kind.CALL_CHANGED, at=later(minutes=5)).get()
    assert told.conversation_id == promise.conversation_id


def test_two_who_write_from_two_lines_do_not_wait_for_each_other(many_hands, promised, sales_line, boti, queue, dana, sam, line):
    one, other = promised(), promised(on=sales_line)
    results = many_hands(partial(queue, "Egy", to=thread_of(one), by=dana), partial(queue, "Kettő", to=thread_of(other), by=sam))
    assert [type(result).__name__ for result in results] == ["Message", "Message"]
    assert not Promise.objects.filter(kept_at=None).exists()
    assert not Call.objects.filter(followed_up_at=None).exists()


def test_a_message_to_somebody_else_keeps_nothing(promised, line, queue, dana):
    promise = promised()
    queue("Szia", to=conversation_with(line=line, number="+36301112222", now=NOW), by=dana)
    assert how_kept(promise) == ("", None)


def test_after_a_promise_was_kept_another_one_may_be_made(promised, queue):
    first = promised()
    queue(at=later(minutes=5))
    second = promised(call_at=later(minutes=10))
    assert second.pk != first.pk
    assert thread_of(second).promised_until == later(minutes=70)


def test_contacts_that_are_merged_keep_their_promises(promised, boti, kontakt, line, queue, sam):
    other = Contact.objects.create(subscriber=kontakt, number="+36301112222", name="Boti at home", created_at=NOW)
    promise = promised(number=other.number)
    merge_contacts(keep=boti, other=other, by=sam, now=NOW)
    assert how_kept(promise) == ("", None)
    queue("Szia", to=thread_of(promise), by=sam, at=later(minutes=5))
    assert how_kept(promise) == (KeptBy.MESSAGE, "sam")


def test_a_conversation_that_is_deleted_takes_its_promises_along(promised):
    promise = promised()
    Conversation.objects.filter(pk=promise.conversation_id).update(latest_message=None)
    thread_of(promise).delete()
    assert not Promise.objects.exists()
    assert escalate_overdue(now=later(days=1)) == 0


# What was not kept.


@pytest.fixture
def promised_by_rule(make_rule, happens, boti):
    """Boti called in vain, and a rule promised to call back within 60 minutes of business hours: by noon, in Budapest."""
    make_rule("Call back", Step(who=Who.CALLER, channel=Channel.SMS), promises_within=60)
    happens("missed")
    fire_due(now=later(seconds=3))
    take_due_steps(now=later(seconds=3))
    return Promise.objects.get()


@pytest.fixture
def another_is_refused(make_rule, happens, claim):
    """Boti finds the line busy, and the provider refuses the text in which a second rule promises to call back."""

    def refuse() -> None:
        make_rule("Busy", Step(who=Who.CALLER, channel=Channel.SMS), trigger="busy", promises_within=120)
        happens("busy", at=later(minutes=1))
        fire_due(now=later(minutes=2))
        take_due_steps(now=later(minutes=2))
        tell_due(now=later(minutes=2))
        mark_failed(message=claim(at=later(minutes=3)), reason="rejected", now=later(minutes=3))

    return refuse


def test_who_is_not_texted_after_all_was_promised_nothing(promised_by_rule, kontakt, ada, dana, claim):
    tell_due(now=later(seconds=4))
    stop_automatic(subscriber=kontakt, by=ada, now=later(seconds=5))
    assert claim(at=later(seconds=6)) is None
    assert not Promise.objects.exists()
    assert Conversation.objects.get(contact__number=BOTI).promised_until is None
    # Sent all the same, it promises what it says.
    resume_automatic(subscriber=kontakt, by=ada, now=later(minutes=1))
    retry_sms(message=Message.objects.get(), by=dana, now=later(minutes=1))
    assert claim(at=later(minutes=2)) is not None
    assert Promise.objects.get().due_at == promised_by_rule.due_at
    assert thread_of(Promise.objects.get()).promised_until == promised_by_rule.due_at


def test_what_the_provider_does_not_deliver_promises_nothing_until_it_arrives_after_all(promised_by_rule, claim, report):
    tell_due(now=later(seconds=4))
    sent = claim(at=later(seconds=5))
    mark_sent(message=sent, provider_account="a", provider_message_id="SM1", now=later(seconds=6))
    assert Promise.objects.exists()
    report(sent, Status.UNDELIVERED, at=later(seconds=7))
    assert not Promise.objects.exists()
    assert thread_of(promised_by_rule).promised_until is None
    assert Event.objects.filter(kind=Kind.CALL_CHANGED, at=later(seconds=7)).count() == 1
    report(sent, Status.DELIVERED, at=later(seconds=8))
    assert Promise.objects.get().due_at == thread_of(promised_by_rule).promised_until == promised_by_rule.due_at


def test_what_the_provider_refuses_promises_nothing_but_what_another_rule_has_said_holds(
    promised_by_rule, another_is_refused, claim
):
    another_is_refused()
    assert thread_of(promised_by_rule).promised_until == promised_by_rule.due_at
    mark_failed(message=claim(at=later(minutes=4)), reason="rejected", now=later(minutes=4))
    assert not Promise.objects.exists()


def test_the_red_switch_takes_back_what_was_promised_and_not_yet_said(promised_by_rule, kontakt, ada):
    stop_automatic(subscriber=kontakt, by=ada, now=later(seconds=4))
    assert not Promise.objects.exists()
    assert thread_of(promised_by_rule).promised_until is None
    assert Event.objects.filter(kind=Kind.CALL_CHANGED, at=later(seconds=4)).count() == 1


def test_what_an_earlier_text_promised_holds_when_a_later_one_is_kept_back(promised_by_rule, happens, claim):
    happens("missed", at=later(seconds=2))
    fire_due(now=later(seconds=5))
    take_due_steps(now=later(seconds=5))
    tell_due(now=later(seconds=6))
    first = claim(at=later(seconds=7))
    mark_sent(message=first, provider_account="a", provider_message_id="1", now=later(seconds=8))
    assert claim(at=later(seconds=9)) is None
    assert list(Telling.objects.order_by("pk").values_list("reason", flat=True)) == ["", Skipped.COOL_DOWN]
    assert Promise.objects.get() == promised_by_rule


def test_what_is_promised_again_holds_when_a_later_text_does_not_arrive(promised_by_rule, another_is_refused, claim, report):
    tell_due(now=later(seconds=4))
    sent = claim(at=later(seconds=5))
    mark_sent(message=sent, provider_account="a", provider_message_id="SM1", now=later(seconds=6))
    report(sent, Status.UNDELIVERED, at=later(seconds=7))
    report(sent, Status.DELIVERED, at=later(seconds=8))
    another_is_refused()
    assert thread_of(Promise.objects.get()).promised_until == promised_by_rule.due_at


def told() -> dict[tuple[str, str], str]:
    tellings = Telling.objects.filter(user__isnull=False).select_related("user")
    return {(telling.user.username, telling.channel): telling.reason or telling.state for telling in tellings}


def test_an_overdue_promise_is_told_to_supervisors_and_administrators_once_as_they_like(promised_by_rule, sam, ada, dana, aron):
    sam.hears_of_calls_by, ada.email = ["browser", "sms"], "ada@kontakt.hu"
    sam.save()
    ada.save()
    due = promised_by_rule.due_at
    assert escalate_overdue(now=due - timedelta(seconds=1)) == 0
    assert escalate_overdue(now=due) == 1
    assert told() == {
        ("sam", "browser"): TellingState.PLANNED,
        ("sam", "sms"): Skipped.NO_PHONE,
        ("ada", "browser"): TellingState.PLANNED,
        ("ada", "email"): TellingState.PLANNED,
    }
    letter = Telling.objects.get(user=ada, channel=Channel.EMAIL)
    assert letter.subject == "Call-back overdue: Kiss Boti"
    assert letter.body.startswith("We promised to call back by 12:00.\n")
    assert escalate_overdue(now=due + timedelta(hours=1)) == 0
    assert Event.objects.latest("number").kind == Kind.CALL_CHANGED


def test_what_was_kept_in_time_is_not_escalated(promised_by_rule, sam, queue):
    queue(to=thread_of(promised_by_rule), at=later(minutes=5))
    assert escalate_overdue(now=later(days=1)) == 0
    assert told() == {}


def test_several_dispatchers_escalate_once(many_hands, promised_by_rule, sam):
    assert sorted(many_hands(*[partial(escalate_overdue, now=later(days=1))] * 3)) == [0, 0, 1]
    assert told() == {
        ("sam", "browser"): TellingState.PLANNED,
        ("sam", "email"): Skipped.NO_EMAIL,
        ("ada", "browser"): TellingState.PLANNED,
        ("ada", "email"): Skipped.NO_EMAIL,
    }


def test_while_automatic_sending_is_stopped_only_the_list_says_that_it_is_overdue(kontakt, promised_by_rule, sam, ada, claim):
    tell_due(now=later(seconds=4))
    claim(at=later(seconds=5))
    stop_automatic(subscriber=kontakt, by=ada, now=later(minutes=1))
    assert escalate_overdue(now=later(days=1)) == 1
    assert set(told().values()) == {Skipped.STOPPED, Skipped.NO_EMAIL}


def test_of_a_blocked_sender_nobody_hears(promised_by_rule, ada):
    block_sender(entry=thread_of(promised_by_rule).contact, by=ada, now=NOW)
    assert escalate_overdue(now=later(days=1)) == 0


def test_a_promise_whose_rule_is_gone_is_escalated_to_the_list_alone(promised, sam):
    promised()
    assert escalate_overdue(now=later(days=1)) == 1
    assert told() == {}
