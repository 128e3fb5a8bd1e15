from __future__ import annotations

import pytest

from server.contacts.erased import erased_form
from server.contacts.models import OptOut
from server.contacts.optout import START_WORDS, STOP_WORDS, Wish, opt_in, opt_out, opt_out_in_force, wish_of
from server.contacts.phonebook import contact_for
from server.lines.by_key import line_with_key
from server.lines.models import Line
from tests.conftest import BOTI, NOW

STOP = [
    "STOP", "stop", "Stop", " STOP! ", "stop.", "„STOP”", "\"stop\"", "'stop'", "(stop)", "STOP!!!", "stop 🙏", "\nstop\n", "ｓｔｏｐ",
    "STOP" + "\n" * 60, "StopAll", "unsubscribe", "Cancel", "end", "quit", "revoke", "OptOut",
    "Leiratkozás", "leiratkozas", "LEIRATKOZÁS!", "Leiratkozom", "leiratkoznék", "lemond", "Lemondom.", "letilt", "Letiltás",
    "letiltas", "tiltás", "Ne küldj", "ne kuldj!", "Ne  küldjetek", "ne-küldj", "Nem kérem", "nem kerem", "Törlés", "torles",
    "Kiiratkozás", "kiiratkoza\u0301s",
]  # fmt: skip
START = ["START", "start", " Start! ", "unstop", "Feliratkozás", "feliratkozas", "FELIRATKOZÁS."]
NEITHER = [
    "", " ", "!", "stop by tomorrow", "Ne stop", "Stop it!", "please stop", "nonstop", "STOPP", "buszstop", "S T O P", "IGEN", "igen!",
    "NEM", "Nem kérem a számlát", "Törlés alatt?", "The end", "end of story", "Ne küldj számlát", "Lemondom az időpontot",
    "start up", "Restart", "Mikor start?", "Help", "INFO", "👍", "stop\x00stop", "Leiratkozás holnap", "cancel my order", "1",
]  # fmt: skip


@pytest.mark.parametrize("text", STOP)
def test_a_message_that_is_nothing_but_a_stop_word_is_stop(text):
    assert wish_of(text) is Wish.STOP


@pytest.mark.parametrize("text", START)
def test_a_message_that_is_nothing_but_a_start_word_is_start(text):
    assert wish_of(text) is Wish.START


@pytest.mark.parametrize("text", NEITHER)
def test_anything_more_or_less_is_just_a_message(text):
    assert wish_of(text) is None


def test_every_word_of_the_tables_is_heard_as_it_stands_there():
    assert {wish_of(word) for word in STOP_WORDS} == {Wish.STOP}
    assert {wish_of(word) for word in START_WORDS} == {Wish.START}
    assert len(STOP) + len(START) + len(NEITHER) >= 40


@pytest.mark.parametrize("text", ["Elég!", "elég", "ELEG", " elég… ", "hagyjatok békén", "Hagyjatok  BÉKÉN!"])
def test_a_companys_own_words_are_heard_as_loosely_as_the_others(text):
    assert wish_of(text) is None
    assert wish_of(text, ["elég", "Hagyjatok békén"]) is Wish.STOP


@pytest.mark.parametrize("text", ["elég volt", "", "!", "start"])
def test_a_companys_own_words_change_nothing_else(text):
    assert wish_of(text, ["elég", "", "start"]) is wish_of(text)


def test_a_companys_own_word_stops_the_line_that_got_it(kontakt, line, sales_line, boti, boti_texts):
    kontakt.stop_words = ["elég"]
    kontakt.save()
    boti_texts("Elég!", to=Line.objects.select_related("subscriber").get(pk=line.pk))
    assert opt_out_in_force(line=line, number=boti.number).words == "Elég!"
    assert opt_out_in_force(line=sales_line, number=boti.number) is None


def test_the_line_of_a_webhook_knows_its_companys_words_without_another_question(kontakt, line, django_assert_num_queries):
    kontakt.stop_words = ["elég"]
    kontakt.save()
    with django_assert_num_queries(1):
        assert line_with_key(provider="simulator", key=line.key).subscriber.stop_words == ["elég"]


def test_what_an_erased_number_asked_for_is_known_again(kontakt, line, rival_line):
    opt_out(line=line, number=BOTI, source="sms", at=NOW)
    form = erased_form(BOTI, subscriber_id=kontakt.pk)
    assert len(form) <= 20
    assert form != erased_form(BOTI, subscriber_id=rival_line.subscriber_id)
    OptOut.objects.update(number=form)
    assert opt_out_in_force(line=line, number=BOTI)
    assert not opt_out(line=line, number=BOTI, source="sms", at=NOW), "it is still in force"
    contact_for(subscriber=kontakt, number=BOTI, now=NOW)
    assert OptOut.objects.get().number == BOTI
    assert opt_in(line=line, number=BOTI, at=NOW)


def test_what_an_erased_number_asked_for_is_known_under_a_new_secret_key(line, settings):
    OptOut.objects.create(line=line, number=erased_form(BOTI, subscriber_id=line.subscriber_id), source="sms", opted_out_at=NOW)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another" * 8
    assert opt_out_in_force(line=line, number=BOTI)
