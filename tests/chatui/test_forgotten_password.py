"""A forgotten password: asked for by name or address, chosen anew at a link that works once, within a day."""

from __future__ import annotations

import re
from datetime import timedelta
from unittest.mock import Mock

import pytest
from axes.models import AccessAttempt
from django.utils import timezone
from freezegun import freeze_time

from server.accounts.models import AuditEntry, User
from server.accounts.own_letters import ASKED_WITHIN, MOST_ASKED
from server.accounts.passwords import MOST_PEOPLE, people_named
from server.letter_tasks import PAUSES
from tests.chatui.test_people import NEW_PASSWORD, is_in, log_in
from tests.codes import has_app
from tests.conftest import PASSWORD
from tests.doors import Browser
from tests.letters import letters_sent

LINK = re.compile(r"http://127\.0\.0\.1:\d+(/login/reset/[\w-]+/[\w-]+/)")


@pytest.fixture
def dana(dana) -> User:
    dana.email = "Dana@Kontakt.example"
    dana.save()
    return dana


@pytest.fixture
def browser():
    return Browser(headers={"Accept-Language": "en"})


def ask(name: str):
    return Browser(headers={"Accept-Language": "en"}).post("/login/forgotten/", {"username": name})


def link_for(name: str) -> str:
    assert ask(name).status_code == 200
    [letter] = letters_sent()
    return LINK.search(letter.body)[1]


def choose(browser: Browser, link: str, new: str = NEW_PASSWORD, again: str | None = None):
    return browser.post(link, {"new_password1": new, "new_password2": new if again is None else again})


def test_who_asks_again_and_again_has_to_wait(dana, settings):
    assert {ask(f"nobody{n}").status_code for n in range(MOST_ASKED)} == {200}
    answer = ask("dana")
    assert (answer.status_code, "wait a quarter of an hour" in answer.text) == (429, True)
    # Others need not.
    settings.TRUSTED_PROXIES = 1
    elsewhere = Browser(headers={"X-Forwarded-For": "192.0.2.7"})
    assert elsewhere.post("/login/forgotten/", {"username": "dana"}).status_code == 200
    assert [letter.to for letter in letters_sent()] == [["Dana@Kontakt.example"]]
    with freeze_time(timezone.now() + ASKED_WITHIN):
        assert ask("dana").status_code == 200


