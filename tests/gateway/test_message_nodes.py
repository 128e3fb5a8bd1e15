"""Message nodes: one request of an exchange's call flow, and it is known that a call came there."""

from __future__ import annotations

import json
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from freezegun import freeze_time

from gateway.lane import answer
from gateway.models import WebhookReceipt
from server.calls.definition import Definition, Step, Trigger, Who
from server.calls.models import Call, CallEvent, CallParameter, CallRule, MessageNode
from server.contacts.models import Contact
from server.events.models import Event
from tests.conftest import BOTI
from tests.gateway.exchange import Exchange

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def node(kontakt) -> MessageNode:
    return MessageNode.objects.create(subscriber=kontakt, name="After hours", created_at=timezone.now())


@pytest.fixture
def exchange_of_line(line) -> Exchange:
    return Exchange(line)


@pytest.fixture
def address(line, node) -> str:
    return f"/gateway/pbx/{line.key}/nodes/{node.key}/"


@pytest.fixture
def rule(kontakt, node) -> CallRule:
    says = Definition(trigger=Trigger.NODE, node=node.pk, steps=(Step(who=Who.CALLER),)).to_json()
    return CallRule.objects.create(
        subscriber=kontakt, name="R", definition=says, created_at=node.created_at, updated_at=node.created_at
    )


def reach(address, how="query", method="post", **said):
    client = Client()
    if how == "query":
        return getattr(client, method)(f"{address}?{urlencode(said)}")
    if how == "form":
        return client.post(address, urlencode(said), content_type=FORM)
    if how == "multipart":
        return client.post(address, said)
    return client.post(address, json.dumps(said), content_type="application/json")


@pytest.mark.parametrize(
    ("how", "method"), [("query", "get"), ("query", "post"), ("form", "post"), ("multipart", "post"), ("json", "post")]
)
def test_one_request_is_enough_however_it_is_made(address, line, node, rule, how, method):
    answer = reach(address, how, method, caller=BOTI, call_id="c1", called="+36301110001", queue="Support", shop="Győr")

    call, event = Call.objects.get(), CallEvent.objects.get()
    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b"OK\n", "text/plain; charset=utf-8")
    assert (call.exchange_id, call.partner, call.called, call.queue) == ("c1", BOTI, "+36301110001", "Support")
    assert (call.parameters, call.line) == ({"shop": "Győr"}, line)
    assert (event.kind, event.detail, event.node, event.due_at) == ("node", str(node.key), node, event.told_at)
    assert Event.objects.get().message_id == call.pk


def test_a_call_reaches_a_node_once_however_often_it_asks(address):
    for _ in range(3):
        assert reach(address, caller=BOTI, call_id="c1").status_code == 200
    assert CallEvent.objects.count() == Event.objects.count() == 1


def test_without_a_call_s_id_one_counts_per_caller_and_minute(address):
    for at, caller in [("10:00:01", BOTI), ("10:00:59", "06 30 999 0001"), ("10:00:30", "+36209990002"), ("10:01:00", BOTI)]:
        with freeze_time(f"2026-11-23 {at}"):
            reach(address, caller=caller)
    assert sorted(Call.objects.values_list("partner", flat=True)) == ["+36209990002", BOTI, BOTI]
    assert not [call for call in Call.objects.all() if BOTI[1:] in call.exchange_id]


def test_a_node_belongs_to_the_call_that_the_exchange_told_of(address, line):
    Exchange(line).tell("ringing")
    reach(address, call_id="c1")
    assert [event.kind for event in Call.objects.get().events.order_by("pk")] == ["ringing", "node"]


def test_two_nodes_in_one_call_are_two_events(address, line, kontakt):
    other = MessageNode.objects.create(subscriber=kontakt, name="Other", created_at=timezone.now())
    reach(address, caller=BOTI)
    reach(f"/gateway/pbx/{line.key}/nodes/{other.key}/", caller=BOTI)
    assert (Call.objects.count(), CallEvent.objects.count()) == (1, 2)


@pytest.mark.parametrize("name", ["caller", "Caller", "from", "caller_number", "CallerID"])
def test_the_caller_goes_by_many_names(address, name):
    reach(address, **{name: BOTI})
    assert Call.objects.get().partner == BOTI


def test_a_withheld_caller_reaches_it_too(address):
    assert reach(address, caller="anonymous").status_code == 200
    assert (Call.objects.get().partner, Call.objects.get().conversation) == ("", None)


def test_whatever_else_is_said_becomes_parameters_with_names_that_texts_can_have(address):
    reach(
        address, "json", caller=BOTI, **{"Shop Name": "Győr", "Rendelés-szám": 17, "x" * 60: "y" * 300, "list": [1], "none": None}
    )
    assert Call.objects.get().parameters == {"shop_name": "Győr", "rendel_s_sz_m": "17", "x" * 40: "y" * 200}


