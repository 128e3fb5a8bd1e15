"""Writing in a thread: texts, notes, drafts, and what did not go out."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from server.contacts.optout import opt_out
from server.lines.models import LineAccess
from server.messaging.inbound import receive_sms
from server.messaging.models import Draft, Message, Note, Status
from tests.conftest import NOW
from tests.doors import Browser, entries_in

LONG = "Hosszú történet következik. " * 60


@pytest.fixture
def thread(boti_texts):
    """Boti's conversation, with a text in it."""
    return boti_texts("Szia").conversation


@pytest.fixture
def dana_browser(dana, line):
    return Browser(dana)


@pytest.fixture
def failed(dana_browser, thread):
    """A text of dana's that the provider refused."""
    dana_browser.send(thread, "Jövünk!")
    message = Message.objects.get(body="Jövünk!")
    Message.objects.filter(pk=message.pk).update(status=Status.FAILED, reason="other")
    return message


def drafts() -> list[str]:
    return list(Draft.objects.values_list("body", flat=True))


def sent() -> list[str]:
    return list(Message.objects.outbound().order_by("pk").values_list("body", flat=True))


def at(conversation, verb: str) -> str:
    return f"/conversations/{conversation.pk}/{verb}/"


# --- Sending --------------------------------------------------------------------------------------
def test_a_text_is_queued_and_answered_with_its_bubble(dana_browser, thread):
    token = uuid.uuid4()
    answer = dana_browser.send(thread, "Jövünk!", uuid=token)
    assert answer.status_code == 200
    assert entries_in(answer) == [str(token)]
    assert f'id="row-{thread.pk}"' in answer.text
    assert Message.objects.get(uuid=token).status == Status.QUEUED


def test_ten_posts_of_one_text_are_one_message(dana_browser, thread):
    token = uuid.uuid4()
    answers = [dana_browser.send(thread, "Jövünk!", uuid=token) for _ in range(10)]
    assert {answer.status_code for answer in answers} == {200}
    assert sent() == ["Jövünk!"]


def test_without_scripts_sending_leads_back_to_the_thread(dana_browser, thread):
    answer = dana_browser.post(at(thread, "send"), {"uuid": uuid.uuid4(), "body": "Jövünk!"})
    assert (answer.status_code, answer.url) == (302, f"/conversations/{thread.pk}/")
    assert "Jövünk!" in dana_browser.get(answer.url).text


@pytest.mark.parametrize("token", ["", "abc", "-1", "99999999999999999999", "\x00", "{}"])
def test_a_page_without_a_proper_uuid_is_out_of_date_and_keeps_the_text(dana_browser, thread, token):
    answer = dana_browser.send(thread, "Jövünk!", uuid=token)
    assert answer.status_code == 400
    assert "the page is out of date" in answer.text
    assert sent() == []
    assert drafts() == ["Jövünk!"]
    assert dana_browser.post(at(thread, "note"), {"uuid": token, "body": "x"}, headers={"X-Fonal": "frames"}).status_code == 400


@pytest.mark.parametrize("body", ["", "   ", "\n\r\n", "\t"])
def test_nothing_is_not_sent(dana_browser, thread, body):
    answer = dana_browser.send(thread, body)
    assert answer.status_code == 422
    assert "nothing to send" in answer.text
    assert sent() == []


@pytest.mark.parametrize("body", [LONG, "á" * 700, "x" * 5000, "🙂" * 4001], ids=["prose", "accents", "plain", "emoji"])
def test_more_than_ten_segments_are_refused_in_plain_words_and_kept(dana_browser, thread, body):
    answer = dana_browser.send(thread, body)
    assert answer.status_code == 422
    assert "10 at most. Your text is saved" in answer.text
    assert drafts() == [body[:4000]]
    assert body[:200] in dana_browser.get(f"/conversations/{thread.pk}/").text


@pytest.mark.parametrize(
    ("body", "stored"), [("a\x00b", "a\ufffdb"), ("sor\r\nsor", "sor\nsor"), ("👩‍👧‍👦", "👩‍👧‍👦"), (" x ", "x")]
)
def test_any_text_survives(dana_browser, thread, body, stored):
    assert dana_browser.send(thread, body).status_code == 200
    assert sent() == [stored]


def test_half_a_character_becomes_a_sign_for_it(dana_browser, thread):
    lone = f"uuid={uuid.uuid4()}&body=a%ED%A0%80b%FF"
    answer = dana_browser.post(
        at(thread, "send"), lone, content_type="application/x-www-form-urlencoded", headers={"X-Fonal": "frames"}
    )
    assert answer.status_code == 200
    assert "\ufffd" in sent()[0]


