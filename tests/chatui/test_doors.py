"""What is true of every door: methods, tokens, headers, and numbers that no database can hold."""

from __future__ import annotations

import re
import uuid

import pytest

from server.events.models import Event
from tests.conftest import PASSWORD
from tests.doors import FRAMES, Browser

READING = [
    "/",
    "/conversations/rows/",
    "/conversations/counts/",
    "/messages/",
    "/messages/new/",
    "/messages/new/lookup/",
    "/settings/",
    "/keys/",
]
READING_ONE = ["/conversations/{}/", "/conversations/{}/entries/", "/conversations/{}/colleagues/"]
WRITING_ONE = [
    f"/conversations/{{}}/{verb}/" for verb in ("send", "note", "draft", "claim", "assign", "done", "reopen", "read", "unread")
]
HUGE = ["99999999999999999999", "9223372036854775807", "9223372036854775808", "9" * 5000, "0"]


@pytest.fixture
def thread(boti_texts):
    return boti_texts("Szia").conversation


@pytest.mark.parametrize("number", HUGE, ids=lambda number: number[:22])
def test_a_number_that_no_row_can_have_is_not_found(dana, line, number):
    browser = Browser(dana)
    for address in [*READING_ONE, "/phonebook/{}/"]:
        assert browser.get(address.format(number)).status_code == 404, address
    for address in [*WRITING_ONE, "/phonebook/{}/"]:
        assert browser.say(address.format(number), uuid=uuid.uuid4(), body="x", upto=1, to="").status_code == 404, address


@pytest.mark.parametrize("number", ["-1", "abc", "1.5", "%00", "١", "1%2F..", "%F0"])
def test_what_is_no_number_is_not_found(dana, line, number):
    for address in [*READING_ONE, *WRITING_ONE, "/phonebook/{}/", "/messages/{}/retry/"]:
        assert Browser(dana).get(address.format(number)).status_code == 404, address


def test_reading_doors_answer_head_like_get_without_a_body(dana, thread):
    browser = Browser(dana)
    for address in [
        *READING,
        *(one.format(thread.pk) for one in READING_ONE),
        f"/phonebook/{thread.contact_id}/",
        "/live/?since=0",
    ]:
        answer = browser.head(address)
        assert (answer.status_code, answer.content) == (200, b""), address


def test_each_door_opens_one_way(dana, thread):
    browser = Browser(dana)
    for address in [*(one.format(thread.pk) for one in WRITING_ONE), f"/messages/{uuid.uuid4()}/retry/", "/language/", "/logout/"]:
        answer = browser.get(address)
        assert (answer.status_code, "POST" in answer.headers["Allow"]) == (405, True), address
    for address in [*READING_ONE, "/", "/conversations/rows/", "/messages/", "/messages/new/lookup/"]:
        answer = browser.post(address.format(thread.pk))
        assert (answer.status_code, "GET" in answer.headers["Allow"]) == (405, True), address
    for method in ("options", "put", "delete", "patch"):
        for address in ["/", *(one.format(thread.pk) for one in [*READING_ONE, *WRITING_ONE])]:
            assert getattr(browser, method)(address).status_code == 405, address


def test_no_door_that_writes_opens_without_the_token(dana, thread, boti_texts):
    browser = Browser(dana, enforce_csrf_checks=True)
    before = Event.objects.count()
    doors = [*(one.format(thread.pk) for one in WRITING_ONE), "/messages/new/", f"/phonebook/{thread.contact_id}/"]
    doors += [f"/messages/{uuid.uuid4()}/{verb}/" for verb in ("retry", "discard")]
    doors += ["/settings/", "/language/", "/login/", "/logout/"]
    for address in doors:
        for headers in ({}, FRAMES, {"Origin": "https://evil.example"}):
            answer = browser.post(address, {"uuid": uuid.uuid4(), "body": "x", "upto": 1}, headers=headers)
            assert answer.status_code == 403, address
    assert Event.objects.count() == before
    assert browser.get("/settings/").status_code == 200


def test_with_the_pages_token_they_open(dana, thread):
    browser = Browser(dana, enforce_csrf_checks=True)
    browser.get(f"/conversations/{thread.pk}/")
    token = browser.cookies["csrftoken"].value
    answer = browser.post(f"/conversations/{thread.pk}/claim/", headers=FRAMES | {"X-CSRFToken": token})
    assert answer.status_code == 200


def test_every_page_carries_the_security_headers(dana, thread, client):
    pages = [(Browser(dana), address) for address in [*READING, f"/conversations/{thread.pk}/", "/nowhere/", "/conversations/0/"]]
    pages += [(client, "/login/"), (client, "/health/"), (client, "/nowhere/"), (client, "/")]
    for browser, address in pages:
        headers = browser.get(address).headers
        policy = headers["Content-Security-Policy"]
        for rule in ("default-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"):
            assert rule in policy, address
        assert "unsafe" not in policy, address
        assert headers["X-Frame-Options"] == "DENY", address
        assert headers["X-Content-Type-Options"] == "nosniff", address
        assert headers["Referrer-Policy"] == "same-origin", address
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", address


def test_each_page_has_a_nonce_of_its_own_and_nothing_inline_without_it(dana, thread):
    browser = Browser(dana)
    nonces = set()
    for address in [
        "/",
        f"/conversations/{thread.pk}/",
        "/messages/",
        "/messages/new/",
        "/settings/",
        "/conversations/0/colleagues/",
    ]:
        page = browser.get(address)
        if page.status_code == 404:
            continue
        (nonce,) = set(re.findall(r"'nonce-([^']+)'", page.headers["Content-Security-Policy"]))
        nonces.add(nonce)
        for tag in re.findall(r"<(?:script|style)\b[^>]*>", page.text):
            assert f'nonce="{nonce}"' in tag or " src=" in tag or 'type="application/json"' in tag, (address, tag)
        assert not re.search(
            r"<[^>]+\s(?:style|on\w+)=", re.sub(r"<(script|template|style)\b.*?</\1>", "", page.text, flags=re.DOTALL)
        )
        assert "javascript:" not in page.text
    assert len(nonces) == 5


def test_session_cookies_are_out_of_reach_of_scripts(dana, client):
    client.post("/login/", {"username": "dana", "password": PASSWORD})
    cookie = client.cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
