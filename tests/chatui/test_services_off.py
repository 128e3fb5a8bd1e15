"""What the operator has not switched on: no SMS, or SMS without the chat supplement."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from server.accounts.models import Activation
from server.contacts.models import Contact
from server.events.models import Event
from server.events.services import set_services
from server.history.exporting import request_export
from server.history.filter import HistoryFilter
from server.history.models import ExportFormat
from server.messaging.models import Conversation, Message, Status
from server.messaging.outbound import ServiceOff, queue_sms
from server.messaging.sending import claim_next
from tests.doors import FRAMES, HTMX, Browser, rows_in

CHAT_READING = ["", "entries/", "colleagues/"]
CHAT_WRITING = ["send/", "note/", "draft/", "claim/", "assign/", "done/", "reopen/", "read/", "unread/"]


@pytest.fixture
def thread(boti_texts):
    return boti_texts("Titkos szöveg").conversation


@pytest.fixture
def failed(dana, thread):
    Browser(dana).send(thread, "Jövünk!")
    message = Message.objects.outbound().get()
    Message.objects.filter(pk=message.pk).update(status=Status.FAILED, reason="other")
    return message


@pytest.fixture
def sms_off(kontakt, failed):
    Activation.objects.filter(subscriber=kontakt).update(sms_since=None, chat_since=None)


@pytest.fixture
def chat_off(kontakt, failed):
    Activation.objects.filter(subscriber=kontakt).update(chat_since=None)


def doors(thread, failed) -> list[tuple[str, str]]:
    """Every door to the company's data, with how it is opened."""
    one = f"/conversations/{thread.pk}/"
    return [
        *(("get", one + door) for door in CHAT_READING),
        *(("post", one + door) for door in CHAT_WRITING),
        *(("get", f"/conversations/{door}/") for door in ("rows", "counts")),
        ("get", "/live/?since=0"),
    ]


def other_doors(thread, failed) -> list[tuple[str, str]]:
    return [
        ("get", "/messages/"),
        ("get", "/messages/new/"),
        ("post", "/messages/new/"),
        ("get", "/messages/new/lookup/?to=boti"),
        ("post", f"/messages/{failed.uuid}/retry/"),
        ("post", f"/messages/{failed.uuid}/discard/"),
        ("get", f"/phonebook/{thread.contact_id}/"),
        ("post", f"/phonebook/{thread.contact_id}/"),
    ]


@pytest.mark.parametrize("headers", [{}, FRAMES, HTMX], ids=["page", "frames", "htmx"])
def test_without_sms_every_door_says_so_and_tells_nothing(dana, thread, failed, sms_off, headers):
    browser = Browser(dana)
    before = Event.objects.count()
    for method, address in [("get", "/"), *doors(thread, failed), *other_doors(thread, failed)]:
        answer = getattr(browser, method)(address, headers=headers)
        assert answer.status_code == 403, address
        assert "SMS is not switched on for your company" in answer.text, address
        assert not re.search("Titkos|Boti|Jövünk|9990001|Support", answer.text), address
    assert Event.objects.count() == before


def test_without_sms_a_part_of_a_page_has_the_page_loaded_anew(dana, thread, sms_off):
    """A whole page put into another's place would bring styles that its CSP forbids."""
    part = Browser(dana).get("/messages/count/", headers=HTMX)
    assert (part.status_code, part.headers["HX-Refresh"]) == (403, "true")
    assert "HX-Refresh" not in Browser(dana).get("/messages/").headers


def test_without_sms_one_may_still_log_out_and_choose_a_language(dana, sms_off):
    browser = Browser(dana)
    assert browser.post("/language/", {"language": "en"}).status_code == 302
    assert browser.get("/settings/").status_code == 200
    assert browser.post("/logout/").url == "/login/"


def test_without_chat_every_chat_door_is_closed(dana, thread, failed, chat_off):
    browser = Browser(dana)
    before = Event.objects.count()
    for method, address in doors(thread, failed):
        answer = getattr(browser, method)(address, {"uuid": uuid.uuid4(), "body": "x", "upto": 1} if method == "post" else {})
        assert answer.status_code == 403, address
        assert not re.search("Titkos|Boti|Jövünk|9990001", answer.text), address
    assert Event.objects.count() == before


def test_without_chat_the_front_page_is_the_messages_page(dana, chat_off):
    browser = Browser(dana)
    assert browser.get("/").url == "/messages/"
    assert browser.head("/").url == "/messages/"
    assert "Titkos szöveg" in browser.get("/messages/").text


