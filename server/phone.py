"""Telephone numbers: the only door to `phonenumbers`."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

# What people put between digits: spaces (also no-break), hyphens and dashes, dots, slashes, brackets.
_SEPARATORS = re.compile(r"[\s\u00a0\u2007\u202f\u2010-\u2015\-./()\[\]]+")
_WRITTEN = re.compile(r"(?:\+|00)?[0-9]{3,20}")


class NumberNotValid(ValueError):
    """The text is not a telephone number that a message could be sent to."""


def to_e164(text: str, *, country: str = "HU") -> str:
    """Read a number as people write it and return it as +36301234567.

    `3630…`, `+3630…`, `003630…`, `0630…` and `06 30 …` are the same number; without a country code
    it is read as `country`'s. Raises NumberNotValid.
    """
    written = _SEPARATORS.sub("", text.strip())
    if not _WRITTEN.fullmatch(written):
        raise NumberNotValid(text)
    for candidate in _readings(written, country):
        if phonenumbers.is_valid_number(candidate):
            return phonenumbers.format_number(candidate, PhoneNumberFormat.E164)
    raise NumberNotValid(text)


def sender_of(text: str, *, country: str = "HU") -> str:
    """Any sender as we store it: E.164 when it is a number, else as it came (a short code, `INFO`), 20 characters at most."""
    raw = text.strip().replace("\x00", "")[:20]
    if raw.startswith("+"):
        digits = _SEPARATORS.sub("", raw)
        # Providers write E.164; keep it even where the numbering plan does not know it (yet).
        return digits if re.fullmatch(r"\+[0-9]{5,15}", digits) else raw
    try:
        return to_e164(raw, country=country)
    except NumberNotValid:
        return raw or "?"


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


def is_landline(number: str) -> bool:
    """Whether the number can surely not receive SMS."""
    parsed = _parsed(number)
    return bool(parsed) and phonenumbers.number_type(parsed) == PhoneNumberType.FIXED_LINE


def digits_of(text: str) -> str:
    """The digits to look for when people type a part of a number in any format: `06 30 12` → `3630 12` without spaces."""
    digits = re.sub(r"\D", "", text)
    for prefix, meant in (("00", ""), ("06", "36")):
        if digits.startswith(prefix):
            return meant + digits[len(prefix) :]
    return digits


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
