"""Setting up the second step of one's log-in, recovery codes, and switching it off."""

from __future__ import annotations

import re
from base64 import b32decode

import pytest
from django.db.models import Q
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from server.accounts import second_step
from server.accounts.models import AuditEntry, User
from tests.chatui.test_people import ELSEWHERE, is_in, log_in
from tests.codes import a_while_goes_by, app_code, has_app, wrong_code
from tests.doors import Browser, verified

PAGE = "/settings/two-factor/"
CODES = re.compile(r"<li><code>([a-z2-9]{5}-[a-z2-9]{5})</code></li>")


@pytest.fixture
def oper(oper) -> User:
    oper.language = "en"
    oper.save()
    return oper


def act(browser: Browser, what: str, code: str = "", to: str = ""):
    return browser.post(PAGE, {"act": what, "code": code, "next": to})


def set_up(browser: Browser, user, to: str = "") -> list[str]:
    act(browser, "begin")
    codes = CODES.findall(act(browser, "confirm", app_code(user), to).text)
    a_while_goes_by(user)
    return codes


def actions() -> list[str]:
    about = Q(action__contains="code") | Q(action__contains="second_step")
    return [*AuditEntry.objects.filter(about).order_by("pk").values_list("action", flat=True)]


# --- Setting up -------------------------------------------------------------------------------------
def test_one_is_shown_a_picture_and_the_secret_in_groups(dana):
    browser = Browser(dana)
    assert "It is switched off" in browser.get(PAGE).text
    assert not TOTPDevice.objects.exists()
    act(browser, "begin")
    page = browser.get(PAGE).text
    device = TOTPDevice.objects.get(user=dana)
    secret = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page)[1]
    assert b32decode(secret.replace(" ", "")) == device.bin_key
    assert max(map(len, secret.split())) == 4
    # Our CSP takes no style in attributes.
    picture = re.search(r"<svg viewBox.*?</svg>", page)[0]
    assert "style" not in picture
    assert not second_step.has_second_step(dana)


def test_the_app_shows_that_it_knows_the_secret_and_ten_recovery_codes_are_shown_once(dana):
    browser = Browser(dana)
    codes = set_up(browser, dana)
    assert len(set(codes)) == 10
    assert second_step.has_second_step(dana)
    # This session has shown it just now.
    page = browser.get(PAGE).text
    assert "It is switched on" in page
    assert "Recovery codes left: 10." in page
    assert not CODES.findall(page)
    assert actions() == ["user.second_step_set"]


def test_recovery_codes_can_not_be_read_out_of_the_database(dana):
    codes = has_app(dana)
    kept = [*StaticToken.objects.values_list("token", flat=True)]
    assert len(kept) == 10
    assert not {code.replace("-", "") for code in codes} & set(kept)


def test_setting_it_up_ends_the_log_ins_that_had_no_second_step(dana):
    here, elsewhere = Browser(dana), Browser(dana)
    before = here.cookies["sessionid"].value
    set_up(here, dana)
    assert is_in(here)
    assert here.cookies["sessionid"].value != before
    assert not is_in(elsewhere)
    assert not is_in(Browser(headers={"Cookie": f"sessionid={before}"}))


def test_a_wrong_code_switches_nothing_on(dana):
    browser = Browser(dana)
    act(browser, "begin")
    answer = act(browser, "confirm", wrong_code(dana))
    assert answer.status_code == 422
    assert "This code is not the right one" in answer.text
    # The same picture is there still: the app has it already.
    assert 'class="secret"' in answer.text
    assert not second_step.has_second_step(dana)
    assert log_in(Browser()).url == "/"


def test_another_secret_ends_the_one_before(dana):
    browser = Browser(dana)
    act(browser, "begin")
    first = app_code(dana)
    act(browser, "begin")
    assert TOTPDevice.objects.filter(user=dana).count() == 1
    assert first != app_code(dana) or act(browser, "confirm", first).status_code == 200


