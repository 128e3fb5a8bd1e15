from __future__ import annotations

import pytest

from server import phone

PEOPLE_WRITE = [
    "36301234567", "+36301234567", "0036301234567", "06301234567", "301234567",
    "36 30 123 4567", "+36 30 123 4567", "0036 30 123 4567", "06 30 123 4567", "30 123 4567",
    "06-30-123-4567", "06.30.123.4567", "06/30/123-4567", "06 30/123-45-67", "(06) 30 123 4567", "(06-30) 123 4567",
    "+36-30-123-4567", "+36 (30) 123-4567", "+36 (0)30 123 4567", "+36/30/1234567", "[+36] 30 123 45 67",
    "06\u00a030\u00a0123\u00a04567", "06\u202f30\u202f123\u202f4567", "06\u201130\u20111234567", "06–30–123–4567", "06−30−1234567",
    "  06301234567  ", "\t+36301234567\n", "\u202a+36 30 123 4567\u202c", "\ufeff06301234567", "＋３６ ３０ １２３ ４５６７", "0 6 3 0 1 2 3 4 5 6 7",
]  # fmt: skip


@pytest.mark.parametrize("written", PEOPLE_WRITE)
def test_however_a_number_is_written_it_is_the_same_number(written):
    assert phone.to_e164(written) == "+36301234567"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("+447911123456", "+447911123456"),
        ("00447911123456", "+447911123456"),
        ("447911123456", "+447911123456"),
        ("+447700900123", "+447700900123"),
        ("00 44 7700 900123", "+447700900123"),
        ("447700900123", "+447700900123"),
        ("+44 (0)7911 123456", "+447911123456"),
        ("+43 664 1234567", "+436641234567"),
        ("0043 664 1234567", "+436641234567"),
        ("4915112345678", "+4915112345678"),
        ("40721234567", "+40721234567"),
        ("+1 (212) 555-0123", "+12125550123"),
        ("12125550123", "+12125550123"),
        ("+15005550006", "+15005550006"),
    ],
)
def test_foreign_numbers_are_read_with_plus_with_00_and_with_neither(written, meant):
    assert phone.to_e164(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"), [("06 1 234 5678", "+3612345678"), ("1 234 5678", "+3612345678"), ("06 62 123 456", "+3662123456")]
)
def test_landlines_are_numbers_too_but_known_as_landlines(written, meant):
    assert phone.to_e164(written) == meant
    assert phone.is_landline(meant)


@pytest.mark.parametrize(
    "written",
    [
        "", " ", "+", "00", "06", "INFO", "abc", "12", "112", "1749", "0630123456", "063012345678", "3630123456", "363012345678",
        "3012345678", "+36999999999", "+999123456789", "+3630123456789012", "06301234567x", "06301234567;06301234568", "--", "()",
        "+36+301234567", "30 123 456 seven", "1" * 40, "+420", "\x00", "\ud800", "٠٦٣٠١٢٣٤٥٦٧x",
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused(written):
    with pytest.raises(phone.NumberNotValid):
        phone.to_e164(written)


def test_a_number_without_a_country_is_read_as_the_subscribers_own():
    assert phone.to_e164("0664 1234567", country="AT") == "+436641234567"
    assert phone.to_e164("07911 123456", country="GB") == "+447911123456"
    assert phone.to_e164("06301234567") == "+36301234567"


@pytest.mark.parametrize(
    ("came", "kept"),
    [
        ("+36301234567", "+36301234567"),
        ("+36 30 123 4567", "+36301234567"),
        ("36301234567", "+36301234567"),
        ("447911123456", "+447911123456"),
        ("+266696687", "+266696687"),
        ("1749", "1749"),
        ("12345678", "12345678"),
        ("INFO", "INFO"),
        ("  Magyar Posta ", "Magyar Posta"),
        ("Árvíztűrő", "Árvíztűrő"),
        ("+INFO", "+INFO"),
        ("A" * 50, "A" * 20),
        ("", "?"),
        ("   ", "?"),
    ],
)
def test_any_sender_is_kept(came, kept):
    assert phone.sender_of(came) == kept


def test_numbers_are_shown_as_people_read_them():
    assert phone.display("+36301234567") == "+36 30 123 4567"
    assert phone.display_national("+36301234567") == "30 123 4567"
    assert phone.display_national("+447911123456") == "+44 7911 123456"
    assert phone.display("INFO") == "INFO"
    assert phone.display("1749") == "1749"
    assert phone.display("+INFO") == "+INFO"


def test_the_country_of_a_number():
    assert phone.country_of("+36301234567") == "HU"
    assert phone.country_of("+436641234567") == "AT"
    assert phone.country_of("INFO") == ""
    assert not phone.is_landline("INFO")


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("06 30 12", "363012"),
        ("0630", "3630"),
        ("(06) 30", "3630"),
        ("0036 30", "3630"),
        ("+36 30", "3630"),
        ("30 123", "30123"),
        ("123-45", "12345"),
        ("Kiss", ""),
        ("", ""),
    ],
)
def test_a_part_of_a_number_is_found_in_any_format(typed, digits):
    assert phone.digits_of(typed) == digits


def test_a_part_of_a_number_is_read_by_the_subscribers_country():
    assert phone.digits_of("0664", country="AT") == "43664"


def test_the_likely_country_of_a_number_that_no_plan_knows():
    assert phone.country_of("+447700900123") == ""
    assert phone.likely_country_of("+447700900123") == "GB"
    assert phone.likely_country_of("+36301234567") == "HU"
    assert phone.likely_country_of("+883510012345678") == ""
    assert phone.likely_country_of("INFO") == ""