@pytest.mark.parametrize("name", ["dana", "dana@kontakt.example", " DANA@KONTAKT.EXAMPLE "])
def test_one_gets_a_link_by_name_or_address_and_a_new_password_by_it(browser, dana, name):
    elsewhere = Browser(dana)
    link = link_for(name)
    page = browser.get(link)
    assert page.status_code == 200
    assert page.headers["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    assert choose(browser, link).url == "/login/"
    assert "Please log in with it." in browser.get("/login/").text
    assert not is_in(browser)
    assert not is_in(elsewhere)
    assert log_in(browser).status_code == 200
    assert log_in(browser, password=NEW_PASSWORD).url == "/"
    told = AuditEntry.objects.filter(action__startswith="user.password").order_by("pk")
    assert [(entry.action, entry.target) for entry in told] == [
        ("user.password_forgotten", "dana"),
        ("user.password_changed", "dana"),
    ]


def test_nobody_is_crowded_out_by_people_who_wrote_down_the_same_address(kontakt):
    for number in range(MOST_PEOPLE + 1):
        User.objects.create_user(username=f"other{number}", password="x", name="O", subscriber=kontakt, email="bo@kontakt.example")
    bo = User.objects.create_user(
        username="bo@kontakt.example", password="x", name="Bo", subscriber=kontakt, email="bo@kontakt.example"
    )
    assert people_named("bo@kontakt.example")[0] == bo


def test_the_letter_is_in_the_persons_language(bela):
    User.objects.filter(pk=bela.pk).update(email="bela@kontakt.example")
    ask("bela")
    [letter] = letters_sent()
    assert letter.to == ["bela@kontakt.example"]
    assert letter.subject == "Új Fonal-jelszó"


@pytest.mark.parametrize("name", ["nobody", "sam", "gone", "invited", "eve@", "'; drop", "x" * 5000, "dana\x00"])
def test_the_answer_is_the_same_whoever_asks_for_whom(dana, sam, kontakt, name):
    """sam has no address; one has left, and one has not come yet."""
    User.objects.create_user("gone", "gone@x.example", PASSWORD, subscriber=kontakt, is_active=False)
    invited = User.objects.create_user("invited", "invited@x.example", subscriber=kontakt)
    invited.set_unusable_password()
    invited.save()

    def shown(answer) -> str:
        return re.sub(r'(nonce="|csrfmiddlewaretoken" value=")[^"]*', "", answer.text)

    assert shown(ask(name)) == shown(ask("dana"))
    assert {letter.to[0] for letter in letters_sent()} <= {"Dana@Kontakt.example"}


def test_an_empty_form_is_told_so(browser, db):
    assert ask(" ").status_code == 422
    assert letters_sent() == []


def test_nobodys_mailbox_is_filled(dana):
    for _ in range(4):
        ask("dana")
    assert len(letters_sent()) == 1
    ask("dana")
    assert letters_sent() == []
    with freeze_time(timezone.now() + timedelta(minutes=6)):
        ask("dana")
        assert len(letters_sent()) == 1


def test_a_letter_that_could_not_be_sent_goes_out_later(dana, monkeypatch):
    with monkeypatch.context() as away:
        away.setattr("server.mail.send_mail", Mock(side_effect=ConnectionRefusedError))
        ask("dana")
        assert letters_sent() == []
    with freeze_time(timezone.now() + PAUSES[0]):
        assert len(letters_sent()) == 1


def test_a_link_works_once(browser, dana):
    link = link_for("dana")
    choose(browser, link)
    assert browser.get(link).status_code == 404
    assert choose(Browser(), link, "another-one-entirely").status_code == 404
    assert log_in(Browser(), password=NEW_PASSWORD).url == "/"


def test_a_link_ends_with_the_day_with_a_log_in_and_with_the_person(browser, dana):
    link = link_for("dana")
    # The frozen clock has no zone, and Django counts by the local one.
    with freeze_time(timezone.now() + timedelta(hours=30)):
        assert browser.get(link).status_code == 404
    assert browser.get(link).status_code == 200
    User.objects.filter(pk=dana.pk).update(is_active=False)
    assert browser.get(link).status_code == 404
    User.objects.filter(pk=dana.pk).update(is_active=True)
    log_in(Browser())
    assert browser.get(link).status_code == 404


def test_a_link_is_one_persons_only(browser, dana, bela):
    _, _, _, whose, token, _ = link_for("dana").split("/")
    from server.accounts.passwords import words_of_link

    assert browser.get(f"/login/reset/{words_of_link(bela)[0]}/{token}/").status_code == 404
    for wrong in ("x", "YWJj", "ÿ", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"):
        assert browser.get(f"/login/reset/{wrong}/{token}/").status_code == 404
    assert browser.get(f"/login/reset/{whose}/{token}x/").status_code == 404


@pytest.mark.parametrize(
    ("new", "again"), [("rovid", "rovid"), (NEW_PASSWORD, "another"), ("password123", "password123"), ("", "")]
)
def test_a_password_that_will_not_do_is_told_and_the_link_stays(browser, dana, new, again):
    link = link_for("dana")
    answer = choose(browser, link, new, again)
    assert answer.status_code == 422
    assert "errorlist" in answer.text
    assert choose(browser, link).status_code == 302


def test_the_second_step_is_still_asked(browser, dana):
    has_app(dana)
    choose(browser, link_for("dana"))
    assert log_in(browser, password=NEW_PASSWORD).url == "/login/code/"
    assert not is_in(browser)


def test_who_was_locked_out_gets_in_with_the_new_password_at_once(browser, dana):
    for _ in range(5):
        log_in(browser, password="wrong")
    assert log_in(browser).status_code == 429
    choose(browser, link_for("dana"))
    assert not AccessAttempt.objects.exists()
    assert log_in(browser, password=NEW_PASSWORD).url == "/"
