"""A company that saves accents: texts go out without them, unless their writer keeps those of one text."""

from __future__ import annotations

import uuid

import pytest
from django.utils.timezone import now

from server import sms
from server.messaging.conversations import save_draft
from server.messaging.models import Draft, Message
from tests.doors import HTMX, Browser


@pytest.fixture
def saving(kontakt):
    kontakt.saves_accents = True
    kontakt.save(update_fields=["saves_accents"])
    return kontakt


@pytest.fixture
def hers(dana):
    return Browser(dana)


def sent() -> str:
    return Message.objects.outbound().get().body


@pytest.mark.parametrize(
    ("written", "goes_out"),
    [
        ("Jövő kedden várjuk Önt!", "Jövö kedden varjuk Önt!"),
        ("„Kész” – jöhet…", '"Kész" - jöhet...'),
        ("Már kész 🙂", "Már kész 🙂"),
        ("Привет, ágnes", "Привет, ágnes"),
        ("Nothing to lose {}", "Nothing to lose {}"),
        ("", ""),
    ],
)
def test_accents_are_saved_where_that_makes_the_text_cheaper(written, goes_out):
    assert sms.saving_accents(written) == goes_out
    assert sms.saving_accents(goes_out) == goes_out


def test_a_text_goes_out_without_accents(hers, saving, conversation):
    page = hers.get(f"/conversations/{conversation.pk}/").text
    assert "Goes out without accents" in page
    hers.send(conversation, "Jó napot, várjuk!")
    message = Message.objects.outbound().get()
    assert (message.body, message.encoding) == ("Jo napot, varjuk!", "GSM-7")


def test_the_writer_keeps_the_accents_of_one_text(hers, saving, conversation):
    hers.send(conversation, "Jó napot!", keeps_accents="1")
    assert sent() == "Jó napot!"


def test_without_scripts_it_is_the_same(hers, saving, conversation):
    hers.post(f"/conversations/{conversation.pk}/send/", {"uuid": uuid.uuid4(), "body": "Jó napot!"})
    assert sent() == "Jo napot!"


def test_elsewhere_a_text_goes_out_as_it_is_written(hers, kontakt, conversation):
    assert "Goes out without accents" not in hers.get(f"/conversations/{conversation.pk}/").text
    hers.send(conversation, "Jó napot!")
    assert sent() == "Jó napot!"


def test_a_note_keeps_its_accents(hers, saving, conversation):
    hers.say(f"/conversations/{conversation.pk}/note/", uuid=uuid.uuid4(), body="Jó vevő")
    assert conversation.notes.get().body == "Jó vevő"


@pytest.mark.parametrize(("keeps", "goes_out"), [({}, "Jo napot!"), ({"keeps_accents": "1"}, "Jó napot!")])
def test_the_new_message_does_so_too(hers, saving, line, keeps, goes_out):
    form = {"uuid": uuid.uuid4(), "to": "06301234567", "line": line.pk, "body": "Jó napot!"} | keeps
    assert "Goes out without accents" in hers.get("/messages/new/", headers=HTMX).text
    assert hers.post("/messages/new/", form).status_code == 302
    assert sent() == goes_out


def test_a_refused_new_message_keeps_the_choice(hers, saving, line):
    form = {"uuid": uuid.uuid4(), "to": "12", "line": line.pk, "body": "Jó napot!", "keeps_accents": "1"}
    assert 'value="1" checked> Keep the accents' in hers.post("/messages/new/", form).text


def test_the_same_post_again_is_the_same_message_whatever_the_company_decided_meanwhile(hers, saving, kontakt, conversation):
    token = uuid.uuid4()
    for saves in (True, False, True):
        kontakt.saves_accents = saves
        kontakt.save(update_fields=["saves_accents"])
        assert hers.send(conversation, "Jó napot!", uuid=token).status_code == 200
    assert sent() == "Jo napot!"


def test_another_text_by_the_same_uuid_is_still_refused(hers, saving, conversation):
    token = uuid.uuid4()
    hers.send(conversation, "Jó napot!", uuid=token)
    assert hers.send(conversation, "Jó estét!", uuid=token).status_code == 422
    assert sent() == "Jo napot!"


def test_a_draft_that_comes_late_is_known_as_what_was_sent(hers, saving, dana, conversation):
    hers.send(conversation, "Jó napot!")
    save_draft(conversation=conversation, by=dana, body="Jó napot!", now=now())
    assert not Draft.objects.exists()
    save_draft(conversation=conversation, by=dana, body="Jó estét!", now=now())
    assert Draft.objects.get().body == "Jó estét!"
