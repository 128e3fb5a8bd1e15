"""When a company is open, through nights of changing clocks, holidays, and days of its own."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from server.accounts.models import ClosedDay
from server.accounts.opening_hours import HoursNotValid, checked_hours, holidays_of, is_open, next_opening, open_until

BUDAPEST = ZoneInfo("Europe/Budapest")


def at(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BUDAPEST, fold=fold).astimezone(UTC)


@pytest.fixture
def company(kontakt):
    kontakt.opening_hours = {"1": [["08:00", "12:00"], ["13:00", "17:00"]], "5": [["08:00", "17:00"]]}
    kontakt.save()
    return kontakt


def open_at_night(kontakt, begins: str, ends: str):
    kontakt.opening_hours = {"7": [[begins, ends]]}
    return kontakt


@pytest.mark.parametrize(
    ("moment", "is_so"),
    [
        ("2026-11-23T07:59:59", False),
        ("2026-11-23T08:00", True),
        ("2026-11-23T11:59:59", True),
        ("2026-11-23T12:00", False),
        ("2026-11-23T12:59", False),
        ("2026-11-23T13:00", True),
        ("2026-11-23T17:00", False),
        ("2026-11-24T09:00", False),
        ("2026-11-27T12:30", True),
    ],
)
def test_a_company_is_open_within_its_spans(company, moment, is_so):
    assert is_open(company, at(moment)) is is_so


def test_the_zone_is_the_companys(company):
    company.timezone = "America/New_York"
    assert not is_open(company, at("2026-11-23T09:00"))
    assert is_open(company, at("2026-11-23T14:30"))


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-11-23T06:00", "2026-11-23T08:00"),
        ("2026-11-23T08:00", "2026-11-23T13:00"),
        ("2026-11-23T12:30", "2026-11-23T13:00"),
        ("2026-11-23T18:00", "2026-11-27T08:00"),
        ("2026-11-27T18:00", "2026-11-30T08:00"),
        # The Friday is Christmas.
        ("2026-12-21T18:00", "2026-12-28T08:00"),
    ],
)
def test_the_next_opening_is_the_next_time_the_door_opens(company, moment, opens):
    assert next_opening(company, at(moment)) == at(opens)


def test_who_never_opens_has_no_next_opening(company):
    company.opening_hours = {}
    assert next_opening(company, at("2026-11-23T09:00")) is None
    assert not is_open(company, at("2026-11-23T09:00"))


@pytest.mark.parametrize("day", ["2026-12-24", "2026-12-25", "2026-12-26", "2026-11-01", "2026-10-23", "2027-03-29"])
def test_public_holidays_are_closed_if_the_company_wishes(kontakt, day):
    kontakt.opening_hours = {str(weekday): [["08:00", "17:00"]] for weekday in range(1, 8)}
    assert not is_open(kontakt, at(f"{day}T10:00"))
    kontakt.is_closed_on_holidays = False
    assert is_open(kontakt, at(f"{day}T10:00"))


def test_another_country_has_other_holidays(kontakt):
    kontakt.opening_hours = {str(weekday): [["08:00", "17:00"]] for weekday in range(1, 8)}
    kontakt.country = "AT"
    assert is_open(kontakt, at("2026-10-23T10:00"))
    assert not is_open(kontakt, at("2026-10-26T10:00"))
    # Nobody has written these down.
    assert holidays_of("XX", 2026) == {}


def test_holidays_are_said_in_the_language_asked_for():
    assert holidays_of("HU", 2026, "hu")[date(2026, 12, 24)] == "Szenteste"
    assert holidays_of("HU", 2026, "en")[date(2026, 12, 24)] == "Christmas Eve"
    assert holidays_of("HU", 2026, "hu")[date(2026, 8, 21)] == "Pihenőnap"
    assert holidays_of("JP", 2026, "xx")


def test_a_closed_day_of_ones_own_is_closed(company):
    ClosedDay.objects.create(subscriber=company, day=date(2026, 11, 23), name="Leltár")
    assert not is_open(company, at("2026-11-23T09:00"))
    assert next_opening(company, at("2026-11-22T09:00")) == at("2026-11-27T08:00")


def test_the_closed_day_of_another_company_is_not_ours(company, rival):
    ClosedDay.objects.create(subscriber=rival, day=date(2026, 11, 23))
    assert is_open(company, at("2026-11-23T09:00"))


# --- Nights of changing clocks: 2026-03-29 from 2:00 to 3:00, 2026-10-25 from 3:00 back to 2:00 -------
def test_in_the_night_that_skips_an_hour_the_door_opens_once(kontakt):
    company = open_at_night(kontakt, "01:00", "02:30")
    # 2:30 is not there: it is read as 3:30.
    assert is_open(company, at("2026-03-29T01:59"))
    assert is_open(company, at("2026-03-29T03:29"))
    assert not is_open(company, at("2026-03-29T03:30"))
    company = open_at_night(kontakt, "02:30", "06:00")
    assert not is_open(company, at("2026-03-29T01:59"))
    assert next_opening(company, at("2026-03-29T00:00")) == at("2026-03-29T03:30")


def test_in_the_night_that_repeats_an_hour_the_door_opens_once(kontakt):
    company = open_at_night(kontakt, "01:00", "02:30")
    for fold in (0, 1):
        assert is_open(company, at("2026-10-25T02:15", fold))
    assert is_open(company, at("2026-10-25T02:45", 0))
    assert not is_open(company, at("2026-10-25T02:30", 1))
    company = open_at_night(kontakt, "02:30", "06:00")
    assert next_opening(company, at("2026-10-25T00:00")) == at("2026-10-25T02:30", 0)
    assert is_open(company, at("2026-10-25T02:15", 1))


def test_a_day_of_changing_clocks_is_as_long_as_it_is(kontakt):
    company = open_at_night(kontakt, "00:00", "24:00")
    for day, hours in (("2026-03-29", 23), ("2026-10-25", 25)):
        until = open_until(company, at(f"{day}T00:00"))
        assert until is not None
        assert (until.timestamp() - at(f"{day}T00:00").timestamp()) / 3600 == hours


# --- Until when ---------------------------------------------------------------------------------------
def test_it_is_said_until_when_a_company_is_open(company):
    assert open_until(company, at("2026-11-23T09:00")) == at("2026-11-23T12:00")
    assert open_until(company, at("2026-11-23T12:30")) is None


def test_a_night_between_two_open_days_is_no_closing(kontakt):
    kontakt.opening_hours = {"1": [["08:00", "24:00"]], "2": [["00:00", "06:00"]]}
    assert open_until(kontakt, at("2026-11-23T09:00")) == at("2026-11-24T06:00")
    assert next_opening(kontakt, at("2026-11-23T09:00")) == at("2026-11-30T08:00")


def test_who_never_closes_is_open_without_an_end(kontakt):
    kontakt.opening_hours = {str(weekday): [["00:00", "24:00"]] for weekday in range(1, 8)}
    kontakt.is_closed_on_holidays = False
    assert is_open(kontakt, at("2026-11-23T23:59:59"))
    assert open_until(kontakt, at("2026-11-23T09:00")) is None
    assert next_opening(kontakt, at("2026-11-23T09:00")) is None


# --- What may be written --------------------------------------------------------------------------------
def test_empty_pairs_are_left_out_and_neighbours_are_joined():
    written = {1: [("08:00", "12:00"), ("12:00", "17:00")], 2: [("", ""), ("", "")], 3: [("13:00", "00:00"), ("08:00", "12:00")]}
    assert checked_hours(written) == {"1": [["08:00", "17:00"]], "3": [["08:00", "12:00"], ["13:00", "24:00"]]}


@pytest.mark.parametrize(
    ("pairs", "why"),
    [
        ([("25:00", "26:00")], "time"),
        ([("8", "17")], "time"),
        ([("08:00", "17:60")], "time"),
        ([("24:00", "24:00")], "time"),
        ([("٠٨:٠٠", "17:00")], "time"),
        ([("17:00", "08:00")], "order"),
        ([("08:00", "08:00")], "order"),
        ([("08:00", "")], "half"),
        ([("", "17:00")], "half"),
        ([("08:00", "12:00"), ("11:00", "17:00")], "overlap"),
        ([("08:00", "09:00"), ("10:00", "11:00"), ("12:00", "13:00")], "many"),
    ],
)
def test_hours_that_are_none_are_refused(pairs, why):
    with pytest.raises(HoursNotValid) as refusal:
        checked_hours({4: pairs})
    assert (refusal.value.weekday, refusal.value.why) == (4, why)