def test_without_chat_a_new_message_still_goes_out(dana, line, chat_off):
    browser = Browser(dana)
    form = {"uuid": uuid.uuid4(), "to": "06301234567", "line": line.pk, "body": "Szia!"}
    assert browser.post("/messages/new/", form).url == "/messages/"
    assert Message.objects.get(body="Szia!").status == Status.QUEUED
    again = browser.post("/messages/new/", form, headers=HTMX)
    assert again.headers["HX-Redirect"] == "/messages/"


def test_without_chat_no_page_links_to_one(dana, thread, failed, chat_off):
    browser = Browser(dana)
    for address in ("/messages/", "/messages/new/", "/settings/", f"/phonebook/{thread.contact_id}/?conversation={thread.pk}"):
        page = browser.get(address).text
        assert not re.search(r'(href|action|hx-get|hx-post)="/(conversations/[^"]*)?"', page), address
        assert "data-unread-total" not in page


def test_without_chat_second_tries_lead_back_to_the_messages_page(dana, failed, chat_off):
    browser = Browser(dana)
    assert browser.post(f"/messages/{failed.uuid}/retry/").url == "/messages/"
    assert browser.post(f"/messages/{failed.uuid}/discard/").url == "/messages/"
    assert "be taken back" in browser.get("/messages/").text


def test_without_chat_a_contact_is_renamed_from_the_messages_page(dana, thread, chat_off):
    answer = Browser(dana).post(f"/phonebook/{thread.contact_id}/?conversation={thread.pk}", {"name": "Új Név"})
    assert answer.url == "/messages/"
    assert Contact.objects.get(pk=thread.contact_id).name == "Új Név"


def test_everything_is_there_again_when_it_is_switched_on_again(dana, thread, kontakt, sms_off, now):
    Activation.objects.filter(subscriber=kontakt).update(sms_since=now, chat_since=now)
    assert rows_in(Browser(dana).get("/")) == [thread.pk]


# --- Switched off while something is on its way
def test_a_message_that_is_queued_waits_while_sms_is_off_and_goes_out_then(dana, thread, kontakt, now):
    Browser(dana).send(thread, "Várj!")
    set_services(subscriber=kontakt, sms=False, chat=None, because="unpaid", by=None, now=now)
    later = timezone.now() + timedelta(days=2)
    assert claim_next(by="lane", now=later) is None
    assert Message.objects.get(body="Várj!").status == Status.QUEUED

    set_services(subscriber=kontakt, sms=True, chat=True, because="paid", by=None, now=now)

    assert claim_next(by="lane", now=later).body == "Várj!"


def test_what_was_texted_meanwhile_is_there_when_sms_is_on_again(dana, kontakt, boti_texts, now):
    set_services(subscriber=kontakt, sms=False, chat=None, because="unpaid", by=None, now=now)
    thread = boti_texts("Ott vannak?").conversation
    assert "Ott vannak?" not in Browser(dana).get("/").text

    set_services(subscriber=kontakt, sms=True, chat=True, because="paid", by=None, now=now)

    assert "Ott vannak?" in Browser(dana).get(f"/conversations/{thread.pk}/").text


def test_a_send_that_was_let_in_before_the_switch_is_refused_by_the_queue_itself(dana, thread, kontakt, now):
    let_in = Conversation.objects.select_related("line__subscriber").get(pk=thread.pk)
    set_services(subscriber=kontakt, sms=False, chat=None, because="unpaid", by=None, now=now)

    with pytest.raises(ServiceOff):
        queue_sms(uuid=uuid.uuid4(), conversation=let_in, body="Még gyorsan", author=dana, now=now)
    assert not Message.objects.filter(body="Még gyorsan").exists()


def test_nobody_takes_a_file_away_while_sms_is_off(sam, thread, kontakt, now):
    export = request_export(user=sam, wanted=HistoryFilter.read({}), format=ExportFormat.CSV, now=timezone.now())
    address = f"/messages/exports/{export.uuid}/"
    set_services(subscriber=kontakt, sms=False, chat=None, because="unpaid", by=None, now=now)
    assert Browser(sam).get(address).status_code == 403

    set_services(subscriber=kontakt, sms=True, chat=None, because="paid", by=None, now=now)

    assert Browser(sam).get(address).status_code == 200
