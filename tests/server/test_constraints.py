"""The promises that the database keeps, each broken once."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from server.accounts.models import Activation, ClosedDay, Role, Service, ServiceRequest, Subscriber, Team, User
from server.calls.models import (
    Call,
    CallEvent,
    CallFlow,
    CallLogic,
    CallParameter,
    CallRule,
    MessageNode,
    NumberUsage,
    Promise,
    RuleRun,
    RuleStep,
    RuleUsage,
    RuleVersion,
    Telling,
)
from server.contacts.models import Consent, Contact, ContactImport, ImportedContact, ImportState, OptOut, Tag
from server.events.models import Event, Kind
from server.lines.models import Line, LineAccess
from server.messaging.models import CannedText, Conversation, DeliveryReport, Direction, Draft, Message, ReadMarker, Status
from tests.conftest import NOW

ROOMS = ("accounts", "events", "lines", "contacts", "messaging", "calls")
BREAKERS: dict[str, Callable[..., object]] = {}


def breaks(name: str):
    def register(breaker):
        BREAKERS[name] = breaker
        return breaker

    return register


@pytest.fixture
def house(kontakt, line, dana, boti, conversation):
    return {"subscriber": kontakt, "line": line, "user": dana, "contact": boti, "conversation": conversation}


def twice(model, **values):
    for _ in range(2):
        model.objects.create(**values)


def message(house, **values):
    said = {"line": house["line"], "direction": Direction.OUT, "status": Status.QUEUED, "body": "Szia!", "created_at": NOW}
    return Message.objects.create(subscriber=house["subscriber"], conversation=house["conversation"], **{**said, **values})


@breaks("chat_needs_sms")
def _(house):
    Activation.objects.update(sms_since=None, chat_since=NOW)


@breaks("one_team_per_name")
def _(house):
    twice(Team, subscriber=house["subscriber"], name="Support")


@breaks("only_operators_have_no_subscriber")
def _(house):
    User.objects.create(username="lost", role=Role.COLLEAGUE, subscriber=None)


@breaks("one_event_per_number")
def _(house):
    twice(Event, subscriber=house["subscriber"], number=1, kind=Kind.READ, at=NOW)


@breaks("one_line_per_provider_number")
def _(house):
    Line.objects.create(subscriber=house["subscriber"], provider=house["line"].provider, number=house["line"].number, label="Again")


@breaks("one_access_per_line_and_user")
def _(house):
    LineAccess.objects.create(line=house["line"], user=house["user"])


@breaks("one_contact_per_number")
def _(house):
    Contact.objects.create(subscriber=house["subscriber"], number=house["contact"].number, created_at=NOW)


@breaks("one_opt_out_in_force")
def _(house):
    twice(OptOut, line=house["line"], number="+36309990001", source="sms", opted_out_at=NOW)


@breaks("one_open_request_per_service")
def _(house):
    asked = {"subscriber": house["subscriber"], "requested_by": house["user"], "requested_at": NOW}
    twice(ServiceRequest, service=Service.SMS, **asked)


@breaks("one_closed_day_per_date")
def _(house):
    twice(ClosedDay, subscriber=house["subscriber"], day=NOW.date())


@breaks("one_tag_per_name")
def _(house):
    twice(Tag, subscriber=house["subscriber"], name="VIP")


@breaks("one_consent_in_force_per_purpose")
def _(house):
    twice(Consent, contact=house["contact"], purpose="Hírlevél", source="űrlap", given_at=NOW)


def contact_import(house, **values):
    return ContactImport.objects.create(subscriber=house["subscriber"], user=house["user"], created_at=NOW, **values)


@breaks("one_import_at_a_time_per_subscriber")
def _(house):
    contact_import(house, state=ImportState.RUNNING)
    contact_import(house, state=ImportState.UNDOING)


@breaks("one_imported_contact_per_import")
def _(house):
    twice(ImportedContact, source=contact_import(house), contact=house["contact"])


@breaks("one_conversation_per_contact")
def _(house):
    values = {name: house[name] for name in ("subscriber", "line", "contact")}
    Conversation.objects.create(**values, latest_at=NOW, created_at=NOW)


@breaks("one_message_per_provider_id")
def _(house):
    for _ in range(2):
        message(house, provider_account="simulator:", provider_message_id="SM1")


@breaks("only_inbound_is_received")
def _(house):
    message(house, status=Status.RECEIVED)


@breaks("outbound_has_a_body")
def _(house):
    message(house, body="")


@breaks("one_report_per_status")
def _(house):
    twice(DeliveryReport, message=message(house), status=Status.SENT, provider_status="sent", received_at=NOW)


@breaks("one_marker_per_reader")
def _(house):
    twice(ReadMarker, conversation=house["conversation"], user=house["user"])


@breaks("one_draft_per_writer")
def _(house):
    twice(Draft, conversation=house["conversation"], user=house["user"], body="Jö", updated_at=NOW)


@breaks("one_shared_canned_text_per_title")
def _(house):
    twice(CannedText, subscriber=house["subscriber"], title="Jó napot", body="Jó napot!", updated_at=NOW)


@breaks("one_own_canned_text_per_title")
def _(house):
    twice(CannedText, subscriber=house["subscriber"], owner=house["user"], title="Jó napot", body="Jó napot!", updated_at=NOW)


@breaks("canned_text_has_title_and_body")
def _(house):
    CannedText.objects.create(subscriber=house["subscriber"], title="", body="Jó napot!", updated_at=NOW)


@breaks("canned_text_of_1000_characters_at_most")
def _(house):
    CannedText.objects.create(subscriber=house["subscriber"], title="Hosszú", body="a" * 1001, updated_at=NOW)


def call(house, **values):
    said = {"exchange_id": uuid.uuid4().hex, "state": "missed", "began_at": NOW, "told_at": NOW}
    return Call.objects.create(subscriber=house["subscriber"], line=house["line"], **said | values)


def rule(house, **values):
    said = {"name": "Missed", "definition": {"trigger": "missed"}, "created_at": NOW, "updated_at": NOW}
    return CallRule.objects.create(subscriber=house["subscriber"], **said | values)


def run(house):
    event = CallEvent.objects.create(call=call(house), kind="missed", at=NOW, told_at=NOW)
    return RuleRun.objects.create(
        subscriber=house["subscriber"], rule=rule(house), version=1, event=event, outcome="matched", at=NOW
    )


@breaks("one_call_per_id")
def _(house):
    for _ in range(2):
        call(house, exchange_id="c1")


@breaks("only_answered_calls_were_answered")
def _(house):
    call(house, answered_at=NOW)


@breaks("one_call_event_per_kind")
def _(house):
    twice(CallEvent, call=call(house), kind="key", detail="1", at=NOW, told_at=NOW)


@breaks("one_call_parameter_per_name")
def _(house):
    twice(CallParameter, subscriber=house["subscriber"], name="order", seen_at=NOW)


@breaks("rings_5_to_60_seconds")
def _(house):
    CallFlow.objects.create(line=house["line"], ring_seconds=61, updated_at=NOW)


@breaks("one_open_promise_per_conversation")
def _(house):
    said = {"subscriber": house["subscriber"], "conversation": house["conversation"], "call": call(house)}
    twice(Promise, **said, made_at=NOW, due_at=NOW)


@breaks("one_to_ten_automatic_texts_a_day")
def _(house):
    CallLogic.objects.create(subscriber=house["subscriber"], per_number_per_day=11)


@breaks("colleagues_get_1_to_500_automatic_texts")
def _(house):
    CallLogic.objects.create(subscriber=house["subscriber"], per_colleague_per_day=0)


@breaks("automatic_texts_1_to_600_a_minute")
def _(house):
    CallLogic.objects.create(subscriber=house["subscriber"], per_minute=0)


@breaks("automatic_texts_1_to_20000_a_day")
def _(house):
    CallLogic.objects.create(subscriber=house["subscriber"], per_day=20_001)


@breaks("one_message_node_per_name")
def _(house):
    twice(MessageNode, subscriber=house["subscriber"], name="Closed", created_at=NOW)


@breaks("call_rule_has_a_name")
def _(house):
    rule(house, name="")


@breaks("one_rule_version_per_number")
def _(house):
    twice(RuleVersion, rule=rule(house), number=1, name="Missed", definition={}, is_active=True, at=NOW)


@breaks("one_run_per_rule_and_event")
def _(house):
    first = run(house)
    RuleRun.objects.create(
        subscriber=first.subscriber, rule=first.rule, version=2, event=first.event, outcome="not_matched", at=NOW
    )


@breaks("one_rule_step_per_number")
def _(house):
    twice(RuleStep, run=run(house), number=0)


@breaks("a_person_is_told_once")
def _(house):
    twice(Telling, run=run(house), step=0, user=house["user"], channel="email", planned_at=NOW)


@breaks("the_caller_is_told_once")
def _(house):
    twice(Telling, run=run(house), step=0, channel="sms", planned_at=NOW)


@breaks("who_is_skipped_knows_why")
def _(house):
    Telling.objects.create(run=run(house), step=0, channel="sms", state="skipped", planned_at=NOW)


@breaks("one_usage_per_number")
def _(house):
    twice(NumberUsage, subscriber=house["subscriber"], number="+36309990001", day=NOW.date())


@breaks("one_usage_per_rule_and_number")
def _(house):
    twice(RuleUsage, rule=rule(house), number="+36309990001", sent_at=NOW)


def constraints_of_the_house() -> set[str]:
    return {
        constraint.name
        for room in ROOMS
        for model in apps.get_app_config(room).get_models()
        for constraint in model._meta.constraints
    }


def test_every_named_constraint_is_broken_below():
    assert set(BREAKERS) == constraints_of_the_house()


@pytest.mark.parametrize("name", BREAKERS)
def test_the_database_keeps_its_promise(name, house):
    with pytest.raises(IntegrityError) as broken, transaction.atomic():
        BREAKERS[name](house)
    fields = next(
        c for room in ROOMS for m in apps.get_app_config(room).get_models() for c in m._meta.constraints if c.name == name
    )
    # PostgreSQL names the constraint; SQLite names a CHECK, and of a unique one only the columns.
    assert name in str(broken.value) or all(field in str(broken.value) for field in getattr(fields, "fields", (name,)))


@pytest.mark.parametrize("status", [Status.QUEUED, Status.SENT])
def test_an_inbound_message_is_nothing_but_received(house, status):
    with pytest.raises(IntegrityError), transaction.atomic():
        message(house, direction=Direction.IN, status=status)


def test_messages_without_a_providers_id_do_not_clash(house):
    assert message(house) != message(house)


def test_a_new_opt_out_may_follow_an_ended_one(house):
    for ended_at in (NOW, None):
        OptOut.objects.create(line=house["line"], number="+36309990001", source="sms", opted_out_at=NOW, ended_at=ended_at)
    assert OptOut.objects.count() == 2


def test_a_uuid_or_a_lines_key_is_never_given_twice(house, sales_line):
    first = message(house)
    with pytest.raises(IntegrityError), transaction.atomic():
        message(house, uuid=first.uuid)
    with pytest.raises(IntegrityError), transaction.atomic():
        Line.objects.filter(pk=sales_line.pk).update(key=house["line"].key)
    assert uuid.UUID(str(first.uuid))


def test_a_subscribers_slug_is_its_own(house):
    with pytest.raises(IntegrityError), transaction.atomic():
        Subscriber.objects.create(name="Other", slug=house["subscriber"].slug)


def test_after_a_promise_was_kept_another_may_be_open(house):
    made = {"subscriber": house["subscriber"], "conversation": house["conversation"], "made_at": NOW, "due_at": NOW}
    for kept_at in (NOW, NOW, None):
        Promise.objects.create(**made, call=call(house), kept_at=kept_at)
    assert Promise.objects.count() == 3
