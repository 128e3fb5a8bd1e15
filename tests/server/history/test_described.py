"""A filter in words: what a chip says of it, and the sheet beside a file."""

from __future__ import annotations

from datetime import date

import pytest
from django.utils import translation

from server.history.described import described
from server.history.filter import HistoryFilter

TODAY = date(2026, 11, 23)
PERIODS = [
    ("2026-11-01", "2026-11-22", "november 1. – 22.", "November 1 – 22"),
    ("2026-11-22", "2026-11-22", "november 22.", "November 22"),
    ("2026-10-30", "2026-11-02", "október 30. – november 2.", "October 30 – November 2"),
    ("2025-12-01", "2025-12-31", "2025. december 1. – 31.", "December 1 – 31, 2025"),
    ("2025-12-30", "2026-01-02", "2025. december 30. – 2026. január 2.", "December 30, 2025 – January 2, 2026"),
    ("2026-11-01 8:30", "2026-11-01 17:05", "november 1. 8:30 – 17:05", "November 1, 8:30 – 17:05"),
    ("2026-11-01 8:30", "2026-11-02 17:05", "november 1. 8:30 – november 2. 17:05", "November 1, 8:30 – November 2, 17:05"),
    ("2026-11-01", "", "november 1. óta", "from November 1"),
    ("2026-11-01 8:30", "", "november 1. 8:30 óta", "from November 1, 8:30"),
    ("", "2026-11-22", "november 22. végéig", "until the end of November 22"),
    ("", "2026-11-22 17:00", "november 22. 17:00-ig", "until November 22, 17:00"),
]


def said(user, language="en", today=None, **values) -> dict[str, str]:
    with translation.override(language):
        return dict(described(HistoryFilter.read(values), user, today=today))


@pytest.mark.parametrize(("since", "until", "hungarian", "english"), PERIODS)
def test_a_period_is_said_as_short_as_it_can_be(dana, since, until, hungarian, english):
    period = {"from": since, "to": until}
    assert [*said(dana, "hu", TODAY, **period).values()] == [hungarian]
    assert [*said(dana, "en", TODAY, **period).values()] == [english]


def test_without_a_today_years_are_always_said(dana):
    period = {"from": "2026-11-01", "to": "2026-11-22"}
    assert said(dana, "hu", **period) == {"from,to": "2026. november 1. – 22."}
    assert said(dana, "en", **period) == {"from,to": "November 1 – 22, 2026"}


def test_every_condition_has_its_words(dana, line, boti, conversation):
    picked = "0b5c9b0e-0000-4000-8000-000000000001"
    conditions = {
        "number": "3630",
        "direction": "in",
        "status": "received",
        "line": line.pk,
        "colleague": dana.pk,
        "contact": boti.pk,
        "conversation": conversation.pk,
        "origin": "rule",
        "q": "számla",
        "failed": "1",
        "note": "1",
        "only": picked,
    }
    assert said(dana, "hu", **conditions) == {
        "number": "szám: 3630",
        "direction": "irány: Bejövő",
        "status": "állapot: Beérkezett",
        "line": "vonal: Support",
        "colleague": "munkatárs: Dana",
        "contact": "partner: Kiss Boti",
        "conversation": "beszélgetés: Kiss Boti",
        "origin": "eredet: Automatikus",
        "q": "szöveg: számla",
        "failed": "csak a sikertelenek",
        "note": "belső megjegyzéssel",
        "only": "kézzel kijelölve: 1",
    }


def test_the_order_is_no_condition(dana):
    assert said(dana, oldest="1") == {}


@pytest.mark.parametrize("name", ["line", "colleague", "contact", "conversation"])
def test_what_one_may_not_see_is_said_like_what_does_not_exist(eve, dana, line, boti, conversation, name):
    theirs = {"line": line, "colleague": dana, "contact": boti, "conversation": conversation}[name]
    assert said(eve, **{name: theirs.pk}) == said(eve, **{name: 7_900_001})
    assert said(eve, **{name: theirs.pk})[name].endswith("not available")


def test_a_line_that_was_not_given_has_no_name_and_neither_have_its_conversations(dana, sales_line, boti_texts):
    thread = boti_texts("Szia", to=sales_line).conversation
    assert said(dana, line=sales_line.pk) == {"line": "line: not available"}
    assert said(dana, conversation=thread.pk) == {"conversation": "conversation: not available"}


def test_a_partner_is_not_told_by_whom_they_wrote_to_on_another_line(dana, sam, line, sales_line, boti_texts):
    contact = boti_texts("Szia", to=sales_line, sender="+36205554444").conversation.contact
    assert said(dana, contact=contact.pk) == said(dana, contact=7_900_001) == {"contact": "partner: not available"}
    assert said(sam, contact=contact.pk) == {"contact": "partner: +36 20 555 4444"}
    boti_texts("Szia", to=line, sender="+36205554444")
    assert said(dana, contact=contact.pk) == {"contact": "partner: +36 20 555 4444"}


def test_a_partner_without_a_name_is_said_by_the_number(dana, boti_texts):
    contact = boti_texts("Szia", sender="+36209990002").conversation.contact
    assert said(dana, contact=contact.pk) == {"contact": "partner: +36 20 999 0002"}


def test_it_asks_the_database_only_for_names(dana, line, django_assert_num_queries):
    with django_assert_num_queries(0):
        said(dana, number="3630", q="számla", failed="1", **{"from": "2026-11-01"})
    with django_assert_num_queries(2):
        said(dana, line=line.pk, colleague=dana.pk)
