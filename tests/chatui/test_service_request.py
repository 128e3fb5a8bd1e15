"""A company without a service: what it is, and asking for it."""

from __future__ import annotations

import pytest

from server.accounts.models import Activation, Role, ServiceRequest, User
from server.accounts.requests import decline_request
from tests.doors import HTMX, Browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def no_sms(kontakt):
    Activation.objects.filter(subscriber=kontakt).update(sms_since=None, chat_since=None)


@pytest.fixture
def no_chat(kontakt):
    Activation.objects.filter(subscriber=kontakt).update(chat_since=None)


def test_without_sms_every_page_offers_it(dana, no_sms):
    page = Browser(dana).get("/").text
    assert "Request activation" in page
    assert 'action="/services/request/"' in page


def test_after_asking_everybody_of_the_company_sees_who_has_asked(dana, bela, no_sms):
    answer = Browser(dana).post("/services/request/", {"service": "sms", "remark": "Kedden <b>nyitunk</b>"}, follow=True)
    assert "It has been asked for" in answer.text
    User.objects.filter(pk=bela.pk).update(language="en")
    seen = Browser(bela).get("/messages/").text
    assert "By Dana" in seen
    assert "Kedden &lt;b&gt;nyitunk&lt;/b&gt;" in seen
    assert "Request activation" not in seen
    Browser(bela).post("/services/request/", {"service": "sms"})
    assert ServiceRequest.objects.get().requested_by == dana


def test_an_answer_that_declines_is_shown_and_one_may_ask_again(dana, no_sms, oper, now):
    browser = Browser(dana)
    browser.post("/services/request/", {"service": "sms"})
    decline_request(request=ServiceRequest.objects.get(), answer="Előbb a szerződés", by=oper, now=now)
    page = browser.get("/").text
    assert "Előbb a szerződés" in page
    assert "Request activation" in page


def test_an_auditor_reads_of_it_but_asks_for_nothing(dana, no_sms):
    User.objects.filter(pk=dana.pk).update(role=Role.AUDITOR)
    browser = Browser(User.objects.get(pk=dana.pk))
    assert "Request activation" not in browser.get("/").text
    assert browser.post("/services/request/", {"service": "sms"}).status_code == 403
    assert not ServiceRequest.objects.exists()


def test_with_sms_alone_messages_lead_to_what_chat_is(dana, no_chat):
    browser = Browser(dana)
    assert 'href="/services/request/"' in browser.get("/messages/").text
    assert "Somebody is responsible" in browser.get("/services/request/").text
    part = browser.get("/services/request/", headers=HTMX).text
    assert "Somebody is responsible" in part
    assert "<html" not in part
    browser.post("/services/request/", {"service": "chat"})
    assert ServiceRequest.objects.get().service == "chat"


def test_what_is_on_is_neither_offered_nor_asked_for(dana):
    browser = Browser(dana)
    assert 'href="/services/request/"' not in browser.get("/messages/").text
    assert browser.get("/services/request/").url == "/"
    browser.post("/services/request/", {"service": "sms"})
    assert not ServiceRequest.objects.exists()


def test_what_is_no_service_is_not_found(dana):
    assert Browser(dana).post("/services/request/", {"service": "fax"}).status_code == 404
