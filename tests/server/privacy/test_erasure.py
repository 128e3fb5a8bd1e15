"""One person is erased: from every table, though not the fact that there was somebody."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from server.accounts.models import AuditEntry
from server.contacts.models import Contact, OptOut
from server.contacts.optout import opt_out_in_force
from server.events.models import Event, Kind
from server.history.models import Export, ExportStatus, SavedFilter
from server.messaging.models import Activity, Draft, Message, Note, Status
from server.messaging.outbound import OptedOut, conversation_with, queue_sms
from server.privacy.erasing import (
    AlreadyErased,
    AlreadyErasing,
    AskedHow,
    NotConfirmed,
    NotYours,
    OnLegalHold,
    erase,
    request_erasure,
)
from server.privacy.holds import place_hold
from server.privacy.models import Erasure, ErasureState
from tests.conftest import BOTI, NOW
from tests.server.privacy.conftest import SECOND, THIRD, told_of_boti


def test_nothing_in_the_database_tells_who_it_was(erase_boti):
    assert len(told_of_boti()) > 20
    erasure = erase_boti()
    assert erasure.state == ErasureState.FINISHED
    assert told_of_boti() == []


def test_the_messages_are_still_there_without_their_words(erase_boti):
    before = set(Message.objects.values_list("uuid", "direction", "created_at"))
    erase_boti()
    assert set(Message.objects.values_list("uuid", "direction", "created_at")) == before
    assert {(m.body, m.words, tuple(m.media)) for m in Message.objects.all()} == {("", "", ())}
    assert not Message.objects.filter(redacted_at=None).exists()
    assert Note.objects.get().body == ""
    assert not Draft.objects.exists()
    assert Activity.objects.exists()


def test_all_numbers_of_the_entry_become_hashes_of_their_own(erase_boti, kontakt):
    erase_boti()
    numbers = list(Contact.objects.filter(subscriber=kontakt).values_list("number", flat=True))
    assert len(set(numbers)) == 3
    assert all(number.startswith("erased:") and len(number) == 20 for number in numbers)
    contact = Contact.objects.get(main=None)
    assert (contact.name, contact.company, contact.note, contact.emails, contact.tags.count()) == ("", "", "", [], 0)
    assert contact.erased_at
    assert not contact.consents.exists()
    assert "tel" not in contact.words


def test_what_was_waiting_is_not_sent(erase_boti):
    erase_boti()
    assert not Message.objects.filter(status=Status.QUEUED).exists()
    assert Message.objects.get(status=Status.FAILED).reason == "erased"


def test_a_wish_to_be_left_alone_outlives_the_person(erase_boti, sales_line, line, dana):
    erase_boti()
    assert OptOut.objects.get().number.startswith("erased:")
    assert opt_out_in_force(line=sales_line, number=THIRD)
    assert not opt_out_in_force(line=line, number=THIRD)
    conversation = conversation_with(line=sales_line, number=THIRD, now=NOW)
    with pytest.raises(OptedOut):
        queue_sms(uuid=uuid.uuid4(), conversation=conversation, body="Szia", author=None, now=NOW)


def test_who_writes_again_is_somebody_new(erase_boti, boti_texts, kontakt):
    erase_boti()
    message = boti_texts("Újra itt")
    contact = message.conversation.contact
    assert (contact.number, contact.name, contact.erased_at) == (BOTI, "", None)
    assert message.body == "Újra itt"
    assert message.conversation.messages.count() == 1


def test_who_is_erased_again_leaves_another_hash(erase_boti, boti_texts, sales_line, ada):
    erase_boti()
    boti_texts("stop", sender=THIRD, to=sales_line)
    again = Contact.objects.get(number=THIRD)
    second = request_erasure(contact=again, asked_how=AskedHow.PHONE, typed="0003", by=ada, now=NOW)
    erase(erasure_id=second.pk)
    assert told_of_boti() == []
    assert Contact.objects.filter(erased_at__isnull=False).count() == 4
    assert opt_out_in_force(line=sales_line, number=THIRD)


def test_files_that_may_hold_it_are_taken_back_and_filters_that_name_it_go(erase_boti):
    erase_boti()
    assert Export.objects.get().status == ExportStatus.EXPIRED
    assert "name" not in Export.objects.get().values
    assert not SavedFilter.objects.exists()


def test_what_was_done_is_in_the_audit_log_and_every_screen_is_told(erase_boti, ada):
    erasure = erase_boti()
    entry = AuditEntry.objects.filter(action="erasure.finished").get()
    assert (entry.actor, entry.target) == (ada, str(erasure.uuid))
    assert AuditEntry.objects.filter(action="erasure.requested", actor=ada).count() == 1
    assert Event.objects.order_by("-number").first().kind == Kind.PHONEBOOK_CHANGED


def test_it_is_written_down_which_messages_and_what_the_provider_was_asked(erase_boti):
    erasure = erase_boti()
    assert {row.uuid for row in erasure.messages.all()} == {message.uuid for message in Message.objects.all()}
    asked = set(erasure.redactions.values_list("provider_message_id", flat=True))
    assert {"SIMout0", "SIMout1", "SIMout2", "SIMold0", "SIMold1", "SIMold2"} <= asked
    assert len(asked) == 6 + 5
    assert erasure.redactions.filter(has_media=True).count() == 6
    assert erasure.counts["numbers"] == 3
    assert erasure.counts["notes"] == 1
    assert erasure.counts["drafts"] == 1


@pytest.mark.parametrize("typed", ["", "0002", "9990001", "001", "00001"])
def test_the_last_four_digits_must_be_typed(typed, known_everywhere, ada):
    with pytest.raises(NotConfirmed):
        request_erasure(contact=known_everywhere, asked_how=AskedHow.LETTER, typed=typed, by=ada, now=NOW)
    assert not Erasure.objects.exists()


def test_only_an_administrator_of_the_company(known_everywhere, sam, dana, eve):
    for person in (sam, dana, eve):
        with pytest.raises(NotYours):
            request_erasure(contact=known_everywhere, asked_how=AskedHow.LETTER, typed="0001", by=person, now=NOW)


def test_asked_for_twice_it_is_done_once(known_everywhere, ada, erase_boti):
    first = request_erasure(contact=known_everywhere, asked_how=AskedHow.LETTER, typed="0001", by=ada, now=NOW)
    with pytest.raises(AlreadyErasing) as refusal:
        request_erasure(contact=known_everywhere, asked_how=AskedHow.LETTER, typed="0001", by=ada, now=NOW)
    assert refusal.value.erasure == first
    erase(erasure_id=first.pk)
    erase(erasure_id=first.pk)
    assert AuditEntry.objects.filter(action="erasure.finished").count() == 1
    with pytest.raises(AlreadyErased):
        request_erasure(contact=known_everywhere, asked_how=AskedHow.LETTER, typed="0001", by=ada, now=NOW)


@pytest.mark.parametrize("whom", ["person", "another number", "company"])
def test_a_legal_hold_refuses_it(whom, known_everywhere, kontakt, ada):
    of = {"person": known_everywhere, "another number": Contact.objects.get(number=SECOND), "company": None}[whom]
    place_hold(subscriber=kontakt, contact=of, reason="Per", by=ada, now=NOW)
    with pytest.raises(OnLegalHold):
        request_erasure(contact=known_everywhere, asked_how=AskedHow.LETTER, typed="0001", by=ada, now=NOW)


def test_a_message_on_its_way_is_waited_for(known_everywhere, erase_boti):
    on_its_way = Message.objects.get(status=Status.QUEUED)
    Message.objects.filter(pk=on_its_way.pk).update(status=Status.SENDING, attempts=1)
    erasure = erase_boti(now=timezone.now())
    assert erasure.state == ErasureState.SETTLING
    on_its_way.refresh_from_db()
    assert on_its_way.body == "Titkos, még nem ment el"
    assert Message.objects.filter(redacted_at=None).count() == 1
    Message.objects.filter(pk=on_its_way.pk).update(
        status=Status.SENT, provider_account="simulator:", provider_message_id="SIMlate"
    )
    erase(erasure_id=erasure.pk)
    erasure.refresh_from_db()
    assert erasure.state == ErasureState.FINISHED
    assert erasure.redactions.filter(provider_message_id="SIMlate").exists()
    assert told_of_boti() == []


def test_a_message_of_which_nobody_hears_is_not_waited_for_for_ever(known_everywhere, erase_boti):
    Message.objects.filter(status=Status.QUEUED).update(status=Status.UNCONFIRMED, attempts=1)
    assert erase_boti(now=NOW - timedelta(days=1)).state == ErasureState.FINISHED
    assert told_of_boti() == []
