"""How one is reached, what one is told of by e-mail, and being away."""

from __future__ import annotations

from smtplib import SMTPRecipientsRefused

import pytest
from django.core.mail import send_mail
from django.utils import timezone
from freezegun import freeze_time

from gateway.tasks import tell_of_held_line
from server.accounts.models import AuditEntry, Notice, Role, User
from server.letter_tasks import PAUSES
from server.lines.models import LineAccess
from tests.doors import Browser, verified
from tests.letters import letters_sent

ALL = [Notice.ASSIGNED, Notice.MENTIONED, Notice.LINE_HELD]


@pytest.fixture
def his(bela) -> User:
    """bela wants to be told of everything, in Hungarian."""
    User.objects.filter(pk=bela.pk).update(email="bela@kontakt.example", notices=[Notice.ASSIGNED, Notice.MENTIONED])
    bela.refresh_from_db()
    return bela


def save(browser: Browser, phone: str = "", email: str = "", notices: list[str] | None = None, calls=("browser", "email")):
    return browser.post("/settings/own/", {"phone": phone, "email": email, "notices": notices or [], "calls": calls})


# --- How one hears of calls --------------------------------------------------------------------------
def test_one_says_how_one_hears_of_calls(dana):
    save(Browser(dana), phone="06 20 555 0123", calls=["sms", "browser"])
    dana.refresh_from_db()
    assert dana.hears_of_calls_by == ["browser", "sms"]
    assert AuditEntry.objects.get(action="user.own_changed").detail == {"changed": ["phone", "hears_of_calls_by"]}
    page = Browser(dana).get("/settings/").text
    assert 'name="calls" value="sms" checked' in page
    assert 'name="calls" value="email">' in page


def test_one_may_want_to_hear_of_none(dana):
    save(Browser(dana), calls=[])
    dana.refresh_from_db()
    assert dana.hears_of_calls_by == []


def test_texts_need_a_number_of_ones_own(dana):
    answer = save(Browser(dana), calls=["sms"])
    assert answer.status_code == 422
    assert "Without a phone number of your own we can&#x27;t text you." in answer.text
    dana.refresh_from_db()
    assert dana.hears_of_calls_by == ["browser", "email"]


def test_what_a_way_still_lacks_is_said(dana):
    page = Browser(dana).get("/settings/").text
    assert "Needs your phone number above." in page
    assert "Needs your e-mail address above." in page


def test_without_sms_nobody_is_asked_and_nothing_is_forgotten(dana, kontakt):
    kontakt.activation.sms_since = kontakt.activation.chat_since = None
    kontakt.activation.save()
    assert 'name="calls"' not in Browser(dana).get("/settings/").text
    save(Browser(dana), phone="06 20 555 0123", calls=[])
    dana.refresh_from_db()
    assert dana.hears_of_calls_by == ["browser", "email"]


# --- What one says of oneself ------------------------------------------------------------------------
@pytest.mark.parametrize("typed", ["06 20 555 0123", "+36 20/555-0123", "0036205550123", " 36205550123 "])
def test_ones_own_number_is_read_as_people_write_it(dana, typed):
    assert save(Browser(dana), phone=typed, email="dana@kontakt.example").url == "/settings/#notices"
    dana.refresh_from_db()
    assert (dana.phone, dana.email) == ("+36205550123", "dana@kontakt.example")
    assert "+36 20 555 0123" in Browser(dana).get("/settings/").text
    assert AuditEntry.objects.get(action="user.own_changed").detail == {"changed": ["phone", "email"]}


