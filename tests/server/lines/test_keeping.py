"""Two of the operator's staff at the same moment."""

from __future__ import annotations

from functools import partial

import pytest

from server.accounts.models import AuditEntry
from server.lines.keeping import ChangedMeanwhile, NumberTaken, add_line, change_line, let_use, sender_from, state_of
from server.lines.models import Line, LineAccess
from tests.conftest import NOW


def test_of_two_who_save_the_same_line_at_once_one_is_told(many_hands, line, oper):
    seen = state_of(line)
    save = [
        partial(change_line, line=Line.objects.get(pk=line.pk), seen=seen, by=oper, now=NOW, label=label) for label in ("A", "B")
    ]
    results = many_hands(*save)
    assert {type(result) for result in results} == {list, ChangedMeanwhile}
    assert AuditEntry.objects.count() == 1


def test_of_two_who_make_the_same_number_at_once_one_is_told(many_hands, kontakt, rival, oper):
    make = [
        partial(add_line, subscriber=company, number="+36301110077", provider="twilio", label="x", by=oper, now=NOW)
        for company in (kontakt, rival)
    ]
    results = many_hands(*make)
    assert {type(result) for result in results} == {Line, NumberTaken}
    assert Line.objects.count() == 1


def test_only_what_changed_is_written(line, oper):
    stale = Line.objects.get(pk=line.pk)
    Line.objects.filter(pk=line.pk).update(held_since=NOW, held_reason="401")
    assert change_line(line=stale, by=oper, now=NOW, label="New") == ["label"]
    line.refresh_from_db()
    assert (line.label, line.held_reason) == ("New", "401")


def test_rights_are_of_this_companys_colleagues_only(line, dana, eve, sam, oper):
    assert let_use(line=line, people={dana.pk: False, eve.pk: True, sam.pk: True}, by=oper, now=NOW) == ["dana"]
    assert list(LineAccess.objects.filter(line=line).values_list("user__username", "can_send")) == [("dana", False)]


@pytest.mark.parametrize(
    ("typed", "kept"), [("06 30 111 0077", "+36301110077"), (" FONAL ", "FONAL"), ("0630FONAL", "0630FONAL"), ("1 a", "1 a")]
)
def test_a_sender_is_a_number_or_a_name(typed, kept):
    assert sender_from(typed, country="HU") == kept
