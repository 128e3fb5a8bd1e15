"""Who of a company is meant, who is not there, and by which way each hears of it."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from server.accounts.models import Role, Team, User
from server.calls.definition import Channel, Step, Who
from server.calls.models import Skipped
from server.calls.recipients import Staff
from server.lines.models import LineAccess
from server.messaging.inbound import conversation_between
from server.messaging.outbound import queue_sms
from tests.conftest import NOW


@pytest.fixture
def english(kontakt) -> Team:
    return Team.objects.create(subscriber=kontakt, name="English")


@pytest.fixture
def event(happens):
    return happens("missed")


def told(step: Step, event) -> list[tuple[str, str, str]]:
    """Who, how, and why not."""
    found = Staff(event.call.subscriber_id).recipients_of(step, event=event)
    return [(one.user.name if one.user else "", one.channel.value, (one.reason or "") and one.reason.value) for one in found]


def by_browser(who: Who, **more) -> Step:
    return Step(who=who, channel=Channel.BROWSER, **more)


def away(user: User) -> None:
    User.objects.filter(pk=user.pk).update(away_since=NOW)


def gone(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def test_a_team_is_its_members_each_once_whatever_their_lines(kontakt, english, dana, bela, sam, event):
    german = Team.objects.create(subscriber=kontakt, name="German")
    LineAccess.objects.all().delete()
    english.members.add(dana, bela)
    german.members.add(dana, sam)

    step = by_browser(Who.TEAMS, teams=(english.pk, german.pk))
    assert told(step, event) == [("Bela", "browser", ""), ("Dana", "browser", ""), ("Sam", "browser", "")]


def test_who_is_away_is_mentioned_and_who_has_left_a_team_is_not(english, dana, bela, sam, event):
    english.members.add(dana, bela, sam)
    away(dana)
    gone(sam)
    assert told(by_browser(Who.TEAMS, teams=(english.pk,)), event) == [("Bela", "browser", ""), ("Dana", "browser", "away")]


def test_who_is_named_and_has_left_is_mentioned(dana, bela, event):
    gone(bela)
    step = by_browser(Who.PEOPLE, people=(dana.pk, bela.pk))
    assert told(step, event) == [("Bela", "browser", "inactive"), ("Dana", "browser", "")]


def test_on_duty_is_who_may_send_from_the_line_and_is_not_away(kontakt, line, dana, bela, sam, ada, aron, event):
    access = LineAccess.objects.get(user=bela)
    access.can_send = False
    access.save()
    User.objects.create_user(username="nora", name="Nora", role=Role.COLLEAGUE, subscriber=kontakt)
    invited = User.objects.create(username="ivan", name="Ivan", role=Role.SUPERVISOR, subscriber=kontakt, invited_at=NOW)
    invited.set_unusable_password()
    invited.save()
    away(sam)

    step = by_browser(Who.ON_DUTY)
    assert told(step, event) == [("Ada", "browser", ""), ("Dana", "browser", ""), ("Sam", "browser", "away")]


def test_another_line_has_others_on_duty(line, sales_line, dana, bela, happens):
    LineAccess.objects.create(line=sales_line, user=bela)
    assert told(by_browser(Who.ON_DUTY), happens("missed", on=sales_line)) == [("Bela", "browser", "")]


@pytest.mark.parametrize("who", [Who.TEAMS, Who.PEOPLE, Who.ON_DUTY, Who.LAST_SPOKEN])
def test_nobody_of_another_company_and_no_auditor_ever_hears_of_it(
    who, kontakt, rival, english, aron, eve, oper, boti, line, event
):
    theirs = Team.objects.create(subscriber=rival, name="Theirs")
    theirs.members.add(eve)
    english.members.add(aron, eve)
    step = by_browser(who, teams=(theirs.pk, english.pk), people=(eve.pk, aron.pk, oper.pk))
    assert told(step, event) == [("", "browser", "nobody")]


def test_whoever_wrote_last_to_the_number_on_any_line_has_spoken_last(line, sales_line, dana, sam, boti, happens):
    def writes(person, on, minutes):
        conversation = conversation_between(line=on, contact=boti, now=NOW)
        at = NOW - timedelta(minutes=minutes)
        queue_sms(uuid=uuid.uuid4(), conversation=conversation, body="Hello", author=person, now=at)

    writes(dana, line, 9)
    assert told(by_browser(Who.LAST_SPOKEN), happens("missed")) == [("Dana", "browser", "")]
    writes(sam, sales_line, 5)
    event = happens("missed")
    assert told(by_browser(Who.LAST_SPOKEN), event) == [("Sam", "browser", "")]
    # What is written later does not change who was meant.
    writes(dana, line, -5)
    assert told(by_browser(Who.LAST_SPOKEN), event) == [("Sam", "browser", "")]
    away(sam)
    assert told(by_browser(Who.LAST_SPOKEN), event) == [("Sam", "browser", "away")]


def test_whoever_answered_them_last_has_spoken_last(dana, bela, conversation, happens):
    queue_sms(uuid=uuid.uuid4(), conversation=conversation, body="Hi", author=dana, now=NOW - timedelta(minutes=9))
    happens("answered", agent="BELA", at=NOW - timedelta(minutes=5))
    happens("answered", agent="SIP/7001", at=NOW - timedelta(minutes=4))
    assert told(by_browser(Who.LAST_SPOKEN), happens("missed")) == [("Bela", "browser", "")]


def test_an_agent_whose_name_two_people_have_is_nobody_for_sure(kontakt, dana, conversation, happens):
    for n in (1, 2):
        User.objects.create_user(username=f"kati-{n}", name="Nagy Kati", role=Role.COLLEAGUE, subscriber=kontakt)
    queue_sms(uuid=uuid.uuid4(), conversation=conversation, body="Hi", author=dana, now=NOW - timedelta(minutes=9))
    happens("answered", agent="Nagy Kati", at=NOW - timedelta(minutes=5))
    assert told(by_browser(Who.LAST_SPOKEN), happens("missed")) == [("Dana", "browser", "")]


def test_with_a_withheld_number_nobody_has_spoken(dana, happens):
    assert told(by_browser(Who.LAST_SPOKEN), happens("missed", caller="anonymous")) == [("", "browser", "nobody")]


def test_each_hears_of_it_as_they_like(dana, bela, sam, event):
    people = (dana.pk, bela.pk, sam.pk)
    User.objects.filter(pk=dana.pk).update(hears_of_calls_by=["sms", "browser", "email"], phone="+36201112233", email="d@k.hu")
    User.objects.filter(pk=bela.pk).update(hears_of_calls_by=[])
    User.objects.filter(pk=sam.pk).update(hears_of_calls_by=["sms", "email", "pigeon"], phone="", email="")

    assert told(Step(who=Who.PEOPLE, people=people), event) == [
        ("Bela", "own_choice", "chose_nothing"),
        ("Dana", "browser", ""),
        ("Dana", "email", ""),
        ("Dana", "sms", ""),
        ("Sam", "email", "no_email"),
        ("Sam", "sms", "no_phone"),
    ]


@pytest.mark.parametrize(
    ("channel", "field", "address", "without"),
    [(Channel.SMS, "phone", "+36201112233", Skipped.NO_PHONE), (Channel.EMAIL, "email", "dana@kontakt.hu", Skipped.NO_EMAIL)],
)
def test_a_way_needs_an_address(dana, event, channel, field, address, without):
    step = Step(who=Who.PEOPLE, channel=channel, people=(dana.pk,))
    User.objects.filter(pk=dana.pk).update(**{field: ""})
    [lacking] = Staff(dana.subscriber_id).recipients_of(step, event=event)
    assert (lacking.reason, lacking.is_told) == (without, False)

    User.objects.filter(pk=dana.pk).update(**{field: address})
    [there] = Staff(dana.subscriber_id).recipients_of(step, event=event)
    assert (there.address, there.is_told) == (address, True)


def test_for_many_calls_the_people_are_read_once(english, dana, bela, happens, django_assert_max_num_queries):
    english.members.add(dana, bela)
    events = [happens("missed", at=NOW + timedelta(minutes=n)) for n in range(5)]
    staff = Staff(dana.subscriber_id)
    with django_assert_max_num_queries(3):
        for event in events:
            staff.recipients_of(by_browser(Who.TEAMS, teams=(english.pk,)), event=event)
            staff.recipients_of(by_browser(Who.ON_DUTY), event=event)
