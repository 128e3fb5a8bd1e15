"""One company's page: its services are switched there, with a reason; its people are let in again."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_otp.plugins.otp_totp.models import TOTPDevice

from server.accounts.models import AuditEntry, User
from server.accounts.requests import request_service
from server.events.models import Event
from server.events.services import set_services
from server.messaging.models import Message, Status
from server.messaging.outbound import queue_sms
from tests.doors import Browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def record(kontakt) -> str:
    return f"/operator/subscribers/{kontakt.pk}/"


def switch(desk, record: str, service: str, state: str, because: str = "Szerződés"):
    return desk.post(f"{record}services/", {"service": service, "state": state, "because": because})


def test_a_switch_needs_a_reason(desk, record, kontakt):
    page = switch(desk, record, "sms", "off", "  ")
    assert page.status_code == 422
    assert "This field is required" in page.text
    kontakt.activation.refresh_from_db()
    assert kontakt.has_sms
    assert not Event.objects.exists()


def test_a_switch_works_at_once_and_stands_in_the_history(desk, record, kontakt, oper, dana):
    assert switch(desk, record, "sms", "off", "Nem <fizet>").url == record
    assert Browser(dana).get("/messages/").status_code == 403
    page = desk.get(record).text
    assert "SMS off, Chat off" in page
    assert "Nem &lt;fizet&gt;" in page
    assert Event.objects.filter(subscriber=kontakt, kind="access_changed").exists()
    switch(desk, record, "sms", "on")
    assert Browser(dana).get("/messages/").status_code == 200


def test_chat_without_sms_is_refused(desk, record, kontakt):
    switch(desk, record, "sms", "off")
    page = switch(desk, record, "chat", "on")
    assert page.status_code == 422
    assert "Chat is a supplement of SMS" in page.text
    kontakt.activation.refresh_from_db()
    assert not kontakt.has_chat


def test_two_of_the_staff_who_switch_the_same_do_it_once(desk, record):
    switch(desk, record, "chat", "off")
    switch(desk, record, "chat", "off")
    assert AuditEntry.objects.filter(action="services.switched").count() == 1


@pytest.mark.parametrize("wrong", [{"service": "fax"}, {"state": "maybe"}, {"because": "x" * 301}])
def test_nonsense_switches_nothing(wrong, desk, record, kontakt):
    form = {"service": "sms", "state": "off", "because": "Szerződés"} | wrong
    assert desk.post(f"{record}services/", form).status_code == 422
    assert not AuditEntry.objects.filter(action="services.switched").exists()


def test_the_page_says_how_many_messages_wait(desk, record, conversation, dana, now):
    queue_sms(uuid="2a0cbd2c-5b1e-4f0b-8a3a-0d4a4b8f5a11", conversation=conversation, body="Titok", author=dana, now=now)
    page = desk.get(record).text
    assert "Messages that wait now: 1. They go out when SMS is on again." in page
    assert "Titok" not in page
    switch(desk, record, "sms", "off")
    assert "Messages that wait: 1" in desk.get(record).text
    assert Message.objects.get().status == Status.QUEUED


def test_the_page_shows_its_lines_and_people_and_what_is_asked_for(desk, record, kontakt, line, ada, dana, oper, now):
    set_services(subscriber=kontakt, sms=None, chat=False, because="", by=oper, now=now)
    request_service(subscriber=kontakt, service="chat", remark="Kellene", by=dana, now=now)
    page = desk.get(record).text
    for shown in ("Support", "+36 30 111 0001", "Ada", "Administrator", "Dana has asked for it", "Kellene"):
        assert shown in page


def test_a_company_without_people_or_lines_has_a_page(desk, record):
    page = desk.get(record)
    assert "No line yet" in page.text
    assert "Nobody yet" in page.text
    assert f'href="{record}act-as/"' in page.text, "else nobody could ever be invited"


def test_the_page_takes_as_many_queries_for_many_people(desk, record, kontakt, dana, django_assert_num_queries):
    with CaptureQueriesContext(connection) as of_one:
        desk.get(record)
    User.objects.bulk_create(User(username=f"ember-{number}", name=f"Ember {number}", subscriber=kontakt) for number in range(30))
    with django_assert_num_queries(len(of_one)):
        desk.get(record)


def test_a_lost_second_step_is_reset_and_the_person_shown_out(desk, record, ada, oper):
    TOTPDevice.objects.create(user=ada, name="lost", confirmed=True)
    hers = Browser(ada)
    key = hers.session.session_key
    answer = desk.post(f"{record}people/{ada.pk}/second-step/", follow=True)
    assert "logs in by password alone now" in answer.text
    assert not TOTPDevice.objects.filter(user=ada).exists()
    assert not Session.objects.filter(session_key=key).exists()
    entry = AuditEntry.objects.get(action="user.second_step_reset")
    assert (entry.actor, entry.subscriber) == (oper, ada.subscriber)


def test_only_people_of_the_company_whose_page_it_is_are_helped(desk, record, eve, oper):
    TOTPDevice.objects.create(user=eve, name="hers", confirmed=True)
    assert desk.post(f"{record}people/{eve.pk}/second-step/").status_code == 404
    assert desk.post(f"{record}people/{oper.pk}/second-step/").status_code == 404
    assert TOTPDevice.objects.filter(user=eve).exists()
