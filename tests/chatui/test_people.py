"""Logging in and out, one's own settings, and sessions that end."""

from __future__ import annotations

import re

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.hashers import check_password

from server.accounts.models import Activation, AuditEntry, User
from tests.conftest import PASSWORD
from tests.doors import FRAMES, Browser

WRONG = "This name and password don't belong together"
NEW_PASSWORD = "oszi-szel-fuj-erosen"
ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example",
    "javascript:alert(1)",
    "http:///evil.example",
    "\x00//evil.example",
]


@pytest.fixture
def browser():
    return Browser(headers={"Accept-Language": "en"})


def log_in(browser: Browser, username: str = "dana", password: str = PASSWORD, **more):
    return browser.post("/login/", {"username": username, "password": password} | more)


def is_in(browser: Browser) -> bool:
    return browser.get("/settings/").status_code == 200


# --- In --------------------------------------------------------------------------------------------
def test_the_right_password_opens_the_list(browser, dana, line):
    answer = log_in(browser)
    assert (answer.status_code, answer.url) == (302, "/")
    assert browser.get("/").status_code == 200
    assert AuditEntry.objects.get(action="user.logged_in").actor == dana


def test_one_comes_back_to_where_one_wanted_to_go(browser, dana, line):
    sent_away = browser.get("/messages/?before=x")
    assert sent_away.url == "/login/?next=/messages/%3Fbefore%3Dx"
    assert "Please log in to go on." in browser.get(sent_away.url).text
    assert log_in(browser, next="/messages/?before=x").url == "/messages/?before=x"


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_nobody_is_led_to_another_site(browser, dana, elsewhere):
    assert log_in(browser, next=elsewhere).url == "/"
    assert browser.get("/login/", {"next": elsewhere}).url == "/"
    assert browser.post("/language/", {"language": "hu", "next": elsewhere}).url == "/"
    assert browser.post("/logout/", {"next": elsewhere}).url == "/login/"


@pytest.mark.parametrize("next_", ["/login/", "/login/?next=/login/", "login", "messages", "conversation", "?", "#", ""])
def test_where_to_go_next_is_no_riddle(browser, dana, next_):
    assert log_in(browser, next=next_).status_code == 302
    assert browser.get("/login/", {"next": next_}).status_code == 302
    assert browser.post("/language/", {"language": "hu", "next": next_}).status_code == 302


def test_our_scripts_are_told_to_log_in(browser, db):
    for headers in (FRAMES, {"HX-Request": "true"}):
        answer = browser.get("/messages/", headers=headers)
        assert answer.status_code == 401
        assert answer.text.strip() == "<live-log-in></live-log-in>"


@pytest.mark.parametrize("username", ["dana", "nobody", "DANA", "", "x" * 500, "dana\x00", "'; drop table"])
def test_a_wrong_password_and_an_unknown_name_look_the_same(browser, dana, username):
    def shown(name: str) -> str:
        page = log_in(browser, name, "wrong").text
        return re.sub(r'(nonce="|csrfmiddlewaretoken" value="|name="username" value=")[^"]*', "", page)

    assert log_in(browser, username, "wrong").status_code == 200
    assert shown(username) == shown("dana")
    assert WRONG in shown(username)


def test_who_has_left_can_not_log_in(browser, dana):
    User.objects.filter(pk=dana.pk).update(is_active=False)
    assert WRONG in log_in(browser).text


def test_five_wrong_passwords_lock_this_name_at_this_address_only(browser, dana, bela, line):
    for _ in range(5):
        last = log_in(browser, password="wrong")
    assert last.status_code == 429
    assert "Too many wrong passwords" in last.text
    # Now even the right one must wait,
    assert log_in(browser).status_code == 429
    assert not is_in(browser)
    # but not bela's, and not dana's from another address.
    assert log_in(Browser(), "bela").status_code == 302
    assert log_in(Browser(REMOTE_ADDR="10.1.2.3")).status_code == 302


def test_an_address_as_a_name_is_the_same_in_capitals(browser, dana):
    type(dana).objects.filter(pk=dana.pk).update(username="dana@kontakt.example")
    assert log_in(browser, "Dana@Kontakt.example").status_code == 302
    for name in ("dana@kontakt.example", "Dana@kontakt.example", "DANA@kontakt.example", "dana@Kontakt.example"):
        assert log_in(Browser(), name, "wrong").status_code == 200
    assert log_in(Browser(), "dana@kontakT.example", "wrong").status_code == 429


def test_a_name_that_nobody_has_is_locked_the_same(browser, db):
    for _ in range(5):
        last = log_in(browser, "nobody", "wrong")
    assert last.status_code == 429
    assert "Too many wrong passwords" in last.text


def test_a_name_longer_than_any_is_only_a_wrong_one(browser, db):
    answer = browser.post("/login/", {"username": "x" * 500, "password": "wrong"})
    assert answer.status_code == 200
    assert AccessAttempt.objects.get().username == "x" * 150


def test_a_right_password_forgets_the_wrong_ones(browser, dana):
    for _ in range(3):
        for _ in range(4):
            log_in(browser, password="wrong")
        assert log_in(browser).status_code == 302
        browser.post("/logout/")