def test_a_number_is_read_in_the_companys_country(dana, kontakt):
    kontakt.country = "AT"
    kontakt.save()
    save(Browser(dana), phone="0664 1234567")
    dana.refresh_from_db()
    assert dana.phone == "+436641234567"


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"phone": "12"}, "12 is not a telephone number that we can read"),
        ({"phone": "<b>x</b>"}, "&lt;b&gt;x&lt;/b&gt; is not a telephone number"),
        ({"phone": "+36 20 555 01234567"}, "is not a telephone number"),
        ({"email": "dana"}, "This is not an e-mail address."),
        ({"email": "a@b.hu\nBcc: x@y.hu"}, "This is not an e-mail address."),
        ({"email": f"{'x' * 300}@b.hu"}, "at most 254 characters"),
        ({"notices": ["assigned"]}, "Without an e-mail address we can&#x27;t tell you anything."),
        ({"notices": ["everything"], "email": "a@b.hu"}, "<main"),
    ],
)
def test_what_will_not_do_is_told_beside_it_and_nothing_changes(dana, form, says):
    browser = Browser(dana)
    before = User.objects.filter(pk=dana.pk).values().get()
    answer = save(browser, **form)
    assert answer.status_code == 422
    assert says in answer.text
    for typed in (form.get("phone"), form.get("email")):
        assert not typed or typed.startswith(("<", "x")) or f'value="{typed.splitlines()[0]}' in answer.text
    assert User.objects.filter(pk=dana.pk).values().get() == before


def test_nobodys_mailbox_is_filled_by_somebody_who_says_it_is_theirs(dana):
    browser = Browser(dana)
    answers = [save(browser, email=f"{n}@victim.example").status_code for n in range(10)]
    assert answers == [302] * 4 + [422] * 6
    assert "several times today" in save(browser, email="a@victim.example").text
    assert len(letters_sent()) == 3
    # All else can be changed.
    assert save(browser, email="3@victim.example", phone="06 20 555 0123").status_code == 302


def test_everything_can_be_emptied_again(dana):
    browser = Browser(dana)
    save(browser, "06205550123", "dana@kontakt.example", [Notice.ASSIGNED])
    save(browser)
    dana.refresh_from_db()
    assert (dana.phone, dana.email) == ("", "")
    # What the form does not show to her stays as it was.
    assert dana.notices == [Notice.LINE_HELD]


def test_each_role_is_offered_what_can_come_to_it(dana, ada, oper):
    def offered(browser: Browser) -> list[str]:
        page = browser.get("/settings/").text
        return [notice for notice in Notice.values if f'name="notices" value="{notice}"' in page]

    assert offered(Browser(dana)) == [Notice.ASSIGNED, Notice.MENTIONED]
    assert offered(Browser(ada)) == ALL
    assert offered(verified(oper)) == []
    assert save(Browser(dana), email="d@k.hu", notices=[Notice.LINE_HELD]).status_code == 422


def test_the_old_address_hears_that_it_is_one_no_more(dana):
    browser = Browser(dana)
    save(browser, email="dana@kontakt.example")
    assert letters_sent() == []
    save(browser, email="thief@evil.example")
    [letter] = letters_sent()
    assert letter.to == ["dana@kontakt.example"]
    assert "tell your administrator at once" in letter.body
    assert "evil" not in letter.body


# --- Letters ----------------------------------------------------------------------------------------
def test_who_is_given_a_conversation_is_told_who_and_where(dana, his, boti_texts):
    conversation = boti_texts("Titkos szöveg").conversation
    Browser(dana).say(f"/conversations/{conversation.pk}/assign/", to=his.pk)
    [letter] = letters_sent()
    assert letter.to == ["bela@kontakt.example"]
    assert letter.subject == "Dana beszélgetést adott át Önnek"
    assert f"http://127.0.0.1:8000/conversations/{conversation.pk}/" in letter.body
    for secret in ("Titkos", "Boti", "9990001", "999 0001"):
        assert secret not in letter.subject + letter.body


def test_who_is_mentioned_is_told_who_and_where(dana, his, boti_texts):
    conversation = boti_texts("Titkos szöveg").conversation
    browser = Browser(dana)
    note = "6f2c2f6a-2f0e-4d62-9d0a-2a3c9b5b0001"
    for _ in range(2):
        browser.say(f"/conversations/{conversation.pk}/note/", uuid=note, body="@bela és @dana: titkos jegyzet")
    [letter] = letters_sent()
    assert letter.to == ["bela@kontakt.example"]
    assert f"/conversations/{conversation.pk}/#entry-{note}" in letter.body
    assert "jegyzet Fonal" not in letter.body
    assert "titkos" not in (letter.subject + letter.body).lower()