def test_two_tabs_set_up_one_second_step(dana):
    browser = Browser(dana)
    act(browser, "begin")
    code = app_code(dana)
    act(browser, "confirm", code)
    assert act(browser, "confirm", code).status_code == 409
    assert act(browser, "begin").status_code == 409
    assert TOTPDevice.objects.filter(user=dana).count() == 1
    assert actions() == ["user.second_step_set"]


@pytest.mark.parametrize("code", ["", "abcdef", "12345", "1234567", "１２３４５６", "\x00", "-1", "1e5", "9" * 5000])
@pytest.mark.parametrize("what", ["confirm", "verify", "codes", "remove", "", "reset"])
def test_nothing_but_the_right_code_does_anything(dana, bela, what, code):
    has_app(dana)
    browser = verified(dana)
    assert act(browser, what, code).status_code in {409, 422}
    assert second_step.second_step_of(dana).recovery_codes_left == 10
    assert act(Browser(bela), what, code).status_code in {409, 422}


# --- Afterwards -------------------------------------------------------------------------------------
def test_new_recovery_codes_end_those_before(dana):
    old = has_app(dana)
    browser = verified(dana)
    new = CODES.findall(act(browser, "codes", app_code(dana)).text)
    assert len(set(new) - set(old)) == 10
    a_while_goes_by(dana)
    assert act(browser, "remove", old[0]).status_code == 422
    a_while_goes_by(dana)
    assert act(browser, "remove", new[0]).status_code == 302
    assert actions() == [
        "user.second_step_set",
        "user.recovery_codes_made",
        "user.recovery_code_used",
        "user.second_step_removed",
    ]


def test_it_is_switched_off_by_a_code_only(dana):
    has_app(dana)
    browser = verified(dana)
    assert act(browser, "remove", wrong_code(dana)).status_code == 422
    assert second_step.has_second_step(dana)
    a_while_goes_by(dana)
    assert act(browser, "remove", app_code(dana)).url == PAGE
    assert not second_step.has_second_step(dana)
    assert log_in(Browser()).url == "/"


def test_the_operators_staff_can_not_switch_it_off(oper):
    has_app(oper)
    browser = verified(oper)
    assert 'value="remove"' not in browser.get(PAGE).text
    assert act(browser, "remove", app_code(oper)).status_code == 403
    assert second_step.has_second_step(oper)


# --- The operator's staff are sent here ---------------------------------------------------------------
def test_the_operators_staff_set_it_up_and_get_where_they_wanted(oper):
    browser = Browser(oper)
    sent = browser.get("/operator/")
    assert sent.url == f"{PAGE}?next=%2Foperator%2F"
    assert "Please set it up now" in browser.get(sent.url).text
    assert browser.post(sent.url, {"act": "begin"}).url == sent.url
    shown = browser.post(sent.url, {"act": "confirm", "code": app_code(oper), "next": "/operator/"})
    assert 'href="/operator/"' in shown.text
    assert browser.get("/operator/").status_code == 200


def test_who_has_a_device_but_came_in_without_is_asked_for_the_code(oper):
    has_app(oper)
    browser = Browser(oper)
    page = browser.get(f"{PAGE}?next=/operator/").text
    assert "Please show that it is you" in page
    assert 'class="qr"' not in page
    before = browser.cookies["sessionid"].value
    assert act(browser, "verify", app_code(oper), "/operator/").url == "/operator/"
    assert browser.get("/operator/").status_code == 200
    assert browser.cookies["sessionid"].value != before


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_it_leads_to_no_other_site(oper, elsewhere):
    has_app(oper)
    assert act(Browser(oper), "verify", app_code(oper), elsewhere).url == PAGE
    assert "evil" not in verified(oper).get(PAGE, {"next": elsewhere}).text.split("<main")[1]


def test_a_reset_is_written_down_and_asks_for_nothing_at_the_next_log_in(dana, ada, now):
    assert not second_step.reset_second_step(user=dana, by=ada, now=now)
    has_app(dana)
    assert second_step.reset_second_step(user=dana, by=ada, now=now)
    entry = AuditEntry.objects.get(action="user.second_step_reset")
    assert (entry.actor, entry.target) == (ada, "dana")
    assert log_in(Browser()).url == "/"
    assert not StaticToken.objects.exists()
