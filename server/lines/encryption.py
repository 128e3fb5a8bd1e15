"""Secrets at rest: a text field that the database sees only encrypted.

The key is derived from SECRET_KEY; after a rotation put the old one into SECRET_KEY_FALLBACKS
and old values stay readable until they are saved again.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


def _fernet() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"fonal.line" + key.encode()).digest())) for key in keys])


class EncryptedTextField(_TextField):
    """Fernet-encrypted text; an empty string stays empty."""

    def get_prep_value(self, value: Any) -> Any:
        return _fernet().encrypt(value.encode()).decode() if value else ""

    def from_db_value(self, value: str | None, *_: object) -> str:
        return _fernet().decrypt(value.encode()).decode() if value else ""