def test_who_asked_for_no_more_gets_no_more_and_the_text_is_kept(dana_browser, thread, line):
    opt_out(line=line, number=thread.contact.number, source="sms", at=NOW, words="STOP")
    answer = dana_browser.send(thread, "Jövünk!")
    assert answer.status_code == 422
    assert "Kiss Boti asked this line for no more messages. Your text is saved." in answer.text
    assert (sent(), drafts()) == ([], ["Jövünk!"])


def test_the_same_without_scripts_is_told_on_the_page(dana_browser, thread, line):
    opt_out(line=line, number=thread.contact.number, source="sms", at=NOW, words="STOP")
    answer = dana_browser.post(at(thread, "send"), {"uuid": uuid.uuid4(), "body": "Jövünk!"})
    assert answer.status_code == 302
    page = dana_browser.get(answer.url).text
    assert "asked this line for no more messages" in page
    assert ">Jövünk!</textarea>" in page


def test_a_name_can_not_be_answered(dana_browser, boti_texts):
    conversation = boti_texts("Akció!", sender="INFO").conversation
    answer = dana_browser.send(conversation, "Ki vagy?")
    assert answer.status_code == 422
    assert "INFO is a name" in answer.text


def test_whoever_wrote_meanwhile_is_shown_first(dana_browser, bela, thread):
    seen = Message.objects.latest("pk").pk
    Browser(bela).send(thread, "Már intézem")

    answer = dana_browser.send(thread, "Jövünk!", seen=seen)

    assert answer.status_code == 409
    assert "Bela wrote while you were typing" in answer.text
    assert "Már intézem" in answer.text
    assert drafts() == ["Jövünk!"]
    assert dana_browser.send(thread, "Jövünk!", seen=Message.objects.latest("pk").pk).status_code == 200
    assert (sent(), drafts()) == (["Már intézem", "Jövünk!"], [])


@pytest.mark.parametrize("seen", ["", "abc", "-1", "1.5", "99999999999999999999", "9" * 5000])
def test_a_strange_last_seen_id_breaks_nothing(dana_browser, thread, seen):
    assert dana_browser.send(thread, "Jövünk!", seen=seen).status_code == 200


def test_somebody_elses_uuid_is_no_key_to_their_message(dana_browser, bela, thread):
    token = uuid.uuid4()
    Browser(bela).send(thread, "Titkos", uuid=token)
    answer = dana_browser.send(thread, "Más", uuid=token)
    assert answer.status_code == 422
    assert "Titkos" not in answer.text
    assert sent() == ["Titkos"]


def test_a_switched_off_line_says_so(dana_browser, thread, line):
    type(line).objects.filter(pk=line.pk).update(is_active=False)
    answer = dana_browser.send(thread, "Jövünk!")
    assert answer.status_code == 422
    assert "this line is switched off. Your text is saved." in answer.text


# --- Notes and drafts -----------------------------------------------------------------------------
def test_a_note_is_kept_once_and_never_becomes_a_message(dana_browser, bela, thread):
    token = uuid.uuid4()
    for _ in range(2):
        answer = dana_browser.say(at(thread, "note"), uuid=token, body="@bela nézd meg")
        assert entries_in(answer) == [str(token)]
    note = Note.objects.get()
    assert [one.username for one in note.mentions.all()] == ["bela"]
    assert sent() == []


@pytest.mark.parametrize("body", ["", "  ", "x" * 4001])
def test_a_note_without_text_or_with_a_novel_is_refused(dana_browser, thread, body):
    answer = dana_browser.say(at(thread, "note"), uuid=uuid.uuid4(), body=body)
    assert answer.status_code == 422
    assert "4000 characters at most" in answer.text
    assert not Note.objects.exists()


def test_a_draft_comes_back_on_the_page_and_an_empty_one_is_forgotten(dana_browser, bela, thread):
    assert dana_browser.say(at(thread, "draft"), body="félig\x00 kész").status_code == 204
    assert ">félig\ufffd kész</textarea>" in dana_browser.get(f"/conversations/{thread.pk}/").text
    assert "kész" not in Browser(bela).get(f"/conversations/{thread.pk}/").text
    assert dana_browser.say(at(thread, "draft"), body="").status_code == 204
    assert drafts() == []


def test_a_draft_that_comes_after_its_text_was_sent_is_not_kept(dana_browser, thread):
    dana_browser.send(thread, "két\nsor")
    dana_browser.say(at(thread, "draft"), body="két\r\nsor")
    assert drafts() == []


