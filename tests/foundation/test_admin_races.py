"""What happens while an operator has a form open: the form writes what the operator changed, and nothing else."""

from __future__ import annotations

import uuid

import pytest
from django.contrib import admin
from django.urls import reverse

from server.accounts.models import Activation, Subscriber, User
from server.events.models import Event, Kind
from server.lines.models import Line, LineAccess
from server.messaging.inbound import receive_sms
from server.messaging.models import Message, Status
from server.messaging.outbound import queue_sms
from server.messaging.sending import claim_next, hold_line, hold_messages
from tests.conftest import BOTI, NOW
from tests.foundation.test_admin import _form_of, change_url, list_url

pytestmark = pytest.mark.django_db


@pytest.fixture
def oper_client(client, oper):
    client.force_login(oper)
    return client


@pytest.fixture
def meanwhile(monkeypatch):
    """`meanwhile(Line, act)`: `act` happens after the admin has read the row and before it writes it."""

    def arrange(model, act):
        kind = type(admin.site._registry[model])
        get_object = kind.get_object

        def read_then_act(self, *args, **kwargs):
            row = get_object(self, *args, **kwargs)
            act()
            return row

        monkeypatch.setattr(kind, "get_object", read_then_act)

    return arrange


def _subscriber_form(subscriber: Subscriber, **changes: object) -> dict[str, object]:
    form = {name: getattr(subscriber, name) for name in ("name", "slug", "country", "timezone", "language")}
    since = {"sms_since_0": "2026-11-23", "sms_since_1": "10:00:00", "chat_since_0": "2026-11-23", "chat_since_1": "10:00:00"}
    inline = {"id": subscriber.activation.pk, "subscriber": subscriber.pk, **since}
    totals = {"activation-TOTAL_FORMS": 1, "activation-INITIAL_FORMS": 1}
    return {**form, **totals, **{f"activation-0-{name}": value for name, value in inline.items()}, **changes}


def test_a_text_that_comes_while_a_company_is_renamed_does_not_stop_the_next_ones(oper_client, line, meanwhile):
    def boti_texts(message_id: str = "SIM1"):
        receive_sms(line=line, provider_account="simulator:", provider_message_id=message_id, sender=BOTI, body="Szia!", now=NOW)

    meanwhile(Subscriber, boti_texts)
    answer = oper_client.post(change_url(line.subscriber), _subscriber_form(line.subscriber, name="Kontakt Zrt."))
    assert answer.status_code == 302
    assert Subscriber.objects.get(pk=line.subscriber_id).name == "Kontakt Zrt."
    boti_texts("SIM2")
    assert Message.objects.count() == 2
    assert list(Event.objects.order_by("number").values_list("number", flat=True)) == [1, 2, 3]


def test_a_line_that_is_held_while_its_label_is_changed_stays_held(oper_client, line, meanwhile):
    meanwhile(Line, lambda: hold_line(line=line, reason="401", now=NOW))
    oper_client.post(change_url(line), _form_of(line, label="Renamed"))
    line.refresh_from_db()
    assert (line.label, line.held_reason) == ("Renamed", "401")


def test_messages_left_behind_on_a_line_that_is_no_longer_held_can_be_released(oper_client, line, conversation):
    queue_sms(uuid=uuid.uuid4(), conversation=conversation, body="Jövünk!", author=None, now=NOW)
    message = claim_next(by="one", now=NOW)
    hold_line(line=line, reason="401", now=NOW)
    hold_messages(message=message, now=NOW)
    Line.objects.update(held_since=None)
    oper_client.post(list_url(Line), {"action": "release", "_selected_action": [line.pk]})
    message.refresh_from_db()
    assert message.status == Status.QUEUED


@pytest.mark.parametrize(("field", "wrong"), [("timezone", "Europe/Budapset"), ("timezone", "../etc"), ("country", "ZZ")])
def test_a_time_zone_or_country_that_is_none_is_refused(oper_client, kontakt, field, wrong):
    answer = oper_client.post(change_url(kontakt), _subscriber_form(kontakt, **{field: wrong}))
    assert answer.status_code == 200
    kontakt.refresh_from_db()
    assert getattr(kontakt, field) != wrong


def test_who_is_moved_to_another_company_is_shown_out_of_the_old_one(
    oper_client, dana, kontakt, rival, monkeypatch, django_capture_on_commit_callbacks
):
    dismissed = []
    monkeypatch.setattr("server.admin.people.doorbell.dismiss", lambda **whom: dismissed.append(whom))
    form = {"username": "dana", "name": "Dana", "role": "colleague", "subscriber": rival.pk, "language": "en", "is_active": "on"}
    with django_capture_on_commit_callbacks(execute=True):
        assert oper_client.post(change_url(dana), form).status_code == 302
    assert User.objects.get(pk=dana.pk).subscriber == rival
    assert [whom["subscriber_id"] for whom in dismissed] == [kontakt.pk]
    assert Event.objects.filter(subscriber=kontakt, kind=Kind.ACCESS_CHANGED).exists()


def test_lines_taken_from_many_at_once_are_taken_before_the_screens_hear_of_it(oper_client, dana, monkeypatch):
    held_when_told = []
    monkeypatch.setattr("server.operator_site.record", lambda **_: held_when_told.append(LineAccess.objects.count()))
    chosen = {"action": "delete_selected", "_selected_action": [LineAccess.objects.get().pk], "post": "yes"}
    oper_client.post(reverse("admin:lines_lineaccess_changelist"), chosen)
    assert not LineAccess.objects.exists()
    assert held_when_told
    assert held_when_told[-1] == 0


def test_services_switched_off_in_the_form_are_off(oper_client, kontakt):
    form = _subscriber_form(kontakt) | {f"activation-0-{name}_since_{n}": "" for name in ("sms", "chat") for n in (0, 1)}
    assert oper_client.post(change_url(kontakt), form).status_code == 302
    assert Activation.objects.get(subscriber=kontakt).sms_since is None
