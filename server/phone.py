"""Telephone numbers: the only door to `phonenumbers`."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache, partial

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType, ValidationResult
from phonenumbers.geodata.locale import LOCALE_DATA

# What people put between digits: spaces (also no-break), hyphens and dashes, dots, slashes, brackets; and the
# invisible marks of direction that come along when a number is copied from a phone's address book.
_SEPARATORS = re.compile(r"[\s\u00a0\u2007\u202f\u2010-\u2015\u2212\-./()\[\]\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")
# "+36 (0)30 123 4567": the bracketed zero is for callers at home.
_BRACKETED_ZERO = re.compile(r"(?<=[0-9\s])\(0\)")
# Senders this short are short codes, though some of them could be read as somebody's landline.
_SHORT_CODE_DIGITS = 8
_MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
_ORDINARY = _MOBILE | {PhoneNumberType.FIXED_LINE, PhoneNumberType.VOIP, PhoneNumberType.UAN, PhoneNumberType.TOLL_FREE}
_WRITTEN = re.compile(r"(?:\+|00)?[0-9]{3,20}")


class NumberNotValid(ValueError):
    """The text is not a telephone number that a message could be sent to."""


def to_e164(text: str, *, country: str = "HU") -> str:
    """Read a number as people write it and return it as +36301234567.

    `3630…`, `+3630…`, `003630…`, `0630…` and `06 30 …` are the same number; without a country code
    it is read as `country`'s. Raises NumberNotValid.
    """
    written = _SEPARATORS.sub("", _BRACKETED_ZERO.sub("", unicodedata.normalize("NFKC", text)))
    if not _WRITTEN.fullmatch(written):
        raise NumberNotValid(text)
    readings = _readings(written, country)
    for accept in (phonenumbers.is_valid_number, partial(_is_plausible_abroad, written, country)):
        for reading in readings:
            if accept(reading):
                return phonenumbers.format_number(reading, PhoneNumberFormat.E164)
    raise NumberNotValid(text)


def sender_of(text: str, *, country: str = "HU") -> str:
    """Any sender as we store it: E.164 when it is a number, else as it came (a short code, `INFO`), 20 characters at most."""
    raw = text.strip()[:20]
    if raw.startswith("+"):
        digits = _SEPARATORS.sub("", raw)
        # Providers write E.164; keep it even where the numbering plan does not know it (yet).
        return digits if re.fullmatch(r"\+[0-9]{5,15}", digits) else raw
    if len(raw) <= _SHORT_CODE_DIGITS:
        return raw or "?"
    try:
        return to_e164(raw, country=country)
    except NumberNotValid:
        return raw


def display(number: str) -> str:
    """The number as people read it: `+36 30 123 4567`; a sender that is no number stays as it is."""
    return _display(number)


def display_national(number: str, *, country: str = "HU") -> str:
    """Short for one's own country (`30 123 4567`), international for the others."""
    prefix = f"+{phonenumbers.country_code_for_region(country)} "
    return display(number).removeprefix(prefix)


def country_of(number: str) -> str:
    """The country's two letters, or an empty string for a short code or a name."""
    parsed = _parsed(number)
    return (phonenumbers.region_code_for_number(parsed) or "") if parsed else ""


def likely_country_of(number: str) -> str:
    """The same, and where a country's plan does not know the number (yet), by the country code alone: +44 … is Britain's."""
    parsed = _parsed(number)
    code = parsed.country_code if parsed else None
    region = country_of(number) or (phonenumbers.region_code_for_country_code(code) if code else "")
    # "001" is what satellite phones and the like have for a country.
    return region if is_country(region) else ""


def is_landline(number: str) -> bool:
    """Whether the number can surely not receive SMS."""
    parsed = _parsed(number)
    return parsed is not None and phonenumbers.number_type(parsed) == PhoneNumberType.FIXED_LINE


def is_mobile(number: str) -> bool:
    """Whether an SMS to the number reaches a mobile phone, at what a mobile costs; where a country's plan does not tell, it may."""
    parsed = _parsed(number)
    # Satellite phones and the like call themselves mobile: they belong to no country, and a message may cost euros.
    return parsed is not None and _is_of_a_country(parsed) and phonenumbers.number_type(parsed) in _MOBILE


def is_ordinary(number: str) -> bool:
    """Whether a call to the number costs what calls cost: no premium or shared-cost service, no satellite, nothing unknown."""
    parsed = _parsed(number)
    return parsed is not None and _is_of_a_country(parsed) and phonenumbers.number_type(parsed) in _ORDINARY


def countries() -> list[str]:
    """The two letters of every country that has telephone numbers."""
    return sorted(phonenumbers.SUPPORTED_REGIONS)


def english_country_name(letters: str) -> str:
    """The country's name; its letters where it has none."""
    names = LOCALE_DATA.get(letters, {})
    name: str = names.get("en") or letters
    # "*aa": as in that language.
    return names.get(name[1:], letters) if name.startswith("*") else name


def digits_of(text: str, *, country: str = "HU") -> str:
    """The digits to look for when people type a part of a number in any format: `06 30 12` → `3630 12` without spaces."""
    digits = bare_digits_of(text)
    if digits.startswith("00"):
        return digits[2:]
    at_home = phonenumbers.ndd_prefix_for_region(country, True)
    if at_home and digits.startswith(at_home) and not text.lstrip().startswith("+"):
        return f"{phonenumbers.country_code_for_region(country)}{digits[len(at_home) :]}"
    return digits


def bare_digits_of(text: str) -> str:
    """The digits as they stand there: `06 30 12` → `063012`."""
    return re.sub(r"[^0-9]", "", _BRACKETED_ZERO.sub("", unicodedata.normalize("NFKC", text)))


def may_be_part_of_number(text: str) -> bool:
    """Whether there is nothing in it but digits and what people put between them."""
    return re.fullmatch(r"\+?[0-9]+", _SEPARATORS.sub("", unicodedata.normalize("NFKC", text))) is not None


def _readings(written: str, country: str) -> list[PhoneNumber]:
    texts = [written] if written.startswith(("+", "00")) else [written, f"+{written}"]
    readings = []
    for text in texts:
        # 00 is the international prefix where our subscribers are, whatever their country's own is.
        text = f"+{text[2:]}" if text.startswith("00") else text
        try:
            readings.append(phonenumbers.parse(text, country))
        except NumberParseException:
            continue
    return readings


def _is_plausible_abroad(written: str, country: str, reading: PhoneNumber) -> bool:
    """Right in length for another country, though no range of its plan that we know; our own country's we know.

    Without + or 00 only when too long to be a number of one's own with a slip in it.
    """
    return (
        reading.country_code != phonenumbers.country_code_for_region(country)
        and (written.startswith(("+", "00")) or len(written) > 10)
        and phonenumbers.is_possible_number_with_reason(reading) == ValidationResult.IS_POSSIBLE
    )


def _is_of_a_country(number: PhoneNumber) -> bool:
    return phonenumbers.region_code_for_number(number) in phonenumbers.SUPPORTED_REGIONS


def _parsed(number: str) -> PhoneNumber | None:
    if not number.startswith("+"):
        return None
    try:
        return phonenumbers.parse(number)
    except NumberParseException:
        return None


# A list page formats the same few numbers again and again, and parsing is the dear part.
@lru_cache(maxsize=20_000)
def _display(number: str) -> str:
    parsed = _parsed(number)
    return phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL) if parsed else number


def is_country(letters: str) -> bool:
    """Whether these two letters are a country that has telephone numbers."""
    return letters in phonenumbers.SUPPORTED_REGIONS
