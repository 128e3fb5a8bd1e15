"""What an exchange tells of its calls, through the front door."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone
from freezegun import freeze_time

from gateway.forgetting import forget_person
from gateway.lane import answer
from gateway.models import WebhookReceipt
from server.calls.models import Call, CallEvent, CallParameter, MessageNode
from server.contacts.models import Contact
from server.events.models import Event
from server.lines.models import Line
from server.messaging.models import Conversation
from server.privacy.forgetting import Traces
from tests.conftest import BOTI
from tests.gateway.exchange import Exchange


@pytest.fixture
def exchange(line) -> Exchange:
    return Exchange(line)


@pytest.fixture
def node(kontakt) -> MessageNode:
    return MessageNode.objects.create(subscriber=kontakt, name="After hours", created_at=timezone.now())


def ago(**spans: float) -> str:
    return (datetime.now(UTC) - timedelta(**spans)).isoformat(timespec="seconds")


def problems_of(answer) -> dict[str, str]:
    assert answer.status_code == 422, answer.content
    return {f"{problem['index']}.{problem['field']}": problem["problem"] for problem in answer.json()["refused"]}


def test_a_missed_call_becomes_a_call_with_its_contact_thread_and_event(exchange, line):
    answer = exchange.tell("missed", at=ago(seconds=30), queue="Support", parameters={"shop": "Győr", "order": 17})

    call = Call.objects.get()
    assert (answer.status_code, answer.json()) == (200, {"stored": 1, "known": 0})
    assert (call.exchange_id, call.state, call.partner, call.called, call.queue) == ("c1", "missed", BOTI, line.number, "Support")
    assert call.parameters == {"shop": "Győr", "order": "17"}
    assert call.conversation == Conversation.objects.get(line=line, contact__number=BOTI)
    assert set(CallParameter.objects.values_list("name", "longest")) == {("shop", "Győr"), ("order", "17")}
    assert Event.objects.get().message_id == call.pk


def test_three_times_the_same_request_is_one_row_and_one_event(exchange):
    body = json.dumps(exchange.event()).encode()
    headers = exchange.headers(body)

    answers = [exchange.post_raw(body, headers=headers) for _ in range(3)]

    assert [answer.json() for answer in answers] == [{"stored": 1, "known": 0}, *[{"stored": 0, "known": 1}] * 2]
    assert Call.objects.count() == CallEvent.objects.count() == Event.objects.count() == 1
    assert sorted(WebhookReceipt.objects.values_list("outcome", flat=True)) == ["known already", "known already", "stored"]


def test_a_batch_tells_the_whole_life_of_calls(exchange, node):
    events = [
        exchange.event("ringing", at=ago(seconds=60)),
        exchange.event("key", key="1", at=ago(seconds=50)),
        exchange.event("node", node=str(node.key), at=ago(seconds=45)),
        exchange.event("answered", agent="Bea", duration=12, at=ago(seconds=40)),
        exchange.event("busy", id="c2", caller="+447700900123"),
        exchange.event("failed", id="c3", direction="out", caller="+36301110001", called="+36309990002"),
    ]
    assert exchange.post({"events": events}).json() == {"stored": 6, "known": 0}
    calls = {call.exchange_id: call for call in Call.objects.all()}
    assert {name: (call.direction, call.state, call.partner) for name, call in calls.items()} == {
        "c1": ("in", "answered", BOTI),
        "c2": ("in", "busy", "+447700900123"),
        "c3": ("out", "failed", "+36309990002"),
    }
    assert (calls["c1"].agent, calls["c1"].duration) == ("Bea", 12)
    kept = [(event.kind, event.detail, event.node) for event in calls["c1"].events.order_by("pk")]
    assert kept == [("ringing", "", None), ("key", "1", None), ("node", str(node.key), node), ("answered", "", None)]


def test_of_a_batch_with_a_bad_event_the_good_ones_are_stored_and_the_answer_says_so(exchange):
    answer = exchange.post({"events": [exchange.event(), exchange.event("exploded", id=""), exchange.event(id="c2")]})

    assert answer.json()["stored"] == 2
    assert set(problems_of(answer)) == {"1.event", "1.id"}
    assert Call.objects.count() == 2
    assert WebhookReceipt.objects.get().outcome == "events not readable"


def test_a_time_from_the_future_is_now_and_a_missing_one_too(exchange):
    exchange.tell("missed", at=(datetime.now(UTC) + timedelta(hours=2)).isoformat())
    exchange.tell("missed", id="c2")
    assert all(call.began_at == call.told_at for call in Call.objects.all())


@pytest.mark.parametrize(
    "written", ["2026-11-23T10:05:00+01:00", "2026-11-23T10:05:00+0100", "2026-11-23T09:05:00Z", "2026-11-23T09:05:00.123456789Z"]
)
@freeze_time("2026-11-23T09:06:00Z")
def test_times_are_read_with_their_zone(exchange, written):
    assert exchange.tell(at=written).status_code == 200
    assert Call.objects.get().began_at.replace(microsecond=0) == datetime(2026, 11, 23, 9, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", None),
        ("id", ""),
        ("id", "  "),
        ("id", 17),
        ("id", "x" * 129),
        ("event", None),
        ("event", "hung_up"),
        ("event", ["missed"]),
        ("at", "yesterday"),
        ("at", "2026-11-23T10:05:00"),
        ("at", "2026-13-23T10:05:00Z"),
        ("at", 1763900000),
        ("at", "0001-01-01T00:00:00+14:00"),
        ("at", "2020-01-01T00:00:00Z"),
        ("at", "٢٠٢٦-11-23T10:05:00Z"),
        ("direction", "sideways"),
        ("direction", {}),
        ("caller", 36301234567),
        ("caller", "1" * 65),
        ("called", []),
        ("queue", "q" * 81),
        ("agent", "a" * 81),
        ("duration", -1),
        ("duration", 1.5),
        ("duration", True),
        ("duration", "12"),
        ("duration", 10**9),
        ("key", "1"),
        ("node", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
        ("parameters", ["shop"]),
        ("parameters", {f"p{n}": "x" for n in range(31)}),
        ("calller", "+36301234567"),
    ],
)
def test_a_field_that_is_wrong_is_named_and_nothing_is_stored(exchange, field, value):
    event = exchange.event() | {field: value}
    assert set(problems_of(exchange.post(event))) == {f"0.{field}"}
    assert Call.objects.count() == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("Shop", "x"), ("", "x"), ("a b", "x"), ("x" * 41, "x"), ("é", "x"), ("shop", "x" * 201), ("shop", None), ("shop", True), ("shop", ["x"]), ("shop", {})],
)  # fmt: skip
def test_a_parameter_that_is_wrong_is_named(exchange, name, value):
    assert set(problems_of(exchange.tell(parameters={name: value}))) == {f"0.parameters.{name[:40]}"}


@pytest.mark.parametrize("key", [None, "", "x", "1" * 33, 1])
def test_a_pressed_key_must_be_one(exchange, key):
    assert set(problems_of(exchange.tell("key", key=key))) == {"0.key"}


@pytest.mark.parametrize("which", ["missing", "deleted", "rival's", "nonsense"])
def test_a_node_must_be_one_of_the_company_s(exchange, node, rival, which):
    if which == "deleted":
        MessageNode.objects.update(deleted_at=timezone.now())
    if which == "rival's":
        MessageNode.objects.update(subscriber=rival)
    key = {"missing": None, "nonsense": "x" * 36}.get(which, str(node.key))
    assert set(problems_of(exchange.tell("node", node=key))) == {"0.node"}
    assert Call.objects.count() == 0


@pytest.mark.parametrize(
    "body",
    [
        b" ", b"x", b"[]", b'"missed"', b"null", b'{"events": []}', b'{"events": {}}', b'{"events": [{}], "id": "c1"}', b"\xff\xfe",
        b'{"id": NaN}', b'{"id": 1e999}', b"[" * 60_000, b'{"a":' * 9000 + b"1" + b"}" * 9000, b'{"id": ' + b"9" * 5000 + b"}",
        json.dumps({"events": [{}] * 101}).encode(),
    ],
)  # fmt: skip
def test_a_body_that_is_no_events_is_refused(exchange, body):
    answer = exchange.post_raw(body)
    assert answer.status_code in {400, 422}
    assert Call.objects.count() == 0
    assert WebhookReceipt.objects.get().signature_ok


def test_what_lies_deep_is_not_kept(exchange):
    deep: object = 1
    for _ in range(800):
        deep = {"a": deep}
    assert set(problems_of(exchange.tell(caller=deep))) == {"0.caller"}


def test_letters_that_no_database_keeps_are_replaced(exchange):
    assert exchange.tell(id="c\x001", queue="a\ud83d", caller="+3630\x00", parameters={"shop": "\x00"}).status_code == 200
    call = Call.objects.get()
    assert (call.exchange_id, call.queue, call.parameters) == ("c\ufffd1", "a\ufffd", {"shop": "\ufffd"})


def test_only_json_is_read(exchange):
    assert exchange.post_raw(b"id=c1", content_type="application/x-www-form-urlencoded").status_code == 415


def test_what_is_too_large_is_refused_before_it_is_read(exchange, settings):
    assert exchange.post_raw(b" " * (settings.WEBHOOK_MAX_BYTES + 1)).status_code == 413


def test_a_hundred_events_fit(exchange):
    events = [exchange.event("missed", id=f"c{n}", at=ago(seconds=n)) for n in range(100)]
    assert exchange.post({"events": events}).json() == {"stored": 100, "known": 0}


def test_only_post_is_answered(exchange):
    assert exchange.client.get(exchange.path).status_code == 405


def test_a_line_that_is_none_is_not_found(exchange):
    body = json.dumps(exchange.event()).encode()
    path = "/gateway/pbx/3f2504e0-4f89-41d3-9a0c-0305e82c3301/calls/"
    assert exchange.post_raw(body, path=path).status_code == 404


@pytest.mark.parametrize("how", ["none", "other secret", "other body", "no timestamp", "word", "other time", "empty secret"])
def test_a_forged_signature_is_refused_and_noted_without_what_it_said(exchange, how):
    body = json.dumps(exchange.event()).encode()
    headers = exchange.headers(body)
    if how == "none":
        headers = {}
    elif how == "other secret":
        headers = exchange.headers(body, secret="guessed")
    elif how == "other body":
        headers = exchange.headers(body + b" ")
    elif how == "no timestamp":
        del headers["X-Fonal-Timestamp"]
    elif how == "word":
        headers["X-Fonal-Signature"] = "sha256=please"
    elif how == "other time":
        headers["X-Fonal-Timestamp"] = str(int(time.time()) + 1)
    else:
        headers = exchange.headers(body, secret="")
        Line.objects.filter(pk=exchange.line.pk).update(pbx_secret="")
    answer = exchange.post_raw(body, headers=headers)
    assert answer.status_code == 403
    assert len(answer.content.splitlines()) == 2
    assert Call.objects.count() == Contact.objects.count() == 0
    receipt = WebhookReceipt.objects.get()
    assert (receipt.signature_ok, set(receipt.raw)) == (False, {"seen"})


def test_another_line_s_secret_opens_nothing_here(exchange, sales_line, rival_line):
    body = json.dumps(exchange.event()).encode()
    for other in (sales_line, rival_line):
        assert exchange.post_raw(body, headers=exchange.headers(body, secret=other.pbx_secret)).status_code == 403
    assert Call.objects.count() == 0


@pytest.mark.parametrize(("minutes", "status"), [(-4.9, 200), (4.9, 200), (5.2, 403), (-5.2, 403), (60 * 24, 403)])
def test_what_was_signed_more_than_five_minutes_ago_is_refused(exchange, minutes, status):
    body = json.dumps(exchange.event()).encode()
    answer = exchange.post_raw(body, headers=exchange.headers(body, at=time.time() - minutes * 60))
    assert answer.status_code == status
    if status == 403:
        assert answer.content.startswith(b"exchange clock differs\n")


def test_whoever_can_not_sign_is_not_told_that_the_clock_is_wrong(exchange):
    body = json.dumps(exchange.event()).encode()
    answer = exchange.post_raw(body, headers=exchange.headers(body, secret="guessed", at=0))
    assert answer.content.startswith(b"exchange signature wrong\n")


@pytest.mark.parametrize("timestamp", ["soon", "1e9", "-5", "٣", "9" * 30])
def test_a_timestamp_must_be_whole_seconds(exchange, timestamp):
    body = json.dumps(exchange.event()).encode()
    headers = exchange.headers(body) | {"X-Fonal-Timestamp": timestamp}
    assert (
        exchange.post_raw(body, headers={name: value.encode().decode("latin-1") for name, value in headers.items()}).status_code
        == 403
    )


def test_a_secret_that_can_not_be_read_asks_to_try_again(exchange):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE lines_line SET pbx_secret = 'gAAAA-not-ours'")
    assert exchange.tell().status_code == 503


def test_the_receipt_keeps_what_was_said_and_never_the_secret(exchange):
    exchange.tell("missed", caller="06 30 999 0001", parameters={"shop": "Győr"})
    receipt = WebhookReceipt.objects.get()
    assert (receipt.provider, receipt.kind, receipt.signature_ok) == ("pbx", "call", True)
    assert receipt.raw["events"][0]["parameters"] == {"shop": "Győr"}
    # However it was written, an erasure finds it by the number.
    assert receipt.raw["partners"] == [BOTI]
    assert exchange.line.pbx_secret not in json.dumps(receipt.raw)


def test_of_a_person_who_was_erased_no_receipt_is_kept(exchange):
    exchange.tell("ringing")
    Call.objects.update(redacted_at=timezone.now())
    exchange.tell("missed")
    assert WebhookReceipt.objects.latest("pk").raw == {}


def test_an_erasure_finds_the_receipts_however_the_exchange_writes_numbers(exchange, line):
    exchange.tell("missed", caller="06 (30) 999-0001")
    exchange.tell("missed", id="c2", caller="06309990002")
    assert forget_person(Traces(numbers=[BOTI], line_ids=[line.pk], provider_message_ids=[])) == 1
    assert [bool(receipt.raw) for receipt in WebhookReceipt.objects.order_by("pk")] == [False, True]


def test_an_erasure_finds_receipts_of_events_that_were_refused_and_of_our_own_calls(exchange, line):
    exchange.tell("missed", caller="06 (30) 999-0001", agent=1)
    exchange.tell("answered", id="c2", direction="out", caller=line.number, called="06 (30) 999-0001")
    assert not Call.objects.filter(exchange_id="c1").exists()
    assert forget_person(Traces(numbers=[BOTI], line_ids=[line.pk], provider_message_ids=[])) == 2


def test_calls_of_a_line_that_is_switched_off_are_kept_all_the_same(exchange):
    Line.objects.update(is_active=False)
    assert exchange.tell().status_code == 200
    assert Call.objects.count() == 1


def test_the_fast_lane_answers_it_alike(exchange, db):
    body = json.dumps(exchange.event()).encode()
    headers = exchange.headers(body) | {"Content-Type": "application/json", "Content-Length": str(len(body))}
    said = answer(method="POST", path=exchange.path, headers=headers, body=body)
    assert (said.status_code, json.loads(said.content)) == (200, {"stored": 1, "known": 0})


def test_the_same_event_by_many_at_once_is_one(on_file, line):
    exchange = Exchange(line)

    def told(_) -> int:
        try:
            return exchange.tell().json()["stored"]
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(told, range(6))) == [0, 0, 0, 0, 0, 1]
    assert Call.objects.count() == CallEvent.objects.count() == 1
