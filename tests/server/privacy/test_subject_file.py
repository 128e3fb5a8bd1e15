"""All that a company has of one person, in one file."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from openpyxl import load_workbook

from server.accounts.models import AuditEntry
from server.contacts.models import Contact
from server.history.columns import headings
from server.messaging.models import Message
from server.messaging.partners import merge_contacts
from server.privacy.holds import NotYours
from server.privacy.subject_file import EVERYTHING, SHEET, make_subject_file
from server.privacy.wishes import give_consent
from tests.conftest import BOTI, NOW


def test_it_holds_every_message_of_every_number_as_a_sheet_and_as_json(known_everywhere, ada, boti_texts):
    boti_texts("Másé", sender="+36205550001")
    with make_subject_file(contact=known_everywhere, by=ada, now=NOW) as file, zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        sheet = load_workbook(io.BytesIO(archive.read(SHEET))).worksheets[0]
        told = json.loads(archive.read(EVERYTHING))
    rows = list(sheet.iter_rows(values_only=True))
    theirs = Message.objects.filter(conversation__contact__name="Kiss Boti")
    assert list(rows[0]) == headings(timezone="Europe/Budapest")
    assert {row[-1] for row in rows[1:]} == {str(uuid) for uuid in theirs.values_list("uuid", flat=True)}
    listed = [message for conversation in told["conversations"] for message in conversation["messages"]]
    assert {message["uuid"] for message in listed} == {row[-1] for row in rows[1:]}
    assert told["contact"]["name"] == "Kiss Boti"
    assert told["contact"]["tags"] == ["VIP"]
    assert told["numbers"][0]["number"] == BOTI
    assert len(told["numbers"]) == 3
    assert told["consents"][0]["recorded_by"] == "Dana"
    assert told["opt_outs"][0]["words"] == "STOP"
    assert "Jegyzet Kiss Botiról" in [note["body"] for each in told["conversations"] for note in each["notes"]]
    assert "Másé" not in json.dumps(told, ensure_ascii=False)


def test_consents_of_who_was_merged_with_them_are_in_it(boti, kontakt, ada):
    other = Contact.objects.create(subscriber=kontakt, number="+36209990002", name="Kiss B.", created_at=NOW)
    give_consent(contact=other, purpose="Hírlevél", source="Űrlap", given_at=NOW, by=ada, now=NOW)
    merge_contacts(keep=boti, other=other, by=ada, now=NOW)
    with make_subject_file(contact=boti, by=ada, now=NOW) as file, zipfile.ZipFile(file) as archive:
        told = json.loads(archive.read(EVERYTHING))
    assert [consent["purpose"] for consent in told["consents"]] == ["Hírlevél"]


def test_it_is_written_down_and_for_administrators_only(known_everywhere, ada, sam, eve):
    for person in (sam, eve):
        with pytest.raises(NotYours):
            make_subject_file(contact=known_everywhere, by=person, now=NOW)
    make_subject_file(contact=known_everywhere, by=ada, now=NOW).close()
    entry = AuditEntry.objects.get(action="privacy.file_made")
    assert (entry.actor, entry.target) == (ada, str(known_everywhere.pk))