def test_the_operators_staff_have_pages_of_their_own(browser, oper):
    assert log_in(browser, "oper").url == "/operator/"
    for address in ("/", "/messages/", "/messages/new/", "/conversations/1/"):
        assert browser.get(address).url == "/operator/"
    assert is_in(browser)


# --- Out -------------------------------------------------------------------------------------------
def test_one_logs_out_by_a_form_never_by_a_link(browser, dana):
    log_in(browser)
    assert browser.get("/logout/").status_code == 405
    assert is_in(browser)
    assert browser.post("/logout/").url == "/login/"
    assert not is_in(browser)
    assert AuditEntry.objects.filter(action="user.logged_out", actor=dana).count() == 1


def test_logging_out_without_being_in_is_harmless(browser, db):
    assert browser.post("/logout/").url == "/login/"


def test_who_is_deactivated_is_out_with_the_next_request(dana, line):
    browser = Browser(dana)
    assert browser.get("/").status_code == 200
    User.objects.filter(pk=dana.pk).update(is_active=False)
    assert browser.get("/").url == "/login/?next=/"
    assert browser.post("/messages/new/", headers=FRAMES).status_code == 401


def test_who_moves_to_another_company_takes_nothing_along(dana, rival, rival_line, boti_texts):
    conversation = boti_texts("Titok").conversation
    browser = Browser(dana)
    browser.say(f"/conversations/{conversation.pk}/draft/", body="unfinished")
    # The line access of the old company may still be there.
    User.objects.filter(pk=dana.pk).update(subscriber=rival)

    for address in ("/", "/messages/", "/?view=mine", "/messages/new/lookup/?to=boti"):
        page = browser.get(address).text
        assert "Titok" not in page
        assert "Boti" not in page
        assert "unfinished" not in page
    assert browser.get(f"/conversations/{conversation.pk}/").status_code == 404
    assert "Support" not in browser.get("/messages/new/").text


def test_without_an_activation_there_is_no_service_and_no_error(dana, kontakt):
    Activation.objects.filter(subscriber=kontakt).delete()
    assert Browser(dana).get("/").status_code == 403


# --- One's own settings ------------------------------------------------------------------------------
def change(browser: Browser, old: str = PASSWORD, new: str = NEW_PASSWORD, again: str | None = None):
    return browser.post("/settings/", {"old_password": old, "new_password1": new, "new_password2": new if again is None else again})


def test_a_new_password_ends_all_other_sessions_and_keeps_this_one(dana):
    here, elsewhere = Browser(dana), Browser(dana)
    assert change(here).url == "/settings/"
    assert "You have been logged out everywhere else." in here.get("/settings/").text
    assert is_in(here)
    assert not is_in(elsewhere)
    assert log_in(Browser()).status_code == 200
    assert log_in(Browser(), password=NEW_PASSWORD).status_code == 302
    assert AuditEntry.objects.filter(action="user.password_changed").count() == 1


@pytest.mark.parametrize(
    "wrong", [{"old": "wrong"}, {"again": "another"}, {"new": "rovid"}, {"new": "password123"}, {"new": "12345678901"}, {"new": ""}]
)
def test_a_password_that_will_not_do_is_told_and_nothing_changes(dana, wrong):
    browser = Browser(dana)
    answer = change(browser, **wrong)
    assert answer.status_code == 422
    assert "errorlist" in answer.text
    dana.refresh_from_db()
    assert check_password(PASSWORD, dana.password)
    assert is_in(browser)
    assert not any(typed in answer.text for typed in ("rovid", "password123", "12345678901"))


def test_an_empty_form_asks_for_what_is_missing(dana):
    answer = Browser(dana).post("/settings/")
    assert answer.status_code == 422
    assert answer.text.count("This field is required.") == 3


def test_each_person_is_spoken_to_in_their_language(dana, bela, line):
    assert '<html lang="en">' in Browser(dana).get("/").text
    assert '<html lang="hu">' in Browser(bela).get("/").text
    browser = Browser(dana)
    assert browser.post("/language/", {"language": "hu", "next": "/settings/"}).url == "/settings/"
    page = browser.get("/settings/")
    assert '<html lang="hu">' in page.text
    assert page.headers["Content-Language"] == "hu"


@pytest.mark.parametrize("chosen", ["", "de", "xx", "../hu", "\x00", "hu\r\nSet-Cookie: a=b"])
def test_a_language_that_we_do_not_speak_changes_nothing(dana, chosen):
    browser = Browser(dana)
    answer = browser.post("/language/", {"language": chosen})
    assert answer.status_code == 302
    assert "django_language" not in answer.cookies
    dana.refresh_from_db()
    assert dana.language == "en"


def test_before_logging_in_the_language_is_kept_in_a_cookie(browser, db):
    browser.post("/language/", {"language": "hu"})
    assert '<html lang="hu">' in browser.get("/login/").text
    browser.post("/language/", {"language": "en"})
    assert '<html lang="en">' in browser.get("/login/").text


def test_the_list_of_keys_is_for_those_who_are_in(dana, browser):
    assert browser.get("/keys/").url == "/login/?next=/keys/"
    assert "<kbd>" in Browser(dana).get("/keys/").text
