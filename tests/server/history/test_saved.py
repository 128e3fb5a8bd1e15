"""Filters under a name: how many are kept, and which are none to keep."""

from __future__ import annotations

import uuid

import pytest

from server.history.filter import HistoryFilter
from server.history.models import SavedFilter
from server.history.saved import MOST_KEPT, PickedByHand, TooManyKept, forget_filter, keep_own_filter, share_filter
from tests.conftest import NOW

FAILED = HistoryFilter(is_failed=True)


def test_a_hundred_are_kept_of_each_person_and_of_the_company(sam, ada):
    for n in range(MOST_KEPT):
        keep_own_filter(name=f"Own {n}", wanted=FAILED, by=sam, now=NOW)
        share_filter(name=f"Shared {n}", wanted=FAILED, by=sam, now=NOW)
    for keep, person in ((keep_own_filter, sam), (share_filter, sam), (share_filter, ada)):
        with pytest.raises(TooManyKept):
            keep(name="One more", wanted=FAILED, by=person, now=NOW)
    assert SavedFilter.objects.count() == 2 * MOST_KEPT
    assert keep_own_filter(name="One more", wanted=FAILED, by=ada, now=NOW)[1]


def test_of_a_hundred_one_may_be_written_over_or_make_room(sam):
    kept = [keep_own_filter(name=f"Own {n}", wanted=FAILED, by=sam, now=NOW)[0] for n in range(MOST_KEPT)]
    again, is_new = keep_own_filter(name="Own 7", wanted=HistoryFilter(number="3630"), by=sam, now=NOW)
    assert (again.pk, again.values, is_new) == (kept[7].pk, {"number": "3630"}, False)
    forget_filter(saved=kept[8], by=sam, now=NOW)
    assert keep_own_filter(name="One more", wanted=FAILED, by=sam, now=NOW)[1]


def test_what_was_picked_by_hand_is_no_filter_to_keep(sam):
    wanted = HistoryFilter(is_failed=True, only=(uuid.uuid4(),))
    for keep in (keep_own_filter, share_filter):
        with pytest.raises(PickedByHand):
            keep(name="Picked", wanted=wanted, by=sam, now=NOW)
    assert not SavedFilter.objects.exists()
