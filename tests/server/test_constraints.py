"""The promises that the database keeps, each broken once."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from server.accounts.models import Activation, ClosedDay, Role, Service, ServiceRequest, Subscriber, Team, User
from server.contacts.models import Consent, Contact, ContactImport, ImportedContact, ImportState, OptOut, Tag
from server.events.models import Event, Kind
from server.lines.models import Line, LineAccess
from server.messaging.models import CannedText, Conversation, DeliveryReport, Direction, Draft, Message, ReadMarker, Status
from tests.conftest import NOW

ROOMS = ("accounts", "events", "lines", "contacts", "messaging")
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
