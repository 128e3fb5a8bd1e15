"""The queue of what companies ask for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from server.accounts.models import Activation, Service, ServiceRequest
from server.accounts.requests import request_service

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(kontakt, dana, oper, now) -> ServiceRequest:
    Activation.objects.filter(subscriber=kontakt).update(chat_since=None)
    kontakt.activation.refresh_from_db()
    return request_service(subscriber=kontakt, service=Service.CHAT, remark="Két kolléga <b>vár</b>", by=dana, now=now)


def test_the_oldest_request_comes_first_and_the_tab_counts_them(desk, asked, rival, eve, now):
    Activation.objects.filter(subscriber=rival).update(sms_since=None, chat_since=None)
    rival.activation.refresh_from_db()
    request_service(subscriber=rival, service=Service.SMS, remark="", by=eve, now=now - timedelta(days=1))
    page = desk.get("/operator/requests/").text
    assert page.index("Rival Zrt.") < page.index("Kontakt Kft.")
    assert '<span class="badge num">2</span>' in desk.get("/operator/").text
    assert "&lt;b&gt;vár&lt;/b&gt;" in page


def test_an_empty_queue_says_so(desk, oper):
    assert "Nothing is waiting" in desk.get("/operator/requests/").text


def test_switching_on_answers_it(desk, asked, kontakt):
    assert desk.post(f"/operator/requests/{asked.pk}/settle/", {"because": "Aláírták"}).url == "/operator/requests/"
    kontakt.activation.refresh_from_db()
    assert kontakt.has_chat
    page = desk.get("/operator/requests/").text
    assert "Nothing is waiting" in page
    assert "Aláírták" in page


@pytest.mark.parametrize(("door", "field"), [("settle", "because"), ("decline", "answer")])
@pytest.mark.parametrize("text", ["", "  ", "x" * 501])
def test_an_answer_without_words_or_with_too_many_changes_nothing(door, field, text, desk, asked, kontakt):
    page = desk.post(f"/operator/requests/{asked.pk}/{door}/", {field: text})
    assert page.status_code == 422
    assert "errorlist" in page.text
    asked.refresh_from_db()
    assert asked.settled_at is None


def test_declining_tells_why(desk, asked, kontakt):
    desk.post(f"/operator/requests/{asked.pk}/decline/", {"answer": "Előbb a szerződés"})
    asked.refresh_from_db()
    assert (asked.is_granted, asked.answer) == (False, "Előbb a szerződés")
    kontakt.activation.refresh_from_db()
    assert not kontakt.has_chat


def test_the_second_of_two_who_answer_is_told_who_was_first(desk, asked, kontakt):
    desk.post(f"/operator/requests/{asked.pk}/decline/", {"answer": "Előbb a szerződés"})
    desk.post(f"/operator/requests/{asked.pk}/settle/", {"because": "Aláírták"})
    kontakt.activation.refresh_from_db()
    assert not kontakt.has_chat
    assert "Oper has answered this request already" in desk.notices("/operator/requests/")


def test_chat_for_a_company_that_has_lost_sms_meanwhile_waits(desk, asked, kontakt):
    Activation.objects.filter(subscriber=kontakt).update(sms_since=None)
    desk.post(f"/operator/requests/{asked.pk}/settle/", {"because": "Aláírták"})
    assert "switch SMS on first" in desk.notices("/operator/requests/")
    asked.refresh_from_db()
    assert asked.settled_at is None


def test_what_nobody_asked_for_is_not_found(desk):
    assert desk.post("/operator/requests/999/settle/", {"because": "x"}).status_code == 404
