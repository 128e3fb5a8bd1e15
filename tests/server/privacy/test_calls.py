"""Calls are personal, too: erased, deleted when they are too old, and told to whom they are about."""

from __future__ import annotations

import json
import uuid
import zipfile
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from server.calls.definition import Channel, Definition, Step, Trigger, Who
from server.calls.models import (
    Call,
    CallEvent,
    CallEventKind,
    CallParameter,
    CallRule,
    CallState,
    NumberUsage,
    Outcome,
    Promise,
    RuleRun,
    RuleStep,
    RuleUsage,
    Telling,
    TellingState,
)
from server.contacts.models import Contact
from server.messaging.inbound import conversation_between
from server.messaging.models import Message, Origin, Status
from server.messaging.outbound import conversation_with, queue_sms
from server.privacy.holds import place_hold
from server.privacy.models import ProviderRedaction
from server.privacy.subject_file import EVERYTHING, make_subject_file
from tests.conftest import BOTI, NOW
from tests.server.privacy.conftest import told_of_boti
from tests.server.privacy.test_retention import OLD, YOUNG, a_night, keeps_30_days  # noqa: F401

ANNAS_PHONE = "+36301112222"


@pytest.fixture
def rule(kontakt) -> CallRule:
    said = Definition(trigger=Trigger.MISSED, steps=(Step(who=Who.ON_DUTY, channel=Channel.SMS),))
    return CallRule.objects.create(subscriber=kontakt, name="Missed", definition=said.to_json(), created_at=NOW, updated_at=NOW)


def a_missed_call(line, contact, *, at=NOW, number=BOTI, rule=None, told=()) -> Call:
    """A call with a pressed key, a promise, and who was told of it: (user, message, state)."""
    conversation = conversation_between(line=line, contact=contact, now=at) if contact else None
    call = Call.objects.create(
        subscriber=line.subscriber,
        line=line,
        conversation=conversation,
        exchange_id=uuid.uuid4().hex,
        state=CallState.MISSED,
        partner=number,
        called=line.number,
        parameters={"customer": "Titkos Bt."},
        began_at=at,
        told_at=at,
    )
    for detail in ("1", "9990001"):
        CallEvent.objects.create(call=call, kind=CallEventKind.KEY, detail=detail, at=at, told_at=at)
    event = CallEvent.objects.create(call=call, kind=CallEventKind.MISSED, at=at, told_at=at, due_at=at)
    if rule is not None:
        run = RuleRun.objects.create(subscriber=line.subscriber, rule=rule, version=1, event=event, outcome=Outcome.MATCHED, at=at)
        RuleStep.objects.create(run=run, number=1, due_at=at + timedelta(minutes=10))
        for user, message, state in told:
            Telling.objects.create(
                run=run,
                step=0,
                user=user,
                channel=Channel.SMS,
                address=ANNAS_PHONE if user else number,
                subject="Kiss Boti",
                body=f"Kiss Boti {number}",
                state=state,
                message=message,
                planned_at=at,
            )
    return call


@pytest.fixture
def called(known_everywhere, line, rule, dana, kontakt) -> Call:
    """Boti has called, and dana was told of it by SMS on her own phone."""
    thread = conversation_with(line=line, number=ANNAS_PHONE, now=NOW)
    notice = queue_sms(
        uuid=uuid.uuid4(), conversation=thread, body=f"Kiss Boti {BOTI} 10:00", author=None, origin=Origin.RULE, now=NOW
    )
    Message.objects.filter(pk=notice.pk).update(
        status=Status.DELIVERED, provider_account="simulator:", provider_message_id="SIMnotice"
    )
    told = ((dana, notice, TellingState.TOLD), (None, None, TellingState.PLANNED))
    call = a_missed_call(line, known_everywhere, rule=rule, told=told)
    CallParameter.objects.create(subscriber=kontakt, name="customer", longest="Titkos Bt.", seen_at=NOW)
    NumberUsage.objects.create(subscriber=kontakt, number=BOTI, day=NOW.date(), sent_on_day=1)
    RuleUsage.objects.create(rule=rule, number=BOTI, sent_at=NOW)
    Promise.objects.create(
        subscriber=kontakt, conversation=call.conversation, call=call, made_at=NOW, due_at=NOW + timedelta(hours=1)
    )
    return call


