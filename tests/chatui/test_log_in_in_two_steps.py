"""The password first, then a code: until both were right, nobody is in."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.sessions.models import Session
from django.db import connection

from chatui import logging_in
from server.accounts import second_step
from server.accounts.models import AuditEntry, User, UserSession
from tests.chatui.test_people import ELSEWHERE, is_in, log_in
from tests.codes import a_while_goes_by, app_code, has_app, wrong_code
from tests.conftest import NOW, PASSWORD
from tests.doors import FRAMES, Browser, verified

AGAIN = "Please log in again."


@pytest.fixture
def browser():
    return Browser(headers={"Accept-Language": "en", "User-Agent": "Fonal's tests"})


@pytest.fixture
def recovery_codes(dana) -> list[str]:
    return has_app(dana)


def type_code(browser: Browser, code: str):
    return browser.post("/login/code/", {"code": code})


def told(browser: Browser, **more: str) -> list[dict[str, str]]:
    return [entry.detail for entry in AuditEntry.objects.filter(**more).order_by("pk")]


@pytest.mark.usefixtures("recovery_codes")
def test_after_the_password_the_code_is_asked_and_only_then_is_one_in(browser, dana, line):
    answer = log_in(browser, next="/messages/?line=1")
    assert (answer.status_code, answer.url) == (302, "/login/code/")
    assert "Your password is right." in browser.get("/login/code/").text
    assert not is_in(browser)
    assert not AuditEntry.objects.filter(action="user.logged_in").exists()

    assert type_code(browser, app_code(dana)).url == "/messages/?line=1"
    assert is_in(browser)
    entry = AuditEntry.objects.get(action="user.logged_in")
    assert (entry.actor, entry.detail) == (dana, {"second_step": "app"})


@pytest.mark.usefixtures("recovery_codes", "line")
@pytest.mark.parametrize(
    "address", ["/", "/messages/", "/settings/", "/settings/two-factor/", "/figures/", "/keys/", "/admin/", "/operator/", "/live/"]
)
def test_who_is_half_way_in_is_nobody_everywhere(browser, dana, address):
    log_in(browser)
    answer = browser.get(address)
    assert answer.status_code == 302
    assert "/login/?next=" in answer.url
    assert browser.post(address, headers=FRAMES).status_code in {302, 401, 403, 405}
    browser.post("/settings/two-factor/", {"act": "remove"})
    assert second_step.has_second_step(dana)


def test_without_a_password_there_is_no_page_for_a_code(browser, dana):
    assert browser.get("/login/code/").url == "/login/"
    assert type_code(browser, "123456").url == "/login/"
    assert AGAIN in browser.get("/login/").text


@pytest.mark.usefixtures("recovery_codes")
@pytest.mark.parametrize("write", ["{}", " {} ", "{0:.3} {0:.3}"])
def test_a_code_may_be_typed_with_spaces(browser, dana, write):
    log_in(browser)
    code = app_code(dana)
    assert type_code(browser, write.format(code) if "0:" not in write else f"{code[:3]} {code[3:]}").url == "/"
    assert is_in(browser)


def test_a_recovery_code_lets_in_once(browser, dana, recovery_codes):
    log_in(browser)
    assert type_code(browser, recovery_codes[0].upper().replace("-", " ")).url == "/"
    assert is_in(browser)
    assert told(browser, action="user.recovery_code_used") == [{"left": 9}]
    assert told(browser, action="user.logged_in") == [{"second_step": "recovery_code"}]

    again = Browser(headers={"Accept-Language": "en"})
    log_in(again)
    assert type_code(again, recovery_codes[0]).status_code == 422
    assert not is_in(again)


@pytest.mark.usefixtures("recovery_codes")
def test_a_code_that_was_used_is_worth_nothing(browser, dana):
    log_in(browser)
    code = app_code(dana)
    type_code(browser, code)
    thief = Browser(headers={"Accept-Language": "en"})
    log_in(thief)
    answer = type_code(thief, code)
    assert answer.status_code == 422
    assert "it was used already" in answer.text
    assert not is_in(thief)


def test_another_persons_code_is_a_wrong_one(browser, dana, bela, recovery_codes):
    his = has_app(bela)
    log_in(browser)
    for code in (app_code(bela), his[0]):
        assert type_code(browser, code).status_code == 422
        a_while_goes_by(dana)
    assert not is_in(browser)


@pytest.mark.usefixtures("recovery_codes")
def test_after_a_wrong_code_there_is_a_pause_that_grows(browser, dana):
    log_in(browser)
    for _ in range(3):
        assert type_code(browser, wrong_code(dana)).status_code == 422
        # Within the pause not even the right one is looked at.
        waiting = type_code(browser, app_code(dana))
        assert waiting.status_code == 422
        assert "there is a pause. Please try again in" in waiting.text
        a_while_goes_by(dana)
    assert type_code(browser, app_code(dana)).url == "/"
    assert told(browser, action="user.log_in_failed", target="dana") == [{"step": "code"}] * 3


@pytest.mark.usefixtures("recovery_codes")
def test_after_five_wrong_codes_one_starts_over_and_the_pause_stays(browser, dana):
    log_in(browser)
    for _ in range(5):
        a_while_goes_by(dana)
        last = type_code(browser, wrong_code(dana))
    assert last.url == "/login/"
    assert "Too many wrong codes." in browser.get("/login/").text
    assert browser.get("/login/code/").url == "/login/"
    log_in(browser)
    assert "Please try again in" in type_code(browser, app_code(dana)).text
    assert not is_in(browser)


@pytest.mark.usefixtures("recovery_codes")
def test_five_minutes_later_one_starts_over_and_still_gets_where_one_wanted(browser, dana, monkeypatch):
    log_in(browser, next="/figures/")
    in_time = time.time() + logging_in.PENDING_SECONDS
    monkeypatch.setattr(logging_in.time, "time", lambda: in_time + 1)
    assert browser.get("/login/code/").url == "/login/?next=%2Ffigures%2F"
    monkeypatch.undo()
    assert type_code(browser, app_code(dana)).url == "/login/"
    assert not is_in(browser)


@pytest.mark.usefixtures("recovery_codes")
@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "another"}])
def test_who_was_deactivated_or_got_another_password_between_the_steps_stays_out(browser, dana, change):
    log_in(browser)
    User.objects.filter(pk=dana.pk).update(**change)
    assert type_code(browser, app_code(dana)).url == "/login/"
    assert not is_in(browser)


@pytest.mark.usefixtures("recovery_codes")
def test_whose_second_step_was_reset_between_the_steps_starts_over(browser, dana, ada):
    log_in(browser)
    code = app_code(dana)
    second_step.reset_second_step(user=dana, by=ada, now=NOW)
    assert type_code(browser, code).url == "/login/"
    assert not is_in(browser)
    assert log_in(browser).url == "/"


@pytest.mark.usefixtures("recovery_codes")
def test_each_step_gives_the_session_another_key(browser, dana):
    """Whoever planted a session in somebody's browser does not know the one they log in with."""
    session = browser.session
    session["planted"] = True
    session.save()
    browser.cookies["sessionid"] = session.session_key
    log_in(browser)
    pending = browser.cookies["sessionid"].value
    type_code(browser, app_code(dana))
    inside = browser.cookies["sessionid"].value

    assert len({session.session_key, pending, inside}) == 3
    assert [*Session.objects.values_list("session_key", flat=True)] == [inside]
    assert "planted" not in browser.session
    assert logging_in.PENDING not in browser.session
    # It lives as long as any other.
    assert browser.session.get_expiry_age() > 24 * 3600


