"""The fast lane: webhooks answered before Django's middleware, whatever the caller or the database does."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from django.db import OperationalError, connection

from gateway.lane import answer, with_fast_lane
from server.events.models import Event
from server.messaging.models import Conversation, Message

FORM = "application/x-www-form-urlencoded"


class Caller:
    """A provider's request as an ASGI server hands it on."""

    def __init__(self, webhooks, form, *, path: str = "", chunks: int = 1) -> None:
        self.path = path or webhooks.path
        body = urlencode(form).encode()
        size = -(-len(body) // chunks)
        self.chunks = [body[i : i + size] for i in range(0, len(body), size)]
        self.headers = [
            (b"host", b"whatever"),
            (b"content-type", FORM.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"x-twilio-signature", webhooks.signature(self.path, form).encode()),
        ]
        self.said: list[dict] = []

    @property
    def scope(self) -> dict:
        return {
            "type": "http",
            "method": "POST",
            "path": self.path,
            "query_string": b"",
            "headers": self.headers,
            "client": ("127.0.0.1", 4),
        }

    async def receive(self) -> dict:
        if not self.chunks:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": self.chunks.pop(0), "more_body": bool(self.chunks)}

    async def send(self, event: dict) -> None:
        self.said.append(event)

    @property
    def status(self) -> int:
        return self.said[0]["status"]


async def django_app(scope, receive, send):
    await send({"type": "http.response.start", "status": 299, "headers": []})


def call(*callers: Caller) -> None:
    """All at once."""
    lane = with_fast_lane(django_app)

    async def all_of_them():
        await asyncio.gather(*(lane(caller.scope, caller.receive, caller.send) for caller in callers))

    asyncio.run(all_of_them())


def test_a_webhook_is_answered_and_stored(on_file, webhooks):
    caller = Caller(webhooks, webhooks.form("Szia!"), chunks=5)

    call(caller)

    assert caller.status == 200
    assert b"<Response/>" in caller.said[1]["body"]
    assert Message.objects.get().body == "Szia!"


def test_other_addresses_go_on_to_django(on_file, webhooks):
    caller = Caller(webhooks, webhooks.form(), path="/messages/")

    call(caller)

    assert caller.status == 299


@pytest.mark.parametrize("path", ["/gateway/", "/gateway/nonsense", "/gateway/twilio/no-uuid/messages/", "/gateway/%00/\x00"])
def test_an_address_that_is_none_is_not_found(on_file, webhooks, path):
    caller = Caller(webhooks, webhooks.form(), path=path)

    call(caller)

    assert caller.status == 404


def test_a_body_without_end_is_cut_and_refused(on_file, webhooks):
    caller = Caller(webhooks, webhooks.form("x" * 500_000), chunks=50)
    caller.headers = [header for header in caller.headers if header[0] != b"content-length"]

    call(caller)

    assert caller.status == 413


def test_a_caller_who_goes_away_in_the_middle_of_the_body_leaves_nothing(on_file, webhooks):
    caller = Caller(webhooks, webhooks.form(), chunks=2)
    caller.chunks.pop()
    caller.receive = _then_gone(caller.chunks[0])

    call(caller)

    assert caller.said == []
    assert Message.objects.count() == 0


def test_a_caller_who_hangs_up_before_the_answer_has_been_heard(on_file, webhooks):
    lane = with_fast_lane(django_app)
    caller = Caller(webhooks, webhooks.form("Szia!"))

    async def hang_up():
        request = asyncio.ensure_future(lane(caller.scope, caller.receive, caller.send))
        while caller.chunks:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)

    asyncio.run(hang_up())

    deadline = time.monotonic() + 10
    while not Message.objects.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_hundred_times_the_same_at_once_is_one_message_and_one_event(on_file, webhooks):
    form = webhooks.form("Szia!")
    callers = [Caller(webhooks, form) for _ in range(50)]
    headers = {"Content-Type": FORM, "X-Twilio-Signature": webhooks.signature(webhooks.path, form)}

    def by_the_ordinary_road(_: int) -> int:
        try:
            return answer(method="POST", path=webhooks.path, headers=headers, body=urlencode(form).encode()).status_code
        finally:
            connection.close()

    # The lane's one thread against eight others, as if these were other processes.
    with ThreadPoolExecutor(8) as others:
        answers = others.map(by_the_ordinary_road, range(50))
        call(*callers)

    assert [caller.status for caller in callers] == [200] * 50
    assert list(answers) == [200] * 50
    assert Message.objects.count() == Event.objects.count() == 1
    assert Conversation.objects.get().inbound_count == 1


