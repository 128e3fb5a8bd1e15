"""A filter as a value: read from an address, written into one, with every problem told by its field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import pytest
from django.contrib.staticfiles import finders

from server.history.filter import MOST_SELECTED, FilterNotValid, HistoryFilter, beginning_of, end_of

BUDAPEST = ZoneInfo("Europe/Budapest")
ONE = UUID(int=1)
FULL = {
    "from": "2026-11-01 08:30", "to": "2026-11-02 23:59", "number": "06 30 12", "direction": "in", "status": "received", "line": "7",
    "colleague": "8", "contact": "9", "conversation": "10", "origin": "person", "q": "szia", "failed": "1", "note": "1",
    "oldest": "1", "only": str(ONE),
}  # fmt: skip


def problems(**values: str) -> set[str]:
    with pytest.raises(FilterNotValid) as refusal:
        HistoryFilter.read({name.rstrip("_"): value for name, value in values.items()})
    return set(refusal.value.problems)


def test_a_filter_is_what_it_was_written_as():
    wanted = HistoryFilter.read(FULL)
    assert wanted.values == FULL
    assert HistoryFilter.read(wanted.values) == wanted
    assert wanted.only == (ONE,)
    assert wanted.since == datetime(2026, 11, 1, 8, 30)


def test_conditions_are_taken_away_by_their_names():
    wanted = HistoryFilter.read(FULL)
    assert wanted.without("from", "q").values == {name: value for name, value in FULL.items() if name not in {"from", "q"}}
    assert HistoryFilter.read({"oldest": "1"}).is_empty
    assert not wanted.is_empty
    assert wanted.without(*FULL) == HistoryFilter()


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2026-11-01", (2026, 11, 1, 0, 0), (2026, 11, 1, 23, 59)),
        ("2026.11.01.", (2026, 11, 1, 0, 0), (2026, 11, 1, 23, 59)),
        ("2026. 11. 1. 8:05", (2026, 11, 1, 8, 5), (2026, 11, 1, 8, 5)),
        ("2026. nov. 1. 8.05", (2026, 11, 1, 8, 5), (2026, 11, 1, 8, 5)),
        ("2026-11-01T08:30", (2026, 11, 1, 8, 30), (2026, 11, 1, 8, 30)),
        ("2026/11/01 08:30:59", (2026, 11, 1, 8, 30), (2026, 11, 1, 8, 30)),
    ],
)
def test_a_day_is_read_as_people_write_it(text, since, until):
    assert HistoryFilter.read({"from": text}).since == datetime(*since)
    assert HistoryFilter.read({"to": text}).until == datetime(*until)


@pytest.mark.parametrize(
    "text", ["tomorrow", "2026-02-30", "2026-11-01 25:00", "0001-01-01", "9999-12-31", "26-11-01", "2026-11-01x"]
)
def test_what_is_no_day_is_refused(text):
    assert problems(from_=text, to=text) == {"from", "to"}


def test_every_problem_is_told_at_once():
    assert problems(from_="x", direction="up", status="lost", line="-1", only="x", q="fine") == {
        "from",
        "direction",
        "status",
        "line",
        "only",
    }
    assert problems(from_="2026-11-02", to="2026-11-01") == {"to"}
    assert problems(only=",".join(str(UUID(int=n)) for n in range(MOST_SELECTED + 1))) == {"only"}


def test_as_many_as_can_be_picked_fit_into_an_address_that_proxies_take():
    picked = tuple(UUID(int=n) for n in range(MOST_SELECTED))
    assert len(HistoryFilter.read({"only": ",".join(map(str, picked))}).only) == MOST_SELECTED
    assert len(f"GET /messages/exports/new/?{HistoryFilter(only=picked).query} HTTP/1.1") < 8 * 1024
    script = Path(finders.find("chatui/js/selection.js")).read_text()
    assert f"const MOST = {MOST_SELECTED};" in script


@pytest.mark.parametrize("text", ["x", "1.5", "-1", "٣", "1" * 20, "0" * 20 + "9" * 30, "9223372036854775808", "9" * 5000])
def test_what_is_no_id_is_refused(text):
    assert problems(line=text, contact=text) == {"line", "contact"}


def test_no_text_breaks_it():
    wanted = HistoryFilter.read({"q": " a\x00b \ud800 " + "x" * 500, "number": "1 " * 500})
    assert wanted.text.startswith("a�b � x")
    assert (len(wanted.text), len(wanted.number)) == (200, 40)


# --- The wall clock ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("minute", "begins", "is_over"),
    [
        ("2025-10-26 01:59", "2025-10-25 23:59", "2025-10-26 00:00"),
        # Shown twice.
        ("2025-10-26 02:00", "2025-10-26 00:00", "2025-10-26 01:01"),
        ("2025-10-26 02:59", "2025-10-26 00:59", "2025-10-26 02:00"),
        ("2025-10-26 03:00", "2025-10-26 02:00", "2025-10-26 02:01"),
        # Never shown.
        ("2026-03-29 01:59", "2026-03-29 00:59", "2026-03-29 01:00"),
        ("2026-03-29 02:00", "2026-03-29 01:00", "2026-03-29 01:00"),
        ("2026-03-29 02:59", "2026-03-29 01:00", "2026-03-29 01:00"),
        ("2026-03-29 03:00", "2026-03-29 01:00", "2026-03-29 01:01"),
    ],
)
def test_a_minute_of_the_clock_begins_and_is_over(minute, begins, is_over):
    read = datetime.fromisoformat(minute)
    assert beginning_of(read, BUDAPEST) == datetime.fromisoformat(begins).replace(tzinfo=UTC)
    assert end_of(read, BUDAPEST) == datetime.fromisoformat(is_over).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["Europe/Budapest", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]
)
def test_minutes_follow_each_other_in_every_zone(name):
    """Over two years, and the day that Samoa left out: none begins before the one before it, and none ends before it begins."""
    assert name in available_timezones()
    zone = ZoneInfo(name)
    for day in (*(datetime(2025, 1, 1) + timedelta(days=n) for n in range(730)), datetime(2011, 12, 29), datetime(2011, 12, 30)):
        minutes = [day + timedelta(minutes=30 * n) for n in range(49)]
        begins = [beginning_of(minute, zone) for minute in minutes]
        assert begins == sorted(begins)
        assert all(beginning_of(minute, zone) <= end_of(minute, zone) for minute in minutes)
        assert end_of(day + timedelta(hours=23, minutes=59), zone) == beginning_of(day + timedelta(days=1), zone)
