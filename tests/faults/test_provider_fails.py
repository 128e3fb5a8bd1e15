"""What can go wrong at the provider: six messages in two conversations, identical ones among them, two dispatchers."""

from __future__ import annotations

from collections import Counter, deque
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from server.accounts.models import Role, User
from server.contacts.models import OptOut
from server.lines.models import Line
from server.messaging.models import Message, Status
from server.messaging.reasons import Reason
from server.messaging.sending import release_line
from tests.faults.patience import until
from tests.faults.screen import Screen
from tests.services import worker

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("faults")]

TO_BOTI = ["the same", "the same", "third to Boti"]
TO_KATA = ["first to Kata", "the same", "the same"]


@pytest.fixture
def screens(house, company):
    one, two = house.webs
    with Screen(company, company.dana, company.boti, one) as danas, Screen(company, company.bela, company.kata, two) as belas:
        yield [danas, belas]


@pytest.fixture
def six_are_written(house, company):
    def write():
        for to_boti, to_kata in zip(TO_BOTI, TO_KATA, strict=True):
            assert company.dana.writes(house.webs[0], company.boti, to_boti).ok
            assert company.bela.writes(house.webs[1], company.kata, to_kata).ok

    return write


def outcomes(company):
    return [(message.body, message.status) for message in company.outbound]


@pytest.mark.parametrize(
    "faults",
    [
        ["accept-then-reset"],
        ["ok", "accept-then-reset", "accept-then-reset"],
        ["accept-then-sleep:12"],
        ["accept-then-garbage", "accept-then-nothing"],
        ["reset"],
        ["503", "503"],
        # One loss only: a text that is lost twice is a person's to judge, and who meets which fault is chance here.
        ["429", "429:1", "reset", "accept-then-reset", "429"],
    ],
    ids=lambda faults: "+".join(faults),
)
def test_all_six_go_out_once_and_in_order(house, company, screens, six_are_written, faults):
    house.twilio.plan.extend(faults)
    six_are_written()
    company.settle()
    company.has_sent_once({company.boti: TO_BOTI, company.kata: TO_KATA})
    assert not house.twilio.plan
    for screen in screens:
        screen.equals_a_fresh_load()


def test_too_many_requests_are_repeated_after_growing_pauses(house, company, screens):
    remember_pauses()
    house.twilio.plan.extend(["429"] * 3)
    assert company.dana.writes(house.webs[0], company.boti, "Hello").ok
    until(lambda: not house.twilio.plan, "three refusals")
    company.settle()
    company.has_sent_once({company.boti: ["Hello"]})
    pauses = pauses_of(company.outbound.get())
    assert len(pauses) == 3
    assert pauses == sorted(pauses)
    assert pauses[2] > 2 * pauses[0] > timedelta(0)
    screens[0].equals_a_fresh_load()


