"""Where one is logged in: listed on the settings page, ended there, kept up to date without much writing."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from freezegun import freeze_time

from chatui.logging_in import let_in
from gateway.chores import drop_old_log_ins
from server.accounts.models import AuditEntry, UserSession
from tests.chatui.test_people import NEW_PASSWORD, change, is_in, log_in
from tests.codes import app_code, has_app
from tests.doors import Browser

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0"
ANDROID = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36"
PLACE = re.compile(r"<li><svg.*?<strong>(.*?)</strong><small>(.*?)</small>", re.DOTALL)


def device(user_agent: str, username: str = "dana", **more) -> Browser:
    browser = Browser(headers={"User-Agent": user_agent, "Accept-Language": "en"}, **more)
    assert log_in(browser, username).status_code == 302
    return browser


def places(browser: Browser) -> list[tuple[str, str]]:
    page = browser.get("/settings/").text
    return PLACE.findall(page.split('class="places"')[1].split("</ul>")[0])


def test_each_device_is_named_and_this_one_stands_first(dana):
    for user_agent, address in ((IPHONE, "198.51.100.7"), (EDGE, "198.51.100.8"), (ANDROID, "198.51.100.9"), ("curl/8", "::1")):
        device(user_agent, REMOTE_ADDR=address)
    shown = places(device(FIREFOX))
    assert shown[0] == ("Firefox on Linux", "This device, now")
    assert [name for name, _ in shown[1:]] == ["An unknown browser", "Chrome on Android", "Edge on Windows", "Safari on iPhone"]
    assert shown[4][1].startswith("198.51.100.7 · seen Today ")


def test_what_a_browser_calls_itself_is_only_a_text(dana):
    device("<script>alert(1)</script>" * 50)
    assert "<script>alert" not in device(FIREFOX).get("/settings/").text


def test_one_is_logged_out_elsewhere_one_by_one_or_everywhere(dana):
    here, phone, laptop = device(FIREFOX), device(IPHONE), device(EDGE)
    of_phone = UserSession.objects.get(user_agent=IPHONE)
    assert here.post(f"/settings/sessions/{of_phone.pk}/end/").url == "/settings/#places"
    assert [is_in(each) for each in (here, phone, laptop)] == [True, False, True]
    assert here.post(f"/settings/sessions/{of_phone.pk}/end/").status_code == 404
    assert here.post("/settings/sessions/end-others/").url == "/settings/#places"
    assert [is_in(each) for each in (here, phone, laptop)] == [True, False, False]
    assert UserSession.objects.get().user_agent == FIREFOX


def test_nobody_ends_another_persons_log_in(dana, bela):
    his = device(FIREFOX, "bela")
    hers = device(IPHONE)
    assert hers.post(f"/settings/sessions/{UserSession.objects.get(user=bela).pk}/end/").status_code == 404
    hers.post("/settings/sessions/end-others/")
    assert is_in(his)


def test_logging_out_forgets_the_place(dana):
    device(FIREFOX).post("/logout/")
    assert not UserSession.objects.exists()


def test_who_joins_or_logs_in_as_somebody_else_in_the_same_browser_leaves_first(dana, bela):
    browser = device(FIREFOX)
    before = browser.cookies["sessionid"].value
    request = browser.get("/settings/").wsgi_request
    request.axes_ip_address = "127.0.0.1"
    let_in(request, bela, backend="django.contrib.auth.backends.ModelBackend", to="")
    assert UserSession.objects.get().user == bela
    assert not Session.objects.filter(session_key=before).exists()
    assert AuditEntry.objects.get(action="user.logged_out").actor == dana


def test_a_new_password_ends_the_other_places_and_keeps_this_one_under_a_new_key(dana):
    here, elsewhere = device(FIREFOX), device(IPHONE)
    before = here.cookies["sessionid"].value
    assert change(here, new=NEW_PASSWORD).url == "/settings/"
    assert not is_in(elsewhere)
    [place] = UserSession.objects.all()
    assert place.session_key == here.cookies["sessionid"].value != before
    assert Session.objects.get().session_key == place.session_key
    assert len(places(here)) == 1


def test_the_second_step_keeps_the_place_under_a_new_key(dana):
    here = device(FIREFOX)
    here.post("/settings/two-factor/", {"act": "begin"})
    here.post("/settings/two-factor/", {"act": "confirm", "code": app_code(dana)})
    assert UserSession.objects.get().session_key == here.cookies["sessionid"].value


def test_a_place_is_noted_only_when_both_steps_were_right(dana):
    has_app(dana)
    browser = Browser()
    log_in(browser)
    assert not UserSession.objects.exists()
    browser.post("/login/code/", {"code": app_code(dana)})
    assert UserSession.objects.get().user == dana


def test_seen_at_moves_every_five_minutes_and_else_nothing_is_written(dana, line, django_assert_num_queries):
    start = timezone.now()
    browser = device(FIREFOX)

    def seen_after(minutes: float):
        with freeze_time(start + timedelta(minutes=minutes)):
            browser.get("/messages/")
        return round((UserSession.objects.get().seen_at - start).total_seconds() / 60)

    assert [seen_after(minutes) for minutes in (0, 1, 4, 6, 9, 10.5, 11.5)] == [0, 0, 0, 6, 6, 6, 12]
    with freeze_time(start + timedelta(minutes=12)):
        assert not [query for query in _asked(browser) if query.startswith(("UPDATE", "INSERT", "DELETE"))]


def _asked(browser: Browser) -> list[str]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        browser.get("/messages/")
    return [query["sql"] for query in asked]


def test_what_is_over_is_neither_shown_nor_kept(dana):
    device(IPHONE)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    here = device(FIREFOX)
    assert len(places(here)) == 1
    drop_old_log_ins(timezone.now())
    assert UserSession.objects.get().user_agent == FIREFOX


@pytest.mark.parametrize(
    "path", ["/settings/sessions/end-others/", "/settings/sessions/1/end/", "/settings/away/", "/settings/own/"]
)
def test_these_are_no_links(dana, path):
    assert Browser(dana).get(path).status_code == 405
