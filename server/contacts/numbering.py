"""Numbers as words of the index: a part of a number is the beginning of one of its ends.

+36301234567 is kept as `tel36301234567`, `tel6301234567` … `tel7`; so `1234` is found as `tel1234…`.
"""

from __future__ import annotations

from server import phone
from server.wording import words_in

# No word of a name, so a name with digits in it is not taken for a number.
_MARK = "tel"


def ends_of(number: str) -> list[str]:
    """The words that a number, or a sender that is none (`INFO`), is found by."""
    digits = number.removeprefix("+")
    if not digits.isdecimal():
        # It is its own name, too: nobody has given it another.
        return [*words_in(number), *sender_meant(number)]
    return [f"{_MARK}{digits[at:]}" for at in range(len(digits))]


def sender_meant(text: str) -> list[str]:
    """The beginnings, all of them, to look for when people type a sender that is a name; empty when it has no letters."""
    return [f"{_MARK}{word}" for word in words_in(text)]


def may_be_of_a_number(beginning: str) -> bool:
    """Whether numbers are kept as words that begin so: `t`, `te`, `tel36` do."""
    return _MARK.startswith(beginning) or beginning.startswith(_MARK)


def parts_meant(text: str, *, country: str, at_least: int = 3) -> list[str]:
    """The beginnings to look for when people type a part of a number in any format; empty when the text can't be one.

    Fewer than `at_least` digits are none: they would be a part of nearly every number.

    `0612` is the beginning of a Budapest number, and may as well be from the middle of another.
    """
    if not phone.may_be_part_of_number(text):
        return []
    digits = {phone.digits_of(text, country=country), phone.bare_digits_of(text)}
    return sorted(f"{_MARK}{part}" for part in digits if len(part) >= at_least)
