"""Several colleagues on one thread: who has it, who has read it, whether it is done."""

from __future__ import annotations

import re

import pytest

from server.events.models import Event
from server.lines.models import LineAccess
from server.messaging.models import Conversation, ReadMarker
from tests.conftest import NOW
from tests.doors import HTMX, Browser, entries_in, rows_in

STRANGE = ["abc", "-1", "1.5", "²", "99999999999999999999", "9" * 5000, "\x00", "None"]


@pytest.fixture
def thread(boti_texts):
    return boti_texts("Szia").conversation


def at(conversation, verb: str) -> str:
    return f"/conversations/{conversation.pk}/{verb}/"


def assignee(conversation) -> str | None:
    conversation = Conversation.objects.select_related("assignee").get(pk=conversation.pk)
    return conversation.assignee and conversation.assignee.username


def test_one_click_takes_it_and_shows_that_at_once(dana, thread):
    answer = Browser(dana).say(at(thread, "claim"))
    assert assignee(thread) == "dana"
    assert rows_in(answer) == [thread.pk]
    assert "Dana took it" in answer.text
    assert "<live-head" in answer.text


def test_taking_it_twice_is_harmless(dana, thread):
    browser = Browser(dana)
    assert [browser.say(at(thread, "claim")).status_code for _ in range(3)] == [200, 200, 200]
    assert thread.activities.count() == 1


def test_who_comes_second_learns_who_has_it(dana, bela, thread):
    Browser(bela).say(at(thread, "claim"))

    answer = Browser(dana).say(at(thread, "claim"))

    assert answer.status_code == 409
    assert "Bela was quicker and has this conversation. Your text is kept." in answer.text
    assert f'data-assignee="{bela.pk}"' in answer.text
    assert assignee(thread) == "bela"


def test_without_scripts_the_loser_is_told_on_the_page(dana, bela, thread):
    Browser(bela).post(at(thread, "claim"))
    browser = Browser(dana)
    answer = browser.post(at(thread, "claim"))
    assert (answer.status_code, answer.url) == (302, f"/conversations/{thread.pk}/")
    assert "Bela was quicker" in browser.get(answer.url).text


def test_it_is_handed_over_and_put_back(dana, bela, thread):
    browser = Browser(dana)
    assert "Dana gave it to Bela" in browser.say(at(thread, "assign"), to=bela.pk).text
    assert assignee(thread) == "bela"
    assert "put it back for anybody" in browser.say(at(thread, "assign"), to="").text
    assert assignee(thread) is None


def test_who_does_not_have_the_line_can_not_be_given_it(dana, kontakt, thread):
    cili = type(dana).objects.create_user(username="cili", name="Cili", subscriber=kontakt)
    answer = Browser(dana).say(at(thread, "assign"), to=cili.pk)
    assert answer.status_code == 422
    assert "Cili does not have this line. Nothing was changed." in answer.text
    assert assignee(thread) is None


@pytest.mark.parametrize("to", STRANGE)
def test_nobody_of_that_name_is_not_found(dana, thread, to):
    assert Browser(dana).say(at(thread, "assign"), to=to).status_code == 404
    assert assignee(thread) is None


def test_strangers_and_people_who_have_left_are_nobody(dana, bela, eve, oper, thread):
    type(bela).objects.filter(pk=bela.pk).update(is_active=False)
    missing = Browser(dana).say(at(thread, "assign"), to=987654)
    for one in (eve, oper, bela):
        answer = Browser(dana).say(at(thread, "assign"), to=one.pk)
        assert (answer.status_code, answer.content) == (404, missing.content)
    assert assignee(thread) is None


def test_only_those_who_may_see_the_line_are_offered(dana, bela, sam, ada, eve, kontakt, thread):
    type(dana).objects.create_user(username="cili", name="Cili", subscriber=kontakt)
    for headers in ({}, HTMX):
        # As words: a random token may hold the letters of a name.
        words = set(re.findall(r"\w+", Browser(dana).get(at(thread, "colleagues"), headers=headers).text))
        assert [name for name in ("Ada", "Bela", "Cili", "Dana", "Eve", "Sam") if name in words] == ["Ada", "Bela", "Dana", "Sam"]


def test_done_takes_it_off_the_list_and_reopen_brings_it_back(dana, thread):
    browser = Browser(dana)
    answer = browser.say(at(thread, "done"))
    assert "Dana marked it done" in answer.text
    assert "data-done" in answer.text
    assert rows_in(browser.get("/")) == []
    assert "Dana reopened it" in browser.say(at(thread, "reopen")).text
    assert rows_in(browser.get("/")) == [thread.pk]


def test_done_twice_is_done_once(dana, thread):
    browser = Browser(dana)
    for _ in range(3):
        assert browser.say(at(thread, "done")).status_code == 200
    assert thread.activities.count() == 1


@pytest.mark.parametrize("verb", ["claim", "assign", "done", "reopen", "unread"])
def test_without_scripts_each_leads_back_to_the_thread(dana, thread, verb):
    answer = Browser(dana).post(at(thread, verb))
    assert (answer.status_code, answer.url) == (302, f"/conversations/{thread.pk}/")


def test_what_one_has_read_is_ones_own(dana, bela, thread):
    assert Browser(dana).say(at(thread, "read"), upto=1).status_code == 204
    assert 'class="row unread"' not in Browser(dana).get("/").text
    assert 'class="row unread"' in Browser(bela).get("/").text
    Browser(dana).say(at(thread, "unread"))
    assert 'class="row unread"' in Browser(dana).get("/").text


@pytest.mark.parametrize("upto", ["", *STRANGE])
def test_a_strange_count_of_what_was_read_is_refused(dana, thread, upto):
    assert Browser(dana).say(at(thread, "read"), upto=upto).status_code == 400
    assert not ReadMarker.objects.exists()


def test_more_than_there_is_can_not_be_read(dana, thread):
    assert Browser(dana).say(at(thread, "read"), upto=999_999_999_999_999_999).status_code == 204
    assert ReadMarker.objects.get().inbound_read == 1


def test_reading_again_tells_nobody_again(dana, thread):
    browser = Browser(dana)
    browser.say(at(thread, "read"), upto=1)
    before = Event.objects.count()
    browser.say(at(thread, "read"), upto=1)
    browser.say(at(thread, "read"), upto=0)
    assert Event.objects.count() == before


def test_who_loses_the_line_loses_the_conversation_with_the_next_request(dana, line, thread):
    browser = Browser(dana)
    browser.say(at(thread, "claim"))
    LineAccess.objects.filter(line=line, user=dana).delete()
    assert browser.get(f"/conversations/{thread.pk}/").status_code == 404
    assert browser.say(at(thread, "done")).status_code == 404
    assert rows_in(browser.get("/?view=mine")) == []


def test_supervisor_and_administrator_work_on_every_line(sam, ada, thread):
    for person in (sam, ada):
        browser = Browser(person)
        assert browser.say(at(thread, "assign"), to=person.pk).status_code == 200
        assert browser.send(thread, f"Itt {person.name}").status_code == 200
    assert entries_in(Browser(sam).get(f"/conversations/{thread.pk}/"))


def test_an_inbound_text_brings_a_finished_thread_back(dana, thread, boti_texts):
    browser = Browser(dana)
    browser.say(at(thread, "done"))
    boti_texts("Még valami", at=NOW)
    assert rows_in(browser.get("/")) == [thread.pk]
