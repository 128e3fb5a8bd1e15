"""The operator's staff in Django's admin: they see facts, never words; credentials go in and never come out."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from gateway.models import WebhookReceipt
from server.accounts.models import AuditEntry, User
from server.events.models import Event, Kind
from server.lines.models import Line
from server.messaging.sending import hold_line

pytestmark = pytest.mark.django_db
SECRET_WORDS = "titkos szavak"


@pytest.fixture
def oper_client(client, oper):
    client.force_login(oper)
    return client


def change_url(row) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def list_url(model) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


@pytest.mark.parametrize("person", ["dana", "sam", "ada"])
def test_only_the_operators_staff_come_in(db, client, request, person):
    user = request.getfixturevalue(person)
    # Even a flag that slipped into a subscriber's row does not help.
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    client.force_login(user)
    assert client.get("/admin/").status_code == 302
    assert client.get(list_url(Line)).status_code == 302


def test_every_page_opens(oper_client, twilio_line, dana, boti_texts):
    boti_texts(SECRET_WORDS)
    WebhookReceipt.objects.create(
        provider="twilio",
        kind="message",
        raw={"Body": SECRET_WORDS, "From": "+36"},
        signature_ok=True,
        outcome="x",
        received_at=timezone.now(),
    )
    assert oper_client.get("/admin/").status_code == 200
    for model, pages in admin.site._registry.items():
        if model.__module__.startswith(("server.", "gateway.")):
            page = oper_client.get(list_url(model))
            assert page.status_code == 200, model
            assert SECRET_WORDS not in page.content.decode()
            assert oper_client.get(list_url(model) + "?q=abc").status_code == 200, model
            for row in model._default_manager.all()[:1]:
                page = oper_client.get(change_url(row))
                assert page.status_code == 200, (model, pages)
                assert SECRET_WORDS not in page.content.decode()


def test_credentials_are_never_shown(oper_client, twilio_line):
    twilio_line.auth_token, twilio_line.pbx_secret = "token-abcdefghij-1234", "secret-abcdefghij-9876"
    twilio_line.save()
    page = oper_client.get(change_url(twilio_line)).content.decode()
    assert "token-abcdefghij" not in page
    assert "secret-abcdefghij" not in page
    assert "…1234" in page
    assert "…9876" in page


def _form_of(line: Line, **changes: object) -> dict[str, object]:
    form = {
        "subscriber": line.subscriber_id,
        "number": line.number,
        "label": line.label,
        "provider": line.provider,
        "account_sid": line.account_sid,
        "is_active": "on",
        "access-TOTAL_FORMS": 0,
        "access-INITIAL_FORMS": 0,
    }
    return {**form, **changes}


def test_an_empty_credential_keeps_the_old_one_and_a_new_one_releases_the_line(oper_client, oper, twilio_line, now):
    hold_line(line=twilio_line, reason="account", now=now)
    oper_client.post(change_url(twilio_line), _form_of(twilio_line, label="Renamed"))
    twilio_line.refresh_from_db()
    assert (twilio_line.label, twilio_line.auth_token, bool(twilio_line.held_since)) == ("Renamed", "12345", True)
    oper_client.post(change_url(twilio_line), _form_of(twilio_line, new_auth_token="a-new-token"))
    twilio_line.refresh_from_db()
    assert (twilio_line.auth_token, twilio_line.held_since) == ("a-new-token", None)
    assert "a-new-token" not in str(list(AuditEntry.objects.values_list("detail", flat=True)))


def test_a_held_line_is_released_by_hand(oper_client, line, now):
    hold_line(line=line, reason="account", now=now)
    oper_client.post(list_url(Line), {"action": "release", "_selected_action": [line.pk]})
    line.refresh_from_db()
    assert line.held_since is None


def test_a_change_is_audited_and_open_screens_hear_of_it(oper_client, oper, line):
    oper_client.post(change_url(line), _form_of(line, label="Renamed"))
    entry = AuditEntry.objects.get(action="admin.line.changed")
    assert (entry.actor, entry.subscriber) == (oper, line.subscriber)
    assert Event.objects.filter(subscriber=line.subscriber, kind=Kind.ACCESS_CHANGED).exists()


def test_a_line_stays_with_its_company(oper_client, line, rival):
    oper_client.post(change_url(line), _form_of(line, subscriber=rival.pk, label="Renamed"))
    line.refresh_from_db()
    assert (line.subscriber.slug, line.label) == ("kontakt", "Renamed")


def test_a_number_of_another_subscriber_is_refused(oper_client, line, rival_line):
    page = oper_client.post(change_url(line), _form_of(line, number=rival_line.number))
    assert page.status_code == 200
    line.refresh_from_db()
    assert line.number == "+36301110001"


def test_a_colleague_needs_a_subscriber_and_an_operator_has_none(oper_client, dana, kontakt):
    form = {"username": "dana", "name": "Dana", "role": "operator", "subscriber": kontakt.pk, "language": "en", "is_active": "on"}
    assert oper_client.post(change_url(dana), form).status_code == 200
    assert oper_client.post(change_url(dana), {**form, "role": "colleague", "subscriber": ""}).status_code == 200
    dana.refresh_from_db()
    assert (dana.role, dana.is_staff) == ("colleague", False)


def test_the_role_alone_decides_who_is_staff(oper_client):
    form = {"username": "omar", "name": "Omar", "role": "operator", "language": "en", "usable_password": "true"}
    oper_client.post(reverse("admin:accounts_user_add"), {**form, "password1": "a-long-phrase-1", "password2": "a-long-phrase-1"})
    omar = User.objects.get(username="omar")
    assert (omar.is_staff, omar.is_superuser) == (True, True)


def test_nothing_that_must_stay_explainable_can_be_deleted(oper_client, line, dana, kontakt, boti_texts):
    for row in (line, dana, kontakt, boti_texts("Szia!")):
        url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_delete", args=[row.pk])
        assert oper_client.get(url).status_code == 403
