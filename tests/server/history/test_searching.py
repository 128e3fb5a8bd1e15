"""What a text in the search box means: words, part of a number, a day."""

from __future__ import annotations

from datetime import date

import pytest

from server.history.searching import MOST_TERMS, Term, day_bounds, terms_in, words_of_search

TODAY = date(2026, 11, 23)


def terms(text: str, today: date = TODAY) -> list[Term]:
    return terms_in(text, country="HU", today=today)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kiss szia", [Term(("kiss",)), Term(("szia",))]),
        ("szia SZIA", [Term(("szia",))]),
        ("12", [Term(("12",))]),
        ("1234", [Term(("1234",), ("tel1234",))]),
        ("0630", [Term(("0630",), ("tel0630", "tel3630"))]),
        ("kiss 06 30 123", [Term(("kiss",)), Term(("06", "30", "123"), ("tel0630123", "tel3630123"))]),
        ("\u202a+36 30 123\u202c kiss", [Term(("36", "30", "123"), ("tel3630123",)), Term(("kiss",))]),
        ("+43 (0)664", [Term(("43", "0", "664"), ("tel43664",))]),
        ("x_123", [Term(("x",)), Term(("123",), ("tel123",))]),
        ("10:30", [Term(("10",)), Term(("30",))]),
        ("?! -", []),
        ("ͺ", []),
    ],
)
def test_words_and_numbers_are_told_apart(text, expected):
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-12", date(2026, 11, 12)),
        ("2026. 11. 12.", date(2026, 11, 12)),
        ("2026. november 12.", date(2026, 11, 12)),
        ("november 12-én", date(2026, 11, 12)),
        ("nov. 12", date(2026, 11, 12)),
        ("nov.12", date(2026, 11, 12)),
        ("NOV 12", date(2026, 11, 12)),
        ("12 Nov 2025", date(2025, 11, 12)),
        ("November 12, 2025", date(2025, 11, 12)),
        ("május 1", date(2026, 5, 1)),
        ("majus 1", date(2026, 5, 1)),
        # The last one there was.
        ("december 24", date(2025, 12, 24)),
        ("november 24", date(2025, 11, 24)),
        ("november 23", date(2026, 11, 23)),
        ("február 29", None),
        ("2026-13-01", None),
        ("0001-01-01", None),
        ("9999-12-31", None),
        ("decent 5", None),
        ("marha 2", None),
        ("már 3", None),
        ("362026-11-12", None),
    ],
)
def test_a_day_is_seen_as_people_write_it(text, day):
    assert [term.day for term in terms(text) if term.day] == ([day] if day else [])


def test_a_day_may_be_words_of_a_text_as_well():
    assert terms("jön november 12 reggel") == [
        Term(("jon",)), Term(("november", "12"), day=date(2026, 11, 12)), Term(("reggel",)),
    ]  # fmt: skip
    first, last = day_bounds(date(2026, 11, 12))
    assert (first.hour, first.minute, last.hour, last.minute) == (0, 0, 23, 59)


def test_a_leap_day_without_a_year_is_that_of_a_leap_year_or_none():
    assert [term.day for term in terms("február 29", date(2028, 3, 1))] == [date(2028, 2, 29)]
    assert [term.day for term in terms("február 29", date(2028, 2, 1)) if term.day] == []


def test_of_many_words_none_is_left_out():
    text = " ".join(f"szó{n}" for n in range(50))
    assert terms(text) == [*(Term((f"szo{n}",)) for n in range(7)), Term(tuple(f"szo{n}" for n in range(7, 50)))]
    assert len(terms(text)) == MOST_TERMS
    assert words_of_search(text) == [f"szo{n}" for n in range(50)]


def test_eight_words_are_eight():
    assert terms("a b c d e f g h") == [Term((letter,)) for letter in "abcdefgh"]
    assert terms("a b c d e f g h i i a") == [*(Term((letter,)) for letter in "abcdefg"), Term(("h", "i"))]


def test_a_number_and_a_day_after_many_words_are_still_a_number_and_a_day():
    assert terms("a b c d e f g h 06301234567 november 12") == [
        Term(("06301234567",), ("tel06301234567", "tel36301234567")),
        Term(("november", "12"), day=date(2026, 11, 12)),
        *(Term((letter,)) for letter in "abcde"),
        Term(("f", "g", "h")),
    ]
