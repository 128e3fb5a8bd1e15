"""The services of a company: asked for, switched on and off, and what is written down and told of it."""

from __future__ import annotations

import pytest
from django.core import mail
from django_tasks_db.models import DBTaskResult

from server.accounts.models import AuditEntry, Service, ServiceRequest, User
from server.accounts.provisioning import ChatNeedsSms
from server.accounts.requests import RequestClosed, ServiceIsOn, decline_request, request_service
from server.events.models import Event, Kind
from server.events.services import set_services, settle_request

pytestmark = pytest.mark.django_db


@pytest.fixture
def off(kontakt, oper, now):
    """Kontakt Kft. without any service."""
    set_services(subscriber=kontakt, sms=False, chat=None, because="", by=oper, now=now)
    return kontakt


@pytest.fixture
def asked(off, dana, now):
    User.objects.filter(pk=dana.pk).update(email="dana@kontakt.example")
    return request_service(subscriber=off, service=Service.SMS, remark="Sürgős", by=dana, now=now)


@pytest.fixture
def letters(oper, settings):
    """`letters()`: what the task worker has sent since it was last asked."""
    settings.OPERATOR_EMAIL = "ugyelet@szolgaltato.example"
    User.objects.filter(pk=oper.pk).update(email="oper@szolgaltato.example", language="en")

    def sent():
        before = len(mail.outbox)
        for waiting in DBTaskResult.objects.ready().order_by("enqueued_at"):
            task = waiting.task
            task.call(*waiting.args_kwargs["args"])
            waiting.delete()
        return mail.outbox[before:]

    return sent


def test_chat_without_sms_is_refused_and_nothing_is_written(off, oper, now):
    before = AuditEntry.objects.count()
    with pytest.raises(ChatNeedsSms):
        set_services(subscriber=off, sms=None, chat=True, because="Kérték", by=oper, now=now)
    off.activation.refresh_from_db()
    assert not off.has_chat
    assert AuditEntry.objects.count() == before


def test_sms_switched_off_takes_chat_with_it_and_open_screens_hear_of_it(kontakt, oper, now):
    changed = set_services(subscriber=kontakt, sms=False, chat=None, because="Nem fizet", by=oper, now=now)
    assert changed == ["sms off", "chat off"]
    entry = AuditEntry.objects.get(action="services.switched")
    assert (entry.actor, entry.detail["because"]) == (oper, "Nem fizet")
    assert Event.objects.get(subscriber=kontakt).kind == Kind.ACCESS_CHANGED


def test_what_is_on_already_is_no_change(kontakt, oper, now):
    assert set_services(subscriber=kontakt, sms=True, chat=True, because="Mégis", by=oper, now=now) == []
    assert not Event.objects.filter(subscriber=kontakt).exists()


def test_asking_again_changes_nothing(asked, off, bela, now):
    assert request_service(subscriber=off, service=Service.SMS, remark="Én is", by=bela, now=now) == asked
    assert ServiceRequest.objects.count() == 1
    assert AuditEntry.objects.filter(action="service.requested").count() == 1


def test_what_is_on_can_not_be_asked_for_nor_chat_without_sms(kontakt, dana, oper, now):
    with pytest.raises(ServiceIsOn):
        request_service(subscriber=kontakt, service=Service.CHAT, remark="", by=dana, now=now)
    set_services(subscriber=kontakt, sms=False, chat=None, because="", by=oper, now=now)
    with pytest.raises(ChatNeedsSms):
        request_service(subscriber=kontakt, service=Service.CHAT, remark="", by=dana, now=now)


def test_the_operator_is_told_of_a_request(letters, asked):
    told = letters()
    assert {letter.to[0] for letter in told} == {"ugyelet@szolgaltato.example", "oper@szolgaltato.example"}
    (english,) = [letter for letter in told if letter.to == ["oper@szolgaltato.example"]]
    assert english.subject == "Kontakt Kft. asks for SMS"
    assert "Dana of Kontakt Kft." in english.body
    assert "Sürgős" in english.body
    assert "/operator/requests/" in english.body


def test_a_company_whose_name_has_a_line_break_writes_no_heads_of_letters(letters, asked, off):
    type(off).objects.update(name="Kontakt\nBcc: mindenki@example.com")
    for letter in letters():
        assert "\n" not in letter.subject


def test_a_request_is_settled_by_switching_on_and_its_person_told(letters, asked, off, oper, now):
    letters()
    assert settle_request(request=asked, because="Aláírták", by=oper, now=now) == ["sms on"]
    asked.refresh_from_db()
    assert (asked.is_granted, asked.settled_by, asked.answer) == (True, oper, "Aláírták")
    (letter,) = letters()
    assert letter.to == ["dana@kontakt.example"]
    assert letter.subject == "SMS is switched on for Kontakt Kft."


def test_a_request_is_declined_with_an_answer_and_may_be_made_again(letters, asked, off, dana, oper, now):
    letters()
    decline_request(request=asked, answer="Előbb a szerződés", by=oper, now=now)
    (letter,) = letters()
    assert letter.subject == "Your request for SMS was declined"
    assert "Előbb a szerződés" in letter.body
    assert request_service(subscriber=off, service=Service.SMS, remark="Megvan", by=dana, now=now) != asked


def test_two_of_the_staff_do_not_both_answer(asked, off, oper, now):
    stale = ServiceRequest.objects.get(pk=asked.pk)
    settle_request(request=asked, because="Aláírták", by=oper, now=now)
    with pytest.raises(RequestClosed):
        decline_request(request=stale, answer="Nem", by=oper, now=now)
    with pytest.raises(RequestClosed):
        settle_request(request=stale, because="Igen", by=oper, now=now)
    assert AuditEntry.objects.filter(action="service.declined").count() == 0


def test_what_is_switched_on_by_hand_answers_the_request_for_it(asked, off, oper, now):
    set_services(subscriber=off, sms=True, chat=None, because="Telefonon kérték", by=oper, now=now)
    asked.refresh_from_db()
    assert (asked.is_granted, asked.answer) == (True, "Telefonon kérték")


def test_chat_that_was_asked_for_is_not_switched_on_without_sms(kontakt, dana, oper, now):
    set_services(subscriber=kontakt, sms=None, chat=False, because="", by=oper, now=now)
    request = request_service(subscriber=kontakt, service=Service.CHAT, remark="", by=dana, now=now)
    set_services(subscriber=kontakt, sms=False, chat=None, because="", by=oper, now=now)
    with pytest.raises(ChatNeedsSms):
        settle_request(request=request, because="", by=oper, now=now)
    request.refresh_from_db()
    assert request.settled_at is None
