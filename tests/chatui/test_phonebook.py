"""The phone book's list, an entry's page, and what is done to a whole entry."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from server.contacts.entries import Facts
from server.contacts.models import Contact
from server.messaging.models import Conversation
from server.messaging.partners import block_sender, merge_contacts, save_entry
from tests.conftest import BOTI, NOW
from tests.doors import FRAMES, HTMX, Browser, rows_in, shown

SECOND = "+36309990002"


@pytest.fixture
def book(kontakt, boti):
    """Entries by name, in no order."""

    def entry(name: str, number: str, **facts) -> Contact:
        return save_entry(subscriber=kontakt, facts=Facts(name=name, numbers=[number], **facts), now=NOW)

    return {
        "Zsolt": entry("Zsolt", "+36209990001"),
        "Árpád": entry("Árpád", "+36209990002", company="Üveges Kft.", tags=["VIP"], emails=["arpad@example.hu"]),
        "anna": entry("anna", "+36209990003"),
        "Őri": entry("Őri Ágnes", "+447400123456"),
        "Béla": entry("Béla", "+36209990005", tags=["vip", "új"]),
    }


def names_in(answer) -> list[str]:
    rows = re.findall(r'<tr id="contact-\d+".*?</tr>', answer.text, re.DOTALL)
    return [re.sub("<[^>]+>", "", re.search("<strong>(.*?)</strong>", row, re.DOTALL)[1]) for row in rows]


def test_names_stand_in_the_order_in_which_people_look_them_up(dana, book):
    assert names_in(Browser(dana).get("/phonebook/")) == ["anna", "Árpád", "Béla", "Kiss Boti", "Őri Ágnes", "Zsolt"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=arp", ["Árpád"]),
        ("q=üveges", ["Árpád"]),
        ("q=06+20+999+0002", ["Árpád"]),
        ("q=0005", ["Béla"]),
        ("q=vip", ["Árpád", "Béla"]),
        ("q=ARPAD@example", ["Árpád"]),
        ("q=@nobody", []),
        ("q=%00", []),
        ("q=?!", []),
        ("view=blocked", []),
        ("tag=99999", []),
        ("tag=abc&after=abc", ["anna", "Árpád", "Béla", "Kiss Boti", "Őri Ágnes", "Zsolt"]),
        ("after=99999", ["anna", "Árpád", "Béla", "Kiss Boti", "Őri Ágnes", "Zsolt"]),
    ],
)
def test_people_are_found_by_all_that_is_known_of_them(dana, book, query, names):
    assert names_in(Browser(dana).get(f"/phonebook/?{query}")) == names


def test_a_tag_shows_who_has_it(dana, book):
    (tag,) = book["Árpád"].tags.all()
    assert names_in(Browser(dana).get(f"/phonebook/?tag={tag.pk}")) == ["Árpád", "Béla"]


def test_a_further_number_finds_its_entry_once(dana, kontakt, boti):
    save_entry(subscriber=kontakt, entry=boti, facts=Facts(name="Kiss Boti", numbers=[BOTI, SECOND]), now=NOW)
    answer = Browser(dana).get("/phonebook/?q=30999000")
    assert names_in(answer) == ["Kiss Boti"]
    assert "+36 30 999 0002" in answer.text


def test_a_search_for_very_much_finds_the_same(dana, book, monkeypatch):
    monkeypatch.setattr("chatui.phonebook_pages._FEW", 0)
    (tag,) = book["Árpád"].tags.all()
    assert names_in(Browser(dana).get("/phonebook/?q=999")) == ["anna", "Árpád", "Béla", "Kiss Boti", "Zsolt"]
    assert names_in(Browser(dana).get(f"/phonebook/?tag={tag.pk}")) == ["Árpád", "Béla"]


def test_numbers_without_a_name_and_further_ones_are_no_entries(dana, kontakt, boti_texts):
    boti_texts("Szia", sender=SECOND)
    assert names_in(Browser(dana).get("/phonebook/")) == ["Kiss Boti"]


def test_pages_follow_each_other_without_a_gap(dana, kontakt, monkeypatch, book):
    monkeypatch.setattr("chatui.phonebook_pages.PAGE", 2)
    # Two of one name: the order of the ids decides.
    save_entry(subscriber=kontakt, facts=Facts(name="BÉLA", numbers=["+36209990009"]), now=NOW)
    browser, address, seen = Browser(dana), "/phonebook/", []
    while address:
        page = browser.get(address, headers=HTMX)
        seen += names_in(page)
        following = re.search(r'hx-get="([^"]*after=\d+)"', page.text)
        address = following[1].replace("&amp;", "&") if following else ""
    assert seen == ["anna", "Árpád", "Béla", "BÉLA", "Kiss Boti", "Őri Ágnes", "Zsolt"]


def test_the_list_asks_the_database_as_often_for_many_as_for_one(dana, kontakt, boti):
    browser = Browser(dana)
    save_entry(subscriber=kontakt, entry=boti, facts=Facts(name="Kiss Boti", numbers=[BOTI, SECOND], tags=["egy"]), now=NOW)
    before = _queries(browser)
    for n in range(20):
        facts = Facts(name=f"Név {n}", numbers=[f"+36205550{n:03}", f"+36205551{n:03}"], tags=["egy", f"kettő {n}"])
        save_entry(subscriber=kontakt, facts=facts, now=NOW)
    assert _queries(browser) == before


def _queries(browser: Browser) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert browser.get("/phonebook/").status_code == 200
    return len(asked)


# --- An entry's page --------------------------------------------------------------------------
def whole(**facts) -> dict:
    return {
        "whole": "1",
        "name": "Kiss Boti",
        "company": "",
        "note": "",
        "language": "",
        "numbers": [BOTI],
        "emails": [],
        "tags": [],
    } | facts


def test_a_new_contact_has_all_that_was_typed(dana, kontakt):
    numbers = ["06 30 999 0001", "+36 30 999 0001", "36309990002", ""]
    answer = Browser(dana).post("/phonebook/new/", whole(numbers=numbers, emails=["b@example.hu"], tags=["vip"], language="hu"))
    entry = Contact.objects.get(main=None)
    assert answer.url == f"/phonebook/{entry.pk}/"
    page = Browser(dana).get(answer.url).text
    for said in ("Kiss Boti", "+36 30 999 0001", "+36 30 999 0002", "b@example.hu", "vip", "Hungarian"):
        assert said in page
    assert Contact.objects.count() == 2


def test_a_number_of_another_entry_says_whose_and_offers_to_merge(dana, kontakt, boti):
    other = save_entry(subscriber=kontakt, facts=Facts(name="<b>Más</b>", numbers=[SECOND]), now=NOW)
    answer = Browser(dana).post(f"/phonebook/{boti.pk}/", whole(numbers=[BOTI, "06309990002"], company="Megmarad"))
    assert answer.status_code == 422
    assert "&lt;b&gt;Más" in answer.text
    assert f'href="/phonebook/{boti.pk}/merge/?with={other.pk}"' in answer.text
    assert "Megmarad" in answer.text


def test_forty_numbers_and_hostile_words_are_told_or_shown_as_text(dana, boti):
    many = [f"+3630555{n:04}" for n in range(40)]
    assert "At most 20 numbers" in Browser(dana).post(f"/phonebook/{boti.pk}/", whole(numbers=many)).text
    answer = Browser(dana).post(f"/phonebook/{boti.pk}/", whole(name="<script>ő</script>", tags=['"><img src=x>', "\u202etag"]))
    assert answer.status_code == 302
    for page in (answer.url, "/phonebook/"):
        text = Browser(dana).get(page).text
        assert "<img src=x" not in text
        assert "<script>ő" not in text
        assert "\u202e" not in text


def test_the_short_form_beside_a_thread_leaves_the_rest_as_it_is(dana, kontakt, boti_texts, boti):
    save_entry(subscriber=kontakt, entry=boti, facts=Facts(name="Kiss Boti", numbers=[BOTI, SECOND], tags=["vip"]), now=NOW)
    second = boti_texts("Szia", sender=SECOND).conversation
    Browser(dana).post(f"/phonebook/{second.contact_id}/?conversation={second.pk}", {"name": "Új Név"}, headers=HTMX)
    assert {row.name for row in Contact.objects.all()} == {"Új Név"}
    boti.refresh_from_db()
    assert (boti.others.count(), boti.tags.count()) == (1, 1)


def test_messages_of_a_contact_are_those_of_all_its_numbers(dana, kontakt, boti_texts, boti):
    texts = [boti_texts("Szia"), boti_texts("Én vagyok", sender=SECOND)]
    nameless = texts[1].conversation.contact
    answer = Browser(dana).post(f"/phonebook/{nameless.pk}/merge/?conversation={texts[1].conversation_id}", {"with": boti.pk})
    assert answer.url == f"/conversations/{texts[1].conversation_id}/"
    assert set(shown(Browser(dana).get(f"/messages/?contact={boti.pk}"))) == {str(text.uuid) for text in texts}


def test_two_entries_are_merged_only_when_one_was_chosen(dana, kontakt, boti):
    other = save_entry(subscriber=kontakt, facts=Facts(name="B. Kiss", numbers=[SECOND]), now=NOW)
    browser = Browser(dana)
    assert browser.get(f"/phonebook/{boti.pk}/merge/?q=kiss").text.count('name="with"') == 1
    assert browser.post(f"/phonebook/{boti.pk}/merge/", {"with": other.pk}).status_code == 200
    assert Contact.objects.filter(main=None).count() == 2
    assert browser.post(f"/phonebook/{boti.pk}/merge/", {"with": other.pk, "keep": other.pk}).url == f"/phonebook/{other.pk}/"
    assert {row.name for row in Contact.objects.all()} == {"B. Kiss"}
    assert browser.post(f"/phonebook/{boti.pk}/merge/", {"with": other.pk}).url == f"/phonebook/{other.pk}/"
    assert browser.post(f"/phonebook/{boti.pk}/separate/").url == f"/phonebook/{boti.pk}/"
    assert Contact.objects.filter(main=None).count() == 2


# --- Blocked ----------------------------------------------------------------------------------
def test_a_blocked_sender_is_in_no_list_and_no_search(dana, sam, boti_texts, boti):
    thread, other = boti_texts("Nyertél!").conversation, boti_texts("Jó napot", sender=SECOND).conversation
    browser = Browser(dana)
    assert browser.post(f"/phonebook/{boti.pk}/block/?conversation={thread.pk}").url == "/"
    boti_texts("Kattints ide!")
    for address in ("/", "/?q=kattints", "/?q=boti", "/?view=waiting", "/?view=free"):
        assert thread.pk not in rows_in(browser.get(address)), address
    assert browser.get("/conversations/counts/").json()["all"] == 1
    assert rows_in(browser.get("/")) == [other.pk]
    assert "Kattints" not in browser.get("/messages/").text
    assert "Kattints" in browser.get(f"/phonebook/{boti.pk}/").text
    assert names_in(browser.get("/phonebook/?view=blocked")) == ["Kiss Boti"]
    page = browser.get(f"/conversations/{thread.pk}/").text
    assert "This contact is blocked" in page
    frames = browser.post(f"/phonebook/{boti.pk}/unblock/?conversation={thread.pk}", headers=FRAMES).text
    assert f'id="row-{thread.pk}"' in frames
    assert rows_in(browser.get("/")) == [other.pk, thread.pk]


def test_nobody_writes_to_a_blocked_contact_by_mistake(dana, conversation, boti, line):
    block_sender(entry=boti, by=dana, now=NOW)
    browser = Browser(dana)
    answer = browser.send(conversation, "Szia!")
    assert answer.status_code == 422
    assert "is blocked" in answer.text
    form = {"uuid": "7b0c7f0e-0000-4000-8000-000000000001", "to": BOTI, "body": "Szia!", "line": line.pk}
    answer = browser.post("/messages/new/", form)
    assert answer.status_code == 422
    assert "is blocked" in answer.text
    assert not conversation.messages.exists()
    assert "blocked" in browser.get("/messages/new/lookup/?to=boti").text


def test_a_number_without_a_name_is_blocked_and_found_again_by_who_may_see_it(dana, eve, boti_texts, sales_line):
    hers, other = (
        boti_texts("Nyertél!", sender=SECOND).conversation,
        boti_texts("X", sender="+36209990009", to=sales_line).conversation,
    )
    for thread in (hers, other):
        block_sender(entry=thread.contact, by=dana, now=NOW)
    assert names_in(Browser(dana).get("/phonebook/?view=blocked")) == ["+36 30 999 0002"]
    assert Conversation.objects.filter(hidden_at=None).count() == 0


def test_the_look_up_of_recipients_knows_further_numbers_company_and_tags(dana, kontakt, boti):
    facts = Facts(name="Kiss Boti", numbers=[BOTI, SECOND], company="Bolt Bt.", tags=["vip"])
    save_entry(subscriber=kontakt, entry=boti, facts=facts, now=NOW)
    text = Browser(dana).get("/messages/new/lookup/?to=0002").text
    assert "Bolt Bt." in text
    assert "vip" in text
    assert f'data-number="{SECOND}"' in text


def test_merging_is_refused_when_somebody_was_quicker(dana, sam, kontakt, boti):
    other = save_entry(subscriber=kontakt, facts=Facts(name="B. Kiss", numbers=[SECOND]), now=NOW)
    merge_contacts(keep=boti, other=other, by=sam, now=NOW)
    browser = Browser(dana)
    answer = browser.post(f"/phonebook/{boti.pk}/merge/", {"with": other.pk, "keep": other.pk})
    assert answer.url == f"/phonebook/{boti.pk}/"
    assert "same entry" in browser.notices(answer.url)
