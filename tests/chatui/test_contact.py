"""A contact's name and remarks, edited from its thread."""

from __future__ import annotations

import pytest

from server.contacts.models import Contact
from server.events.models import Event, Kind
from tests.conftest import BOTI
from tests.doors import HTMX, Browser


@pytest.fixture
def thread(boti_texts):
    return boti_texts("Szia").conversation


def named() -> str:
    return Contact.objects.get(number=BOTI).name


def test_a_new_name_is_kept_and_every_screen_hears_of_it(dana, thread):
    browser = Browser(dana)
    answer = browser.post(
        f"/phonebook/{thread.contact_id}/?conversation={thread.pk}", {"name": "Kovács Boti", "company": "Bolt Bt."}
    )
    assert answer.url == f"/conversations/{thread.pk}/"
    assert named() == "Kovács Boti"
    assert "Bolt Bt." in browser.get(answer.url).text
    kinds = list(Event.objects.order_by("-number").values_list("kind", flat=True)[:1])
    assert kinds == [Kind.CONVERSATION_CHANGED]


def test_in_the_dialog_the_form_comes_alone_and_leads_on_by_a_header(dana, thread):
    browser = Browser(dana)
    address = f"/phonebook/{thread.contact_id}/?conversation={thread.pk}"
    assert "<html" not in browser.get(address, headers=HTMX).text
    answer = browser.post(address, {"name": "Kovács Boti"}, headers=HTMX)
    assert answer.headers["HX-Redirect"] == f"/conversations/{thread.pk}/"


@pytest.mark.parametrize("name", ["x" * 121, "a\x00b"])
def test_a_name_that_will_not_do_is_told_and_kept_in_the_form(dana, thread, name):
    answer = Browser(dana).post(f"/phonebook/{thread.contact_id}/", {"name": name, "note": "Fontos"})
    assert answer.status_code == 422
    assert "errorlist" in answer.text
    assert "Fontos" in answer.text
    assert named() == "Kiss Boti"


@pytest.mark.parametrize("back", ["", "abc", "-1", "99999999999999999999", "//evil.example", "\x00", "9" * 5000])
def test_a_strange_way_back_leads_to_the_contact(dana, thread, back):
    browser = Browser(dana)
    assert browser.get(f"/phonebook/{thread.contact_id}/", {"conversation": back}).status_code == 200
    answer = browser.post(
        f"/phonebook/{thread.contact_id}/?{'conversation=' + back if back.isascii() and back.isprintable() else ''}", {"name": "B"}
    )
    assert answer.url == f"/phonebook/{thread.contact_id}/"


def test_a_number_without_a_name_on_a_line_not_given_is_not_found(dana, sam, boti_texts, sales_line):
    pk = boti_texts("Titok", to=sales_line, sender="+36309990002").conversation.contact_id
    assert Browser(dana).get(f"/phonebook/{pk}/").status_code == 404
    assert Browser(dana).post(f"/phonebook/{pk}/", {"name": "X"}).status_code == 404
    assert Contact.objects.get(pk=pk).name == ""
    assert Browser(sam).post(f"/phonebook/{pk}/", {"name": "Igen"}).status_code == 302


def test_names_are_the_whole_companys_but_threads_only_of_the_lines_one_has(dana, sam, boti_texts, sales_line, boti):
    boti_texts("Titok", to=sales_line)
    hers, his = (Browser(user).get(f"/phonebook/{boti.pk}/").text for user in (dana, sam))
    assert "Kiss Boti" in hers
    assert "Titok" not in hers
    assert "Titok" in his
    answer = Browser(dana).post(f"/phonebook/{boti.pk}/", {"name": "Közös Név"})
    assert answer.status_code == 302
    assert named() == "Közös Név"
