"""The operator's staff look things up in Django's admin: they see facts, never words, and change nothing there."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from gateway.models import WebhookReceipt
from server.accounts.models import AuditEntry, User, record_audit
from server.contacts.optout import opt_out
from server.messaging.models import Message
from tests.doors import Browser, verified

pytestmark = pytest.mark.django_db
SECRET_WORDS = "titkos szavak"


@pytest.fixture
def desk(oper) -> Browser:
    return verified(oper)


def change_url(row) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def list_url(model) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


@pytest.fixture
def rows(twilio_line, line, boti_texts, oper, now):
    """One of each thing that can be looked up."""
    boti_texts(SECRET_WORDS)
    WebhookReceipt.objects.create(
        provider="twilio",
        kind="message",
        raw={"Body": SECRET_WORDS, "From": "+36"},
        signature_ok=True,
        outcome="x",
        received_at=timezone.now(),
    )
    opt_out(line=line, number="+36309990001", source="sms", words=SECRET_WORDS, at=now)
    record_audit(action="services.switched", at=now, actor=oper, subscriber=line.subscriber, because="Szerződés")


@pytest.mark.parametrize("person", ["dana", "sam", "ada"])
def test_only_the_operators_staff_come_in(person, request):
    user = request.getfixturevalue(person)
    # Even a flag that slipped into a subscriber's row does not help, nor a second step.
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    for browser in (Browser(user), verified(user)):
        assert browser.get("/admin/").status_code == 302
        assert browser.get(list_url(Message)).status_code == 302
        assert browser.get("/admin/", follow=True).status_code == 403


def test_the_second_step_is_asked_for_here_too(oper):
    browser = Browser(oper)
    assert browser.get("/admin/").url == "/admin/login/?next=/admin/"
    assert browser.get("/admin/login/?next=/admin/").url == "/settings/two-factor/?next=%2Fadmin%2F"
    assert browser.post("/admin/login/", {"username": "oper", "password": "tavaszi-szel-vizet"}).status_code == 302
    assert browser.get("/admin/").status_code == 302


def test_there_is_one_log_in_page_for_everybody(oper):
    nobody = Browser()
    assert nobody.get("/admin/", follow=True).redirect_chain[-1][0] == "/login/?next=/admin/"
    nobody.post("/admin/login/?next=/admin/", {"username": "oper", "password": "tavaszi-szel-vizet"})
    assert "_auth_user_id" not in nobody.session


def test_a_password_is_changed_on_ones_own_page_only(desk):
    assert desk.get("/admin/password_change/").url == "/settings/"
    assert desk.post("/admin/password_change/", {"old_password": "x"}).url == "/settings/"


def test_every_page_opens_and_tells_no_words(desk, rows):
    assert desk.get("/admin/").status_code == 200
    for model in admin.site._registry:
        page = desk.get(list_url(model))
        assert page.status_code == 200, model
        assert SECRET_WORDS not in page.text
        assert desk.get(list_url(model) + "?q=abc").status_code == 200, model
        page = desk.get(change_url(model._default_manager.first()))
        assert page.status_code == 200, model
        assert SECRET_WORDS not in page.text


def test_nothing_is_changed_added_or_deleted_here(desk, rows):
    for model in admin.site._registry:
        row = model._default_manager.first()
        opts = row._meta
        before = list(model._default_manager.values())
        assert desk.post(change_url(row), {"number": "+36301234567", "status": "failed"}).status_code == 403
        assert desk.get(reverse(f"admin:{opts.app_label}_{opts.model_name}_add")).status_code == 403
        assert (
            desk.post(reverse(f"admin:{opts.app_label}_{opts.model_name}_delete", args=[row.pk]), {"post": "yes"}).status_code
            == 403
        )
        desk.post(list_url(model), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
        assert list(model._default_manager.values()) == before, model


def test_columns_are_named_in_the_persons_language(oper, rows):
    User.objects.filter(pk=oper.pk).update(language="hu")
    page = verified(User.objects.get(pk=oper.pk)).get(list_url(Message)).text
    for label in ("Irány", "Állapot", "SMS-szolgáltató kódja"):
        assert label in page
    assert "provider_code</" not in page
    assert "status szerint" not in page


@pytest.mark.parametrize("model", [Message, AuditEntry])
def test_a_list_takes_as_many_queries_for_many_rows(model, desk, rows, line, boti_texts, now, django_assert_num_queries):
    with CaptureQueriesContext(connection) as of_one:
        desk.get(list_url(model))
    for number in range(20):
        boti_texts(f"{number}.")
        record_audit(action="services.switched", at=now, subscriber=line.subscriber)
    with django_assert_num_queries(len(of_one)):
        desk.get(list_url(model))


def test_staff_whose_rights_were_taken_are_out(desk, oper):
    User.objects.filter(pk=oper.pk).update(is_active=False)
    assert desk.get("/admin/").status_code == 302
