"""What is left of an erased person's number: a salted hash, by which a wish to be left alone is still known."""

from __future__ import annotations

import base64
import hmac

from django.conf import settings
from django.utils.translation import gettext

from server import phone

PREFIX = "erased:"
# A column of numbers has twenty characters. 65 bits: nobody meets another one's by chance.
_LETTERS = 20 - len(PREFIX)


def is_erased(number: str) -> bool:
    return number.startswith(PREFIX)


def said_number(number: str) -> str:
    """The number as people read it: the hash says nothing to anybody."""
    return gettext("Erased contact") if is_erased(number) else phone.display(number)


def erased_form(number: str, *, subscriber_id: int, turn: int = 0) -> str:
    """What stands in place of a number; each `turn` is another one, for who is erased again."""
    return _erased_form(settings.SECRET_KEY, number, subscriber_id, turn)


def forms_of(number: str, *, subscriber_id: int) -> list[str]:
    """The number and what an erasure has made of it, also under an earlier SECRET_KEY."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return [number, *(_erased_form(key, number, subscriber_id, 0) for key in keys)]


def _erased_form(key: str, number: str, subscriber_id: int, turn: int) -> str:
    # By the company, too: what two have erased must not show that it was the same person.
    said = f"fonal.erased {subscriber_id} {turn} {number}"
    digest = hmac.digest(key.encode(), said.encode(), "sha256")
    return PREFIX + base64.b32encode(digest).decode().lower()[:_LETTERS]
