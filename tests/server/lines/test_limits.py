"""How much a line may send, whatever the number of dispatchers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.core import mail
from django.utils import translation
from django_tasks_db.models import DBTaskResult

from server.accounts.models import Role, User
from server.contacts.models import Contact
from server.contacts.optout import opt_out
from server.lines import limits
from server.lines.models import Line, LineUsage
from server.messaging.inbound import conversation_between
from server.messaging.models import Conversation, Message, Status
from server.messaging.outbound import DailyLimitReached, retry_sms
from server.messaging.reasons import Reason
from server.messaging.sending import claim_next, give_back, hold_line, hold_messages, mark_sent, mark_unconfirmed, requeue_absent
from tests.conftest import NOW
from tests.server.conftest import later


@pytest.fixture
def many_threads(line) -> list[Conversation]:
    """Ten customers, so that no message waits for another."""
    contacts = [
        Contact.objects.create(subscriber=line.subscriber, number=f"+3630999{n:04}", created_at=NOW) for n in range(1000, 1010)
    ]
    return [conversation_between(line=line, contact=contact, now=NOW) for contact in contacts]


def limit(line: Line, **limits_of_line: int | None) -> None:
    Line.objects.filter(pk=line.pk).update(**limits_of_line)
    for name, value in limits_of_line.items():
        setattr(line, name, value)


def reasons() -> dict[str, int]:
    found = Message.objects.values_list("status", "reason")
    return {f"{status} {reason}".strip(): list(found).count((status, reason)) for status, reason in set(found)}


def drain(claim, at: datetime = NOW) -> int:
    """Claim and send until nothing may go out; returns how many were sent."""
    sent = 0
    while message := claim(at=at):
        mark_sent(message=message, provider_account="simulator:", provider_message_id=f"SM{message.pk}", now=at)
        sent += 1
    return sent


def test_a_line_without_limits_is_not_counted(queue, claim, django_assert_num_queries):
    queue()
    with django_assert_num_queries(3):  # look, claim, opt-out
        claim()
    assert not LineUsage.objects.exists()


def test_beyond_the_days_limit_messages_fail_with_a_reason_and_nothing_is_lost(line, queue, claim, many_threads):
    limit(line, per_day=3)
    for thread in many_threads:
        queue(to=thread)
    assert drain(claim) == 3
    assert reasons() == {"sent": 3, f"failed {Reason.DAILY_LIMIT}": 7}
    assert Conversation.objects.filter(has_failed=True).count() == 7


def test_dispatchers_that_claim_at_the_same_moment_keep_to_the_limit_together(many_hands, line, queue, many_threads):
    limit(line, per_day=3)
    for thread in many_threads:
        queue(to=thread)
    results = many_hands(*[partial(claim_next, by=str(n), now=NOW) for n in range(10)])
    claimed = [result.pk for result in results if result is not None]
    assert len(claimed) == len(set(claimed)) == 3
    assert reasons() == {"sending": 3, f"failed {Reason.DAILY_LIMIT}": 7}
    assert LineUsage.objects.get().sent_on_day == 3


def test_what_failed_for_the_limit_can_be_sent_the_next_day(line, queue, claim, many_threads, dana):
    limit(line, per_day=1)
    messages = [queue(to=thread) for thread in many_threads[:2]]
    drain(claim)
    failed = Message.objects.get(status=Status.FAILED)
    with pytest.raises(DailyLimitReached):
        retry_sms(message=failed, by=dana, now=later(hours=1))
    tomorrow = later(days=1)
    assert retry_sms(message=failed, by=dana, now=tomorrow)
    assert claim(at=tomorrow) == messages[1]


def test_nothing_more_is_queued_once_the_limit_is_reached(line, queue, claim, many_threads):
    limit(line, per_day=1)
    queue(to=many_threads[0])
    drain(claim)
    with pytest.raises(DailyLimitReached) as refusal:
        queue(to=many_threads[1])
    assert refusal.value.limit == 1
    assert queue(to=many_threads[1], at=later(days=1))


def test_a_full_minute_only_makes_wait(line, queue, claim, many_threads):
    limit(line, per_minute=3)
    for thread in many_threads:
        queue(to=thread)
    assert [drain(claim, at=later(seconds=s)) for s in (0, 30, 59, 60, 119, 120, 180)] == [3, 0, 0, 3, 0, 3, 1]
    assert reasons() == {"sent": 10}


def test_a_full_minute_of_one_line_does_not_stop_another(line, queue, claim, many_threads, sales_line, boti):
    limit(line, per_minute=1)
    for thread in many_threads[:3]:
        queue(to=thread)
    other = queue(to=conversation_between(line=sales_line, contact=boti, now=NOW), by=None)
    first = claim()
    assert first.line_id == line.pk
    assert claim() == other
    assert claim() is None


def test_a_message_that_waits_for_its_minute_keeps_its_place(line, queue, claim, conversation, many_threads):
    limit(line, per_minute=1)
    queue(to=many_threads[0])
    first, second = queue("egy"), queue("kettő")
    drain(claim)
    assert [claim(at=later(minutes=1)), claim(at=later(minutes=1, seconds=5))] == [first, None]
    mark_sent(message=Message.objects.get(pk=first.pk), provider_account="simulator:", provider_message_id="SMfirst", now=NOW)
    assert claim(at=later(minutes=2)) == second


def test_both_limits_at_once(line, queue, claim, many_threads):
    limit(line, per_day=4, per_minute=3)
    for thread in many_threads:
        queue(to=thread)
    assert drain(claim) == 3
    assert drain(claim, at=later(minutes=1)) == 1
    assert reasons() == {"sent": 4, f"failed {Reason.DAILY_LIMIT}": 6}


def test_a_limit_of_nothing_sends_nothing(line, queue, claim, many_threads):
    messages = [queue(to=thread) for thread in many_threads[:2]]
    limit(line, per_day=0)
    assert drain(claim) == 0
    assert reasons() == {f"failed {Reason.DAILY_LIMIT}": len(messages)}


def test_what_was_surely_not_sent_does_not_count(line, queue, claim):
    limit(line, per_day=2)
    queue()
    for n in range(5):
        give_back(message=claim(at=later(seconds=n)), until=later(seconds=n), now=later(seconds=n))
    assert LineUsage.objects.get().sent_on_day == 0
    assert drain(claim, at=later(minutes=1)) == 1


def test_what_a_held_line_gives_back_does_not_count(line, queue, claim):
    limit(line, per_day=2)
    queue()
    message = claim()
    hold_line(line=line, reason="401", now=NOW)
    hold_messages(message=message, now=NOW)
    assert LineUsage.objects.get().sent_on_day == 0


def test_an_unconfirmed_message_counts_until_it_is_proved_absent(line, queue, claim):
    limit(line, per_day=2)
    queue()
    message = claim()
    mark_unconfirmed(message=message, now=NOW)
    assert limits.sent_today(line, NOW) == 1
    requeue_absent(message=message, now=NOW)
    assert limits.sent_today(line, NOW) == 0


def test_a_message_given_back_after_midnight_does_not_lighten_the_new_day(line, queue, claim, many_threads):
    limit(line, per_day=2)
    queue(to=many_threads[0])
    queue(to=many_threads[1])
    late = datetime(2026, 11, 23, 22, 59, 50, tzinfo=UTC)
    yesterdays, _todays = claim(at=late), claim(at=late + timedelta(seconds=20))
    give_back(message=yesterdays, until=late, now=late + timedelta(seconds=30))
    assert limits.sent_today(line, late + timedelta(minutes=1)) == 1


def test_who_texted_stop_meanwhile_does_not_count(line, queue, claim, boti):
    limit(line, per_day=2)
    queue()
    opt_out(line=line, number=boti.number, source="sms", at=NOW)
    assert claim() is None
    assert LineUsage.objects.get().sent_on_day == 0


# The clocks of Budapest: 25 October 2026 has 25 hours, 29 March 2026 has 23.
@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        ("Europe/Budapest", datetime(2026, 11, 23, 23, 0, tzinfo=UTC)),
        ("Europe/Budapest", datetime(2026, 10, 24, 22, 0, tzinfo=UTC)),
        ("Europe/Budapest", datetime(2026, 10, 25, 23, 0, tzinfo=UTC)),
        ("Europe/Budapest", datetime(2026, 3, 28, 23, 0, tzinfo=UTC)),
        ("Europe/Budapest", datetime(2026, 3, 29, 22, 0, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 11, 23, 18, 15, tzinfo=UTC)),
    ],
)
def test_the_new_day_begins_at_the_companys_midnight(line, queue, claim, many_threads, zone, midnight):
    limit(line, per_day=1)
    line.subscriber.timezone = zone
    line.subscriber.save()
    queue(to=many_threads[0])
    queue(to=many_threads[1], at=midnight)
    assert claim(at=midnight - timedelta(seconds=1))
    assert limits.is_used_up(line, midnight - timedelta(seconds=1))
    assert not limits.is_used_up(line, midnight)
    assert claim(at=midnight)


def test_the_hour_that_comes_twice_is_one_day(line, queue, claim, many_threads):
    limit(line, per_day=1)
    queue(to=many_threads[0])
    queue(to=many_threads[1])
    assert claim(at=datetime(2026, 10, 25, 0, 30, tzinfo=UTC))  # 02:30 in summer time
    assert claim(at=datetime(2026, 10, 25, 1, 30, tzinfo=UTC)) is None  # 02:30 once more


def test_a_dispatcher_whose_clock_is_behind_does_not_begin_the_old_day_again(line, queue, claim, many_threads):
    limit(line, per_day=2)
    for thread in many_threads[:3]:
        queue(to=thread)
    midnight = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
    assert claim(at=midnight + timedelta(seconds=1))
    assert claim(at=midnight - timedelta(seconds=1))
    assert claim(at=midnight + timedelta(seconds=2)) is None
    assert LineUsage.objects.get().sent_on_day == 2


# --- What administrators hear -------------------------------------------------------------------


@pytest.fixture
def told(ada, kontakt):
    """`told()`: the subjects of the letters that the task worker has sent to administrators until now."""
    User.objects.filter(pk=ada.pk).update(email="ada@kontakt.example", language="en")
    User.objects.create_user("deaf", email="deaf@kontakt.example", role=Role.ADMINISTRATOR, subscriber=kontakt, notices=[])

    def letters() -> list[str]:
        for waiting in DBTaskResult.objects.ready().order_by("enqueued_at"):
            waiting.task.call(*waiting.args_kwargs["args"])
            waiting.delete()
        assert {to for letter in mail.outbox for to in letter.to} <= {"ada@kontakt.example"}
        return [letter.subject for letter in mail.outbox]

    return letters


def test_administrators_hear_at_eighty_percent_and_when_it_is_used_up_once_a_day_each(line, queue, claim, many_threads, told):
    limit(line, per_day=5)
    for thread in many_threads[:4]:
        queue(to=thread)
    with translation.override("hu"):
        claim(), claim(), claim()
        assert told() == []
        message = claim()
    assert told() == ["Support has sent 80 % of today's messages"]
    # Given back and claimed again: it is reached a second time, and told once.
    give_back(message=message, until=NOW, now=NOW)
    claim()
    assert len(told()) == 1
    for thread in many_threads[4:]:
        queue(to=thread)
    drain(claim)
    assert told()[1:] == ["Support has sent all of today's messages"]
    assert "may send 5 messages a day" in mail.outbox[1].body


def test_the_next_day_they_hear_again(line, queue, claim, many_threads, told):
    limit(line, per_day=1)
    for day, thread in enumerate(many_threads[:2]):
        queue(to=thread, at=later(days=day))
        assert claim(at=later(days=day))
    assert len(told()) == 2