@pytest.mark.usefixtures("recovery_codes")
def test_two_who_log_in_at_once_need_a_code_each(dana):
    one, two = Browser(), Browser()
    for each in (one, two):
        log_in(each)
    code = app_code(dana)
    assert sorted(type_code(each, code).status_code for each in (one, two)) == [302, 422]
    assert is_in(one) != is_in(two)


@pytest.mark.usefixtures("recovery_codes")
@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_the_second_step_leads_to_no_other_site(browser, dana, elsewhere):
    log_in(browser, next=elsewhere)
    assert type_code(browser, app_code(dana)).url == "/"


def test_who_is_in_is_not_asked_again(dana):
    assert verified(dana).get("/login/code/").url == "/"


def test_the_operators_staff_land_on_their_own_pages(browser, oper):
    has_app(oper)
    log_in(browser, "oper")
    assert type_code(browser, app_code(oper)).url == "/operator/"
    assert browser.get("/operator/").status_code == 200


@pytest.mark.usefixtures("recovery_codes")
def test_the_page_tells_no_code_outside_the_demo(browser, dana, settings):
    log_in(browser)
    assert "Demo" not in browser.get("/login/code/").text
    with pytest.raises(RuntimeError):
        second_step.code_of_now(second_step.device_of(dana))
    settings.DEMO = True
    code = app_code(dana)
    assert f"Demo: the code is {code[:3]} {code[3:]}" in browser.get("/login/code/").text


