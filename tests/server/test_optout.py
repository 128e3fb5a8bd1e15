from __future__ import annotations

import pytest

from server.contacts.optout import START_WORDS, STOP_WORDS, Wish, wish_of

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
