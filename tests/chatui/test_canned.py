"""Canned texts: picked in a conversation, written on the settings page."""

from __future__ import annotations

import re

import pytest

from server.messaging.canned import own_text, save_canned_text, shared_text
from server.messaging.models import CannedText, Message
from tests.conftest import NOW
from tests.doors import Browser

ADD = "/settings/canned-texts/"


@pytest.fixture
def hours(sam):
    """The company's text."""
    return save_canned_text(text=shared_text(sam), title="Hours", body="Hello {name}! We are open till 6.", by=sam, now=NOW)


@pytest.fixture
def thanks(dana):
    """Dana's own."""
    return save_canned_text(text=own_text(dana), title="Thanks", body="Thank you! {colleague}", by=dana, now=NOW)


def picked(browser, conversation) -> dict[str, str]:
    page = browser.get(f"/conversations/{conversation.pk}/canned/").text
    return dict(re.findall(r'id="canned-(\d+)"[^>]*data-words="([^"]*)"', page))


# --- In the conversation ----------------------------------------------------------------------
def test_the_picker_shows_my_own_and_the_companys_filled_in(dana, conversation, hours, thanks):
    assert picked(Browser(dana), conversation) == {
        str(hours.pk): "Hello Kiss Boti! We are open till 6.",
        str(thanks.pk): "Thank you! Dana",
    }


def test_the_picker_does_not_show_a_colleagues_own(bela, conversation, hours, thanks):
    assert list(picked(Browser(bela), conversation)) == [str(hours.pk)]


def test_a_contacts_name_is_text_in_the_picker_too(dana, conversation, hours):
    conversation.contact.name = '"><script>alert(1)</script>'
    conversation.contact.save()
    assert "<script" not in Browser(dana).get(f"/conversations/{conversation.pk}/canned/").text


def test_an_empty_picker_says_what_it_is_for(dana, conversation):
    assert "No canned texts yet" in Browser(dana).get(f"/conversations/{conversation.pk}/canned/").text


def test_accents_do_not_put_a_title_at_the_end(dana, conversation):
    for title in ("Zebra", "Átvehető", "Balaton"):
        save_canned_text(text=own_text(dana), title=title, body="Text", by=dana, now=NOW)
    page = Browser(dana).get(f"/conversations/{conversation.pk}/canned/").text
    assert re.findall(r"<strong>(\w+)</strong>", page) == ["Átvehető", "Balaton", "Zebra"]


def test_the_picker_asks_the_database_no_more_for_many_texts(dana, conversation, django_assert_max_num_queries):
    browser = Browser(dana)
    for number in range(30):
        save_canned_text(text=own_text(dana), title=f"Text {number}", body="{name} {number} {company}", by=dana, now=NOW)
    with django_assert_max_num_queries(10):
        assert len(picked(browser, conversation)) == 30


def test_picking_sends_nothing(dana, conversation, hours):
    picked(Browser(dana), conversation)
    assert not Message.objects.exists()


# --- On the settings page ---------------------------------------------------------------------
def test_a_colleague_writes_rewrites_and_deletes_one(dana):
    browser = Browser(dana)
    answer = browser.post(ADD, {"title": "Thanks", "body": "Thank you!"})
    assert (answer.status_code, answer.url) == (302, "/settings/#canned-texts")
    assert "The canned text has been saved." in browser.notices("/settings/")
    text = CannedText.objects.get(owner=dana)
    browser.post(f"{ADD}{text.pk}/", {"title": "Thanks", "body": "Many thanks!"})
    assert "Many thanks!" in browser.get("/settings/").text
    browser.post(f"{ADD}{text.pk}/delete/")
    assert not CannedText.objects.exists()


def test_a_supervisor_writes_one_for_everybody(sam, bela, conversation):
    Browser(sam).post(ADD, {"title": "Hours", "body": "Till 6.", "whose": "company"})
    assert list(picked(Browser(bela), conversation).values()) == ["Till 6."]


def test_a_supervisors_own_stays_their_own(sam, bela, conversation):
    Browser(sam).post(ADD, {"title": "Hours", "body": "Till 6.", "whose": "me"})
    assert picked(Browser(bela), conversation) == {}


def test_a_colleague_who_asks_for_everybody_gets_one_of_their_own(dana):
    Browser(dana).post(ADD, {"title": "Hours", "body": "Till 6.", "whose": "company"})
    assert CannedText.objects.get().owner == dana


def test_a_colleague_does_not_find_the_companys_to_change(dana, hours):
    browser = Browser(dana)
    assert "Hours" not in browser.get("/settings/").text
    assert browser.post(f"{ADD}{hours.pk}/", {"title": "Mine", "body": "Ha."}).status_code == 404
    assert browser.post(f"{ADD}{hours.pk}/delete/").status_code == 404
    assert CannedText.objects.get().title == "Hours"


def test_a_supervisor_changes_the_companys_but_finds_no_colleagues_own(sam, hours, thanks):
    browser = Browser(sam)
    assert browser.post(f"{ADD}{hours.pk}/", {"title": "Hours", "body": "Till 7."}).status_code == 302
    assert browser.post(f"{ADD}{thanks.pk}/", {"title": "Hours", "body": "Till 7."}).status_code == 404


@pytest.mark.parametrize(
    ("title", "body", "complaint"),
    [
        ("New", "Hello {nam}!", "“{nam}” can&#x27;t be filled in. These can: {name}, {colleague}, {company}, {number}."),
        ("Thanks", "Again.", "There is a canned text of this title already."),
        ("", "Text", "This field is required."),
        ("New", " ", "This field is required."),
    ],
)
def test_what_can_not_be_saved_comes_back_with_the_reason(dana, thanks, title, body, complaint):
    answer = Browser(dana).post(ADD, {"title": title, "body": body})
    assert answer.status_code == 422
    assert complaint in answer.text
    assert body.strip() in answer.text
    assert CannedText.objects.count() == 1


def test_a_refused_change_is_shown_in_the_text_that_was_changed(dana, thanks):
    answer = Browser(dana).post(f"{ADD}{thanks.pk}/", {"title": "Thanks", "body": "{oops}"})
    assert answer.status_code == 422
    assert answer.text.count('<details class="canned-text" open>') == 1


def test_the_operators_staff_have_no_canned_texts(oper):
    assert "canned-texts" not in Browser(oper).get("/settings/").text
