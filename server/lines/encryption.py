"""Secrets at rest: a text field that the database sees only encrypted.

The key is derived from SECRET_KEY; after a rotation put the old one into SECRET_KEY_FALLBACKS, and old values
stay readable until `manage.py reencrypt` has written them with the new one.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


class Unreadable(str):
    """A secret whose key is lost: empty for whoever wants to use it, and written back as it was read."""

    __slots__ = ("stored",)
    stored: str

    def __new__(cls, stored: str) -> Unreadable:
        secret = super().__new__(cls)
        secret.stored = stored
        return secret


class EncryptedTextField(_TextField):
    """Fernet-encrypted text; an empty string stays empty."""

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, Unreadable):
            return value.stored
        return _fernet_of(_keys()).encrypt(value.encode()).decode() if value else ""

    def from_db_value(self, value: str | None, *_: object) -> str:
        try:
            return _deciphered(value, _keys()) if value else ""
        except InvalidToken:
            # One line whose key is lost must not stop the others: whoever needs the secret refuses (gateway).
            return Unreadable(value or "")


def ending_of(secret: str) -> str:
    """The last four characters, for telling two secrets apart; a short one shows nothing."""
    return f"…{secret[-4:]}" if len(secret) >= 12 else "…" if secret else "–"


def enciphered_anew(stored: str) -> str | None:
    """What the database holds, written with the present key; None when it is already. Raises InvalidToken."""
    present = _fernet_of(_keys()[:1])
    try:
        present.decrypt(stored.encode())
    except InvalidToken:
        return present.encrypt(_fernet_of(_keys()).decrypt(stored.encode())).decode()
    return None


def _keys() -> tuple[str, ...]:
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


# Each webhook reads its line's secret anew, nearly always the same one.
@lru_cache(maxsize=256)
def _deciphered(value: str, keys: tuple[str, ...]) -> str:
    return _fernet_of(keys).decrypt(value.encode()).decode()


# Deriving the keys for each value would cost more than reading it.
@lru_cache(maxsize=4)
def _fernet_of(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"fonal.line" + key.encode()).digest())) for key in keys])
