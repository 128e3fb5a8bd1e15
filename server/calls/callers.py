"""Who calls, as far as an exchange tells: a number, a short code or a name, or nobody at all."""

from __future__ import annotations

import re

from server import phone, sms

# What exchanges and networks write in place of a number that is withheld.
_WITHHELD_WORDS = (
    "anonymous", "restricted", "unavailable", "unknown", "private", "blocked", "withheld", "hidden", "noname", "asterisk",
    "none", "null", "anon",
)  # fmt: skip
# Twilio spells such a word on the keypad, and a plus before it makes it look like a number: +266696687 is ANONYMOUS.
_KEYPAD = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
_WITHHELD = frozenset(_WITHHELD_WORDS) | {f"+{word.translate(_KEYPAD)}" for word in _WITHHELD_WORDS[:7]}
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
# sip:+36301234567@pbx.example.com;user=phone, tel:+36301234567
_ADDRESS = re.compile(r"(?:sips?|tel):(?P<user>[^@;]*)[@;]?.*", re.IGNORECASE | re.DOTALL)


def partner_of(told: str, *, country: str) -> str:
    """The other party of a call as we store it: E.164, a short code or name as it came; empty when it is withheld."""
    text = sms.storable(told).strip()
    address = _ADDRESS.fullmatch(text)
    text = address["user"].strip() if address else text
    said = re.sub(r"[\s\"'<>]+", "", text).lower()
    if not said or said in _WITHHELD or f"+{said}" in _WITHHELD:
        return ""
    sender = phone.sender_of(text, country=country)
    # +266-696-687 is nobody's number either.
    return "" if sender in _WITHHELD else sender


def is_number(partner: str) -> bool:
    """Whether the other party has a number: all others have no thread, and nothing is ever sent to them."""
    return _NUMBER.fullmatch(partner) is not None