def test_nobody_is_told_of_what_they_did_themselves(his, boti_texts):
    conversation = boti_texts("Szia").conversation
    browser = Browser(his)
    browser.say(f"/conversations/{conversation.pk}/claim/")
    browser.say(f"/conversations/{conversation.pk}/assign/", to=his.pk)
    browser.say(f"/conversations/{conversation.pk}/note/", uuid="6f2c2f6a-2f0e-4d62-9d0a-2a3c9b5b0002", body="@bela")
    assert letters_sent() == []


@pytest.mark.parametrize("change", [{"notices": []}, {"email": ""}, {"is_active": False}])
@pytest.mark.parametrize("is_before", [True, False])
def test_who_does_not_want_it_is_not_told(dana, his, boti_texts, change, is_before):
    conversation = boti_texts("Szia").conversation
    if is_before and "is_active" not in change:
        User.objects.filter(pk=his.pk).update(**change)
    Browser(dana).say(f"/conversations/{conversation.pk}/assign/", to=his.pk)
    # Also between the act and the worker.
    User.objects.filter(pk=his.pk).update(**change)
    assert letters_sent() == []


def test_who_has_lost_the_line_or_the_conversation_meanwhile_is_not_told(dana, his, boti_texts):
    conversation = boti_texts("Szia").conversation
    browser = Browser(dana)
    browser.say(f"/conversations/{conversation.pk}/assign/", to=his.pk)
    browser.say(f"/conversations/{conversation.pk}/assign/", to="")
    assert letters_sent() == []
    browser.say(f"/conversations/{conversation.pk}/assign/", to=his.pk)
    LineAccess.objects.filter(user=his).delete()
    assert letters_sent() == []


def test_a_held_line_is_told_to_the_administrators_who_want_it(ada, line):
    User.objects.filter(pk=ada.pk).update(email="ada@kontakt.example")
    tell_of_held_line.enqueue(line.pk)
    assert [letter.to for letter in letters_sent()] == [["ada@kontakt.example"]]
    save(Browser(ada), email="ada@kontakt.example")
    tell_of_held_line.enqueue(line.pk)
    assert letters_sent() == []


def test_whose_mailbox_must_wait_keeps_no_other_letter_back_nor_brings_it_twice(ada, dana, sam, line, monkeypatch):
    for person in (ada, dana, sam):
        address = f"{person.username}@kontakt.example"
        User.objects.filter(pk=person.pk).update(email=address, role=Role.ADMINISTRATOR, notices=[Notice.LINE_HELD])

    def greylisting(*, recipient_list, **letter):
        if recipient_list == ["dana@kontakt.example"]:
            raise SMTPRecipientsRefused({recipient_list[0]: (450, b"later")})
        return send_mail(recipient_list=recipient_list, **letter)

    tell_of_held_line.enqueue(line.pk)
    with monkeypatch.context() as now:
        now.setattr("server.mail.send_mail", greylisting)
        assert {letter.to[0] for letter in letters_sent()} == {"ada@kontakt.example", "sam@kontakt.example"}
    with freeze_time(timezone.now() + PAUSES[0]):
        assert [letter.to for letter in letters_sent()] == [["dana@kontakt.example"]]


# --- Away -------------------------------------------------------------------------------------------
def test_who_is_away_is_shown_so_where_conversations_are_handed_over(dana, bela, conversation):
    his, hers = Browser(bela), Browser(dana)
    assert his.post("/settings/away/", {"away": "1"}).url == "/settings/#you"
    bela.refresh_from_db()
    since = bela.away_since
    his.post("/settings/away/", {"away": "1"})
    bela.refresh_from_db()
    assert bela.away_since == since
    picker = hers.get(f"/conversations/{conversation.pk}/colleagues/").text
    assert "Bela <small>away</small>" in picker
    assert "Dana <small>" not in picker
    # It is no lock.
    hers.say(f"/conversations/{conversation.pk}/assign/", to=bela.pk)
    conversation.refresh_from_db()
    assert conversation.assignee == bela

    his.post("/settings/away/")
    assert "<small>away" not in hers.get(f"/conversations/{conversation.pk}/colleagues/").text
