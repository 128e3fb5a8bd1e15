"""The word of a link in a letter that says whose link it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

if TYPE_CHECKING:
    from server.accounts.models import User


def word_of(user: User) -> str:
    return urlsafe_base64_encode(str(user.pk).encode())


def pk_in(word: str) -> int:
    """Whose word it is; 0, which is nobody's id, for one that nobody of ours has written."""
    try:
        text = urlsafe_base64_decode(word).decode("ascii")
    except ValueError:
        return 0
    return int(text) if text.isdecimal() and len(text) < 19 else 0