def test_more_parameters_than_thirty_are_left_out(address):
    reach(address, caller=BOTI, **{f"p{n}": "1" for n in range(50)})
    assert len(Call.objects.get().parameters) == 30


def test_letters_that_no_database_keeps_are_replaced(address):
    assert reach(address, "json", caller="\x00", call_id="c\ud83d", shop="\x00").status_code == 200
    assert Call.objects.get().parameters == {"shop": "\ufffd"}


@pytest.mark.parametrize("which", ["deleted", "rival's", "unknown", "rival's line"])
def test_a_node_that_is_none_of_the_line_s_company_is_not_found(address, line, node, rival, rival_line, which):
    if which == "deleted":
        MessageNode.objects.update(deleted_at=timezone.now())
    if which == "rival's":
        MessageNode.objects.update(subscriber=rival)
    if which == "unknown":
        address = f"/gateway/pbx/{line.key}/nodes/{uuid4()}/"
    if which == "rival's line":
        address = f"/gateway/pbx/{rival_line.key}/nodes/{node.key}/"
    said = reach(address, caller=BOTI)
    assert (said.status_code, said.content.splitlines()[0]) == (404, b"no such address")
    assert Call.objects.count() == WebhookReceipt.objects.count() == 0


def test_a_line_that_is_none_is_not_found(node):
    assert reach(f"/gateway/pbx/{uuid4()}/nodes/{node.key}/", caller=BOTI).status_code == 404


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"<x/>", "text/xml", 415),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"x", "multipart/form-data", 400),
        (b"x" * 70_000, FORM, 413),
    ],
)
def test_a_body_that_can_not_be_read_is_refused(address, body, content_type, status):
    assert Client().post(address, body, content_type=content_type).status_code == status
    assert Call.objects.count() == 0


@pytest.mark.parametrize("method", ["head", "put", "delete", "options"])
def test_other_methods_reach_nothing(address, method):
    assert getattr(Client(), method)(f"{address}?caller={BOTI}").status_code == 405
    assert Call.objects.count() == 0


def test_the_receipt_keeps_what_was_said_and_the_number_as_we_read_it(address, node):
    reach(address, caller="06 30 999 0001", shop="Győr")
    receipt = WebhookReceipt.objects.get()
    assert (receipt.kind, receipt.outcome, receipt.signature_ok) == ("node", "stored", True)
    assert receipt.raw == {"node": str(node.key), "caller": "06 30 999 0001", "shop": "Győr", "partners": [BOTI]}


def test_the_fast_lane_answers_it_alike(address):
    said = answer(method="POST", path=address, headers={"Content-Type": FORM}, body=urlencode({"caller": BOTI}).encode())
    assert (said.status_code, said.content) == (200, b"OK\n")
    assert Call.objects.get().partner == BOTI


def test_whoever_has_the_address_can_not_make_up_a_flood_of_callers(address, exchange_of_line, monkeypatch):
    monkeypatch.setattr("gateway.pbx.nodes.MOST_CALLS_A_MINUTE", 3)
    with freeze_time("2026-11-23 10:00:00"):
        answers = [reach(address, caller=f"+3620777000{n}", call_id=f"c{n}").status_code for n in range(5)]
        assert answers == [200, 200, 200, 429, 429]
        assert Contact.objects.filter(number__startswith="+3620777").count() == 3
        # A call that is known goes on, and what is signed is believed.
        assert reach(address, caller="+36207770000", call_id="c0").status_code == 200
        assert exchange_of_line.tell("missed", id="c9").status_code == 200
    with freeze_time("2026-11-23 10:01:01"):
        assert reach(address, caller="+36207770004", call_id="c4").status_code == 200


def test_whoever_has_the_address_can_not_fill_the_list_of_parameters(address, kontakt):
    CallParameter.objects.create(subscriber=kontakt, name="shop", seen_at=timezone.now())
    for n in range(20):
        reach(address, caller=BOTI, call_id=f"c{n}", shop="Győr", **{f"p{n}_{m}": "x" for m in range(29)})
    assert 100 < CallParameter.objects.count() <= 200
    assert CallParameter.objects.get(name="shop").longest == "Győr"


def test_a_call_keeps_a_hundred_parameters(exchange_of_line):
    for n in range(5):
        exchange_of_line.tell("key", key=str(n), parameters={f"p{n}_{m}": "x" for m in range(30)})
    assert len(Call.objects.get().parameters) == 100


@pytest.mark.parametrize("charset", ["base64", "rot13", "utf-16", "nonsense"])
def test_a_form_in_no_encoding_is_no_mistake_of_ours(address, charset):
    body = b'--x\r\nContent-Disposition: form-data; name="caller"\r\n\r\n1\r\n--x--\r\n'
    for kind in (f"multipart/form-data; boundary=x; charset={charset}", f"{FORM}; charset={charset}"):
        headers = {"Content-Type": kind, "Content-Length": str(len(body))}
        assert answer(method="POST", path=address, headers=headers, body=body).status_code < 500
