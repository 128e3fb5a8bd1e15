"""The number of an event locks the company's row: whoever has it waits for no other row, or two wait for each other for ever."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from server.calls.promises import open_promise
from server.calls.recording import Told, record_call_event
from server.contacts.entries import Facts
from server.contacts.models import Contact
from server.contacts.optout import opt_out
from server.events.models import Event
from server.lines.models import Line
from server.messaging.conversations import assign_conversation
from server.messaging.inbound import conversation_between
from server.messaging.outbound import queue_sms
from server.messaging.partners import (
    block_sender,
    forget_entry,
    merge_contacts,
    save_entry,
    separate_number,
    unblock_sender,
)
from server.messaging.sending import claim_next, give_back, hold_line, hold_messages, release_line
from server.messaging.staffing import deactivate_person
from tests.conftest import BOTI, NOW

SECOND, UNUSED = "+36209990002", "+36209990003"
_NUMBER = "UPDATE accounts_subscriber SET last_event"
_LOCKS = re.compile(r"UPDATE|DELETE|SELECT .* FOR (NO KEY )?UPDATE", re.DOTALL)


def transactions(statements: list[str]) -> Iterator[list[str]]:
    """The statements of each outermost transaction, which is a savepoint in a test."""
    depth, current = 0, []
    for statement in statements:
        if statement.startswith(("SAVEPOINT", "BEGIN")):
            depth += 1
        elif statement.startswith(("RELEASE", "COMMIT")):
            depth -= 1
            if not depth:
                yield current
                current = []
        else:
            current.append(statement)
    yield current


def locked_after_its_number(statements: list[str]) -> list[str]:
    numbered = [place for place, statement in enumerate(statements) if statement.startswith(_NUMBER)]
    later = statements[numbered[0] :] if numbered else []
    return [statement for statement in later if _LOCKS.match(statement) and not statement.startswith(_NUMBER)]


@pytest.fixture
def entry(boti, boti_texts, kontakt, line, sales_line) -> Contact:
    """Boti with three numbers, one of which was never used."""
    for number, to in ((BOTI, line), (SECOND, line), (BOTI, sales_line)):
        boti_texts("Szia", sender=number, to=to)
    return save_entry(
        subscriber=kontakt, entry=boti, facts=Facts(name="Kiss Boti", numbers=[BOTI, SECOND, UNUSED], tags=["VIP"]), now=NOW
    )


def unblocked(entry, by):
    block_sender(entry=entry, by=by, now=NOW)
    unblock_sender(entry=entry, by=by, now=NOW)


def stopped_at_the_last_moment(entry, by):
    line = Line.objects.get(label=by.subscriber.lines.order_by("pk").first().label)
    Line.objects.filter(pk=line.pk).update(per_day=10, per_minute=10)
    thread = conversation_between(line=line, contact=entry, now=NOW)
    queue_sms(uuid=uuid.uuid4(), conversation=thread, body="Jövünk", author=None, now=NOW)
    opt_out(line=line, number=BOTI, source="sms", at=NOW)
    assert claim_next(by="one", now=NOW) is None


def given_back_held_and_released(entry, by):
    line = by.subscriber.lines.order_by("pk").first()
    Line.objects.filter(pk=line.pk).update(per_day=10, per_minute=10)
    thread = conversation_between(line=line, contact=entry, now=NOW)
    queue_sms(uuid=uuid.uuid4(), conversation=thread, body="Jövünk", author=None, now=NOW)
    give_back(message=claim_next(by="one", now=NOW), until=NOW, now=NOW)
    message = claim_next(by="one", now=NOW)
    hold_line(line=line, reason="no", now=NOW)
    hold_messages(message=message, now=NOW)
    release_line(line=line, now=NOW)


def let_go(entry, by):
    thread = entry.conversations.first()
    person = by.subscriber.users.get(username="sam")
    assign_conversation(conversation=thread, to=person, by=by, now=NOW)
    deactivate_person(person=person, by=by, now=NOW)


def called(entry, by):
    line = by.subscriber.lines.order_by("pk").first()
    for kind, minutes in (("missed", 0), ("key", 1), ("answered", 2)):
        at = NOW + timedelta(minutes=minutes)
        told = Told(exchange_id=kind, kind=kind, at=at, caller=BOTI, key="1" if kind == "key" else "", parameters={"shop": "Pécs"})
        with transaction.atomic():
            recorded = record_call_event(line=line, told=told, now=at)
        if kind == "missed":
            open_promise(call=recorded.call, rule=None, due_at=NOW + timedelta(hours=1), now=NOW)


@pytest.mark.parametrize(
    "deed",
    [
        called,
        unblocked,
        stopped_at_the_last_moment,
        given_back_held_and_released,
        let_go,
        lambda entry, by: forget_entry(entry=entry, by=by, now=NOW),
        lambda entry, by: separate_number(number=Contact.objects.get(number=SECOND), by=by, now=NOW),
        lambda entry, by: save_entry(subscriber=by.subscriber, entry=entry, facts=Facts(name="K", numbers=[SECOND]), now=NOW),
        lambda entry, by: merge_contacts(
            keep=Contact.objects.create(subscriber=by.subscriber, number="+36209990004", name="Pál", created_at=NOW),
            other=entry,
            by=by,
            now=NOW,
        ),
    ],
)
def test_nothing_else_is_locked_after_the_number_of_an_event(deed, entry, ada, sam):
    before = Event.objects.count()
    with CaptureQueriesContext(
        connection,
    ) as captured:
        deed(entry, ada)
    assert Event.objects.count() > before
    for statements in transactions([query["sql"] for query in captured]):
        assert locked_after_its_number(statements) == []