def remember_pauses():
    """In the database itself: who polls could miss one."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS pauses (message bigint, attempt int, pause interval)")
        cursor.execute(
            "CREATE OR REPLACE FUNCTION remember_pause() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN INSERT INTO pauses VALUES (NEW.id, NEW.attempts, NEW.next_attempt_at - now()); RETURN NEW; END$$"
        )
        cursor.execute(
            "CREATE OR REPLACE TRIGGER remember_pauses AFTER UPDATE ON messaging_message FOR EACH ROW "
            "WHEN (OLD.status = 'sending' AND NEW.status = 'queued' AND NEW.next_attempt_at IS NOT NULL) "
            "EXECUTE FUNCTION remember_pause()"
        )


def pauses_of(message: Message) -> list[timedelta]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pause FROM pauses WHERE message = %s ORDER BY attempt", [message.pk])
        return [pause for (pause,) in cursor.fetchall()]


def test_a_number_that_does_not_exist_fails_alone(house, company, screens, six_are_written):
    house.twilio.plan.append("400:21211")
    six_are_written()
    company.settle()
    failed = company.outbound.get(status=Status.FAILED)
    assert (failed.reason, failed.provider_code) == (Reason.INVALID_NUMBER, "21211")
    assert Counter(message.body for message in company.taken) == Counter([*TO_BOTI, *TO_KATA]) - Counter([failed.body])
    assert company.outbound.filter(status=Status.SENT).count() == 5
    company.log_is_whole()
    for screen in screens:
        screen.equals_a_fresh_load()


def test_who_is_unsubscribed_at_the_provider_gets_nothing_more(house, company, screens):
    house.twilio.plan.extend(["400:21610"])
    assert company.dana.writes(house.webs[0], company.boti, "Hello").ok
    until(lambda: company.outbound.filter(status=Status.FAILED).exists(), "refused")
    assert OptOut.objects.get(line=company.line, number=company.boti.contact.number, ended_at=None).source == "provider"
    assert company.dana.writes(house.webs[1], company.boti, "Are you sure?").status_code == 422
    assert company.bela.writes(house.webs[1], company.kata, "Hello, Kata").ok
    company.settle()
    assert [(message.to, message.body) for message in company.taken] == [(company.kata.contact.number, "Hello, Kata")]
    assert outcomes(company) == [("Hello", Status.FAILED), ("Hello, Kata", Status.SENT)]
    company.log_is_whole()
    for screen in screens:
        screen.equals_a_fresh_load()


def test_a_line_whose_account_is_refused_waits_and_sends_everything_after_its_release(house, company, screens, six_are_written):
    User.objects.create_user(
        "ada", role=Role.ADMINISTRATOR, subscriber=company.subscriber, language="en", email="ada@kontakt.example"
    )
    house.twilio.plan.extend(["401", "401"])
    six_are_written()
    until(lambda: Line.objects.get(pk=company.line.pk).held_since, "the line is held")
    until(lambda: not company.outbound.filter(status=Status.SENDING).exists(), "nothing is in hand")
    assert house.twilio.plan in (deque(), deque(["401"]))
    house.twilio.plan.clear()
    with worker(env=house.env) as tasks:
        until(lambda: "To: ada@kontakt.example" in tasks.output, "the administrator is told")
    waiting = company.outbound.filter(status__in=[Status.HELD, Status.QUEUED]).count()
    assert waiting + len(company.taken) == 6
    for screen in screens:
        screen.equals_a_fresh_load()

    release_line(line=company.line, now=timezone.now())
    company.settle()
    company.has_sent_once({company.boti: TO_BOTI, company.kata: TO_KATA})
    for screen in screens:
        screen.equals_a_fresh_load()


def test_a_report_that_comes_before_our_own_record_counts(house, company, screens):
    house.twilio.plan.extend(["call-back-first:delivered", "call-back-first:sent"])
    assert company.dana.writes(house.webs[0], company.boti, "Hello").ok
    assert company.dana.writes(house.webs[0], company.boti, "and goodbye").ok
    company.settle()
    until(lambda: outcomes(company) == [("Hello", Status.DELIVERED), ("and goodbye", Status.SENT)], "both are known")
    assert [message.provider_message_id for message in company.outbound] == [message.sid for message in company.taken]
    assert company.outbound[0].sent_at is not None
    company.log_is_whole()
    screens[0].equals_a_fresh_load()


def test_reports_in_any_order_and_twice_leave_delivered(house, company, screens):
    assert company.dana.writes(house.webs[0], company.boti, "Hello").ok
    company.settle()
    [taken] = company.taken
    for turn, word in enumerate(["delivered", "sent", "delivered", "queued", "sent", "undelivered"]):
        assert company.report(house.webs[turn % 2], taken, word).ok
    message = company.outbound.get()
    assert message.status == Status.DELIVERED
    assert Counter(message.reports.values_list("provider_status", flat=True)) == dict.fromkeys(
        ["delivered", "sent", "queued", "undelivered"], 1
    )
    company.has_sent_once({company.boti: ["Hello"]}, status=Status.DELIVERED)
    screens[0].equals_a_fresh_load()