def test_nothing_tells_who_called_any_more(called, erase_boti):
    assert any("9990001" in text for text in told_of_boti())
    erasure = erase_boti()
    assert told_of_boti() == []
    assert erasure.counts["calls"] == 1
    called.refresh_from_db()
    assert called.partner.startswith("erased:")
    assert called.state == CallState.MISSED
    assert called.events.count() == 3


def test_an_exchange_s_name_of_the_call_does_not_tell_who_called_either(called, erase_boti):
    Call.objects.update(exchange_id=f"in-06309990001-{NOW:%H%M}")
    erase_boti()
    called.refresh_from_db()
    assert called.exchange_id == f"erased-{called.pk}"


def test_who_erases_and_who_tells_lock_rows_in_the_same_order(called, erase_boti):
    with CaptureQueriesContext(connection) as asked:
        erase_boti()
    said = [query["sql"] for query in asked.captured_queries]
    began = next(n for n, sql in enumerate(said) if sql.startswith('UPDATE "messaging_message"') and "words" in sql)

    def first(words: str) -> int:
        return next(n for n, sql in enumerate(said) if n > began and sql.startswith(words))

    of_calls = ['DELETE FROM "calls_numberusage"', 'UPDATE "calls_callevent"', 'UPDATE "calls_rulestep"', 'UPDATE "calls_telling"']
    places = [first(words) for words in ('SELECT "messaging_conversation"."id" AS', *of_calls)]
    assert places == sorted(places)


def test_what_our_own_people_were_told_of_it_goes_at_the_provider_too(called, erase_boti):
    erase_boti()
    assert Telling.objects.get(user__isnull=False).message.body == ""
    assert ProviderRedaction.objects.filter(provider_message_id="SIMnotice").exists()
    # Her own number is nobody else's.
    assert Contact.objects.filter(number=ANNAS_PHONE).exists()


def test_nothing_more_goes_out_because_of_it(called, erase_boti):
    erase_boti()
    assert not CallEvent.objects.filter(due_at__isnull=False).exists()
    assert not RuleStep.objects.filter(due_at__isnull=False).exists()
    assert Telling.objects.get(user=None).state == TellingState.SKIPPED
    assert not Promise.objects.filter(kept_at=None).exists()


def test_calls_of_that_age_go_and_younger_ones_keep_their_thread(keeps_30_days, line, boti, rule, rival_line):  # noqa: F811
    a_missed_call(line, boti, at=OLD, rule=rule, told=((None, None, TellingState.TOLD),))
    nobody = a_missed_call(line, None, at=OLD, number="")
    young = a_missed_call(line, boti, at=YOUNG)
    others = a_missed_call(rival_line, None, at=OLD, number="")
    run = a_night()
    assert set(Call.objects.all()) == {young, others}
    assert not Telling.objects.exists()
    assert not Call.objects.filter(pk=nobody.pk).exists()
    assert run.counts["calls"] == 2


def test_calls_on_legal_hold_stay(keeps_30_days, line, boti, ada):  # noqa: F811
    held = a_missed_call(line, boti, at=OLD)
    place_hold(subscriber=boti.subscriber, contact=boti, reason="per", by=ada, now=NOW)
    a_night()
    assert Call.objects.filter(pk=held.pk).exists()


def test_the_file_for_the_person_tells_of_calls(called, known_everywhere, ada):
    with make_subject_file(contact=known_everywhere, by=ada, now=NOW) as file, zipfile.ZipFile(file) as archive:
        told = json.loads(archive.read(EVERYTHING))
    (call,) = [call for each in told["conversations"] for call in each["calls"]]
    assert (call["state"], call["partner"], call["parameters"]) == ("missed", BOTI, {"customer": "Titkos Bt."})
    assert {one["who"] for one in call["told"]} == {"the caller", "a colleague"}
    assert ANNAS_PHONE not in json.dumps(call)