@pytest.mark.parametrize("name", ["oper", "dana"])
def test_the_admins_own_log_in_is_no_way_around_it(browser, dana, oper, name):
    has_app(User.objects.get(username=name))
    answer = browser.post("/admin/login/", {"username": name, "password": PASSWORD, "next": "/admin/"})
    assert answer.url.startswith("/login/")
    assert not is_in(browser)
    assert browser.get("/admin/").status_code == 302


def test_a_session_without_the_second_step_opens_nothing_of_the_operators(oper):
    has_app(oper)
    browser = Browser(oper)
    for address in ("/operator/", "/admin/"):
        assert browser.get(address).status_code == 302


@pytest.mark.usefixtures("on_disk")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["app", "recovery_code"])
def test_of_two_who_show_a_code_at_the_same_moment_one_gets_in(dana, kind):
    codes = has_app(dana)
    code = app_code(dana) if kind == "app" else codes[0]
    start = Barrier(4)

    def show() -> str:
        start.wait(20)
        try:
            return second_step.check_code(user=dana, code=code, now=NOW)
        except (second_step.WrongCode, second_step.MustWait):
            return "no"
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as people:
        answers = sorted(each.result() for each in [people.submit(show) for _ in range(4)])
    assert answers == sorted([kind, "no", "no", "no"])


# --- What is written down ---------------------------------------------------------------------------
def test_a_failure_names_only_whom_we_know(browser, dana):
    log_in(browser, "dana", "wrong")
    log_in(browser, "my-secret-password", "dana")
    dana_s, nobodys = AuditEntry.objects.filter(action="user.log_in_failed").order_by("pk")
    assert (dana_s.target, dana_s.subscriber, dana_s.actor, dana_s.detail) == ("dana", dana.subscriber, None, {"step": "password"})
    assert (nobodys.target, nobodys.subscriber) == ("", None)
    assert not AuditEntry.objects.filter(target__contains="secret").exists()


def test_a_lock_out_is_told_once(browser, dana):
    for _ in range(8):
        log_in(browser, password="wrong")
    assert AuditEntry.objects.get(action="user.locked_out").target == "dana"
    assert AuditEntry.objects.filter(action="user.log_in_failed").count() == 5


def test_the_lock_out_goes_by_the_address_that_our_own_proxy_saw(dana, settings):
    settings.TRUSTED_PROXIES = 1

    def try_from(address: str, invented: str, password: str):
        headers = {"X-Forwarded-For": f"{invented}, {address}"}
        return Browser(headers=headers, REMOTE_ADDR="10.0.0.1").post("/login/", {"username": "dana", "password": password})

    for n in range(5):
        last = try_from("203.0.113.7", f"198.51.100.{n}", "wrong")
    assert last.status_code == 429
    assert try_from("203.0.113.7", "198.51.100.99", PASSWORD).status_code == 429
    # She herself sits elsewhere, behind the same proxy.
    assert try_from("203.0.113.8", "203.0.113.7", PASSWORD).status_code == 302
    assert {entry.address for entry in AuditEntry.objects.filter(action="user.log_in_failed")} == {"203.0.113.7"}
    assert UserSession.objects.get().address == "203.0.113.8"