# --- What did not go out ---------------------------------------------------------------------------
def test_a_failed_text_is_tried_again_on_the_same_bubble(dana_browser, failed):
    answer = dana_browser.say(f"/messages/{failed.uuid}/retry/")
    assert entries_in(answer) == [str(failed.uuid)]
    assert 'data-status="queued"' in answer.text
    # A second click finds nothing to do.
    assert dana_browser.say(f"/messages/{failed.uuid}/retry/").status_code == 200
    assert sent() == ["Jövünk!"]


def test_trying_again_heeds_a_stop_that_came_meanwhile(dana_browser, failed, line, thread):
    receive_sms(
        line=line,
        provider_account="simulator:",
        provider_message_id="stop",
        sender=thread.contact.number,
        body="STOP",
        now=timezone.now(),
    )
    answer = dana_browser.say(f"/messages/{failed.uuid}/retry/")
    assert answer.status_code == 422
    failed.refresh_from_db()
    assert failed.status == Status.FAILED


def test_a_failed_text_is_taken_away(dana_browser, failed, thread):
    answer = dana_browser.say(f"/messages/{failed.uuid}/discard/")
    assert f'<live-gone conversation="{thread.pk}" entry="entry-{failed.uuid}">' in answer.text
    assert f"entry-{failed.uuid}" not in dana_browser.get(f"/conversations/{thread.pk}/").text
    assert dana_browser.say(f"/messages/{failed.uuid}/discard/").status_code == 404


def test_edit_puts_the_text_back_into_the_composer(dana_browser, failed, thread):
    answer = dana_browser.say(f"/messages/{failed.uuid}/discard/", edit=1)
    assert f'<live-draft conversation="{thread.pk}">Jövünk!</live-draft>' in answer.text
    assert ">Jövünk!</textarea>" in dana_browser.get(f"/conversations/{thread.pk}/").text


def test_what_is_on_its_way_can_not_be_taken_back(dana_browser, thread):
    dana_browser.send(thread, "Jövünk!")
    message = Message.objects.get(body="Jövünk!")
    answer = dana_browser.say(f"/messages/{message.uuid}/discard/")
    assert answer.status_code == 409
    assert "be taken back" in answer.text
    assert sent() == ["Jövünk!"]
    without_scripts = dana_browser.post(f"/messages/{message.uuid}/discard/")
    assert without_scripts.url == f"/conversations/{thread.pk}/"
    assert "taken back" in dana_browser.get(without_scripts.url).text


def test_an_inbound_text_is_neither_retried_nor_discarded(dana_browser, thread):
    inbound = thread.messages.inbound().get()
    for verb in ("retry", "discard"):
        dana_browser.say(f"/messages/{inbound.uuid}/{verb}/")
    inbound.refresh_from_db()
    assert (inbound.status, inbound.deleted_at) == (Status.RECEIVED, None)


# --- Who may only read -----------------------------------------------------------------------------
@pytest.fixture
def reader(dana, line):
    """Dana may now read the line but not write from it."""
    LineAccess.objects.filter(user=dana, line=line).update(can_send=False)
    return Browser(dana)


def test_a_reader_sees_the_thread_but_sends_nothing(reader, thread):
    assert reader.get(f"/conversations/{thread.pk}/").status_code == 200
    answer = reader.send(thread, "Jövünk!")
    assert answer.status_code == 422
    assert "you may read this line but not write from it. Ask your administrator. Your text is saved." in answer.text
    assert (sent(), drafts()) == ([], ["Jövünk!"])


def test_a_reader_neither_retries_nor_takes_away_what_others_sent(dana_browser, failed, reader):
    for verb in ("retry", "discard"):
        answer = reader.say(f"/messages/{failed.uuid}/{verb}/")
        assert answer.status_code == 422
        assert "not write from it" in answer.text
    failed.refresh_from_db()
    assert (failed.status, failed.deleted_at) == (Status.FAILED, None)


def test_a_reader_may_leave_a_note(reader, thread):
    assert reader.say(at(thread, "note"), uuid=uuid.uuid4(), body="Láttam").status_code == 200


def test_a_reader_has_no_line_for_new_messages(reader, line):
    assert "no line to send from yet" in reader.get("/messages/new/").text
    answer = reader.post("/messages/new/", {"uuid": uuid.uuid4(), "to": "06301234567", "line": line.pk, "body": "Szia"})
    assert answer.status_code == 422
    assert sent() == []


def test_a_month_old_draft_is_still_there(dana_browser, dana, thread):
    Draft.objects.create(conversation=thread, user=dana, body="régi", updated_at=NOW - timedelta(days=30))
    assert ">régi</textarea>" in dana_browser.get(f"/conversations/{thread.pk}/").text