def test_many_different_ones_at_once_are_all_stored_and_counted(on_file, webhooks):
    callers = [Caller(webhooks, webhooks.form(f"{n}", From=f"+3630999000{n % 5}")) for n in range(60)]

    call(*callers)

    assert {caller.status for caller in callers} == {200}
    assert Message.objects.count() == 60
    assert sorted(Conversation.objects.values_list("inbound_count", flat=True)) == [12] * 5
    assert list(Event.objects.order_by("number").values_list("number", flat=True)) == list(range(1, 61))


def test_too_many_at_once_are_told_to_repeat_and_those_answered_are_stored(on_file, webhooks, monkeypatch):
    monkeypatch.setattr("gateway.lane.MOST_WAITING", 5)
    callers = [Caller(webhooks, webhooks.form(f"{n}", From=f"+3630999000{n % 5}")) for n in range(60)]

    call(*callers)

    answers = [caller.status for caller in callers]
    assert set(answers) == {200, 503}
    assert Message.objects.count() == answers.count(200)


# --- The database goes away -------------------------------------------------------------------


def post(webhooks):
    form = webhooks.form("Szia!")
    headers = {"Content-Type": FORM, "X-Twilio-Signature": webhooks.signature(webhooks.path, form)}
    return answer(method="POST", path=webhooks.path, headers=headers, body=urlencode(form).encode())


def test_a_database_that_was_away_for_a_moment_is_tried_once_more(webhooks, monkeypatch):
    from server.messaging import inbound

    record, failures = inbound.record, [OperationalError("gone")]

    def record_later(**event):
        if failures:
            raise failures.pop()
        return record(**event)

    monkeypatch.setattr(inbound, "record", record_later)

    assert post(webhooks).status_code == 200
    assert Message.objects.count() == 1


def test_while_the_database_is_away_the_provider_is_asked_to_repeat(webhooks, monkeypatch):
    def gone(**_):
        raise OperationalError("gone")

    monkeypatch.setattr("server.messaging.inbound.record", gone)

    refused = post(webhooks)

    assert refused.status_code == 503
    assert refused["Retry-After"]
    assert Message.objects.count() == 0


def test_a_mistake_of_ours_is_a_500_and_stores_nothing(webhooks, monkeypatch):
    monkeypatch.setattr("server.messaging.inbound.record", lambda **_: 1 / 0)

    assert post(webhooks).status_code == 500
    assert Message.objects.count() == 0


def test_one_that_can_not_be_stored_does_not_take_those_who_came_with_it_along(on_file, webhooks, monkeypatch):
    from server.messaging import inbound

    record = inbound.record

    def not_the_third(**event):
        if Message.objects.get(pk=event["message_id"]).body == "3":
            raise OperationalError("gone")
        return record(**event)

    monkeypatch.setattr(inbound, "record", not_the_third)
    callers = [Caller(webhooks, webhooks.form(f"{n}")) for n in range(8)]

    call(*callers)

    assert [caller.status for caller in callers] == [200, 200, 200, 503, 200, 200, 200, 200]
    assert Message.objects.count() == Event.objects.count() == 7


def test_a_mistake_with_one_does_not_take_those_who_came_with_it_along(on_file, webhooks, monkeypatch):
    from server.messaging import inbound

    record = inbound.record

    def not_the_third(**event):
        return 1 / 0 if Message.objects.get(pk=event["message_id"]).body == "3" else record(**event)

    monkeypatch.setattr(inbound, "record", not_the_third)
    callers = [Caller(webhooks, webhooks.form(f"{n}")) for n in range(8)]

    call(*callers)

    assert [caller.status for caller in callers] == [200, 200, 200, 500, 200, 200, 200, 200]
    assert Message.objects.count() == Event.objects.count() == 7


def _then_gone(first: bytes):
    events = [{"type": "http.request", "body": first, "more_body": True}, {"type": "http.disconnect"}]

    async def receive():
        return events.pop(0)

    return receive
