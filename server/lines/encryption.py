"""Secrets at rest: a text field that the database sees only encrypted.

The key is derived from SECRET_KEY; after a rotation put the old one into SECRET_KEY_FALLBACKS
and old values stay readable until they are saved again.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


class EncryptedTextField(_TextField):
    """Fernet-encrypted text; an empty string stays empty."""

    def get_prep_value(self, value: Any) -> Any:
        return _fernet_of(_keys()).encrypt(value.encode()).decode() if value else ""

    def from_db_value(self, value: str | None, *_: object) -> str:
        try:
            return _deciphered(value, _keys()) if value else ""
        except InvalidToken:
            raise ImproperlyConfigured(
                "A line's secret was encrypted with another SECRET_KEY: put that one into SECRET_KEY_FALLBACKS."
            ) from None


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
