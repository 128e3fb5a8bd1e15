"""Countries as people write them, in one field: `Austria, Németország, GB`."""

from __future__ import annotations

import re
from functools import cache

from django.utils.translation import get_language, override

from server import phone
from server.countries import country_name
from server.wording import fold


def countries_in(text: str) -> tuple[tuple[str, ...], list[str]]:
    """Their letters, each once, and what is no country."""
    found, unknown = [], []
    for written in filter(None, (part.strip() for part in re.split(r"[,;\n]", text))):
        letters = _letters_of(written)
        found.append(letters) if letters else unknown.append(written)
    return tuple(dict.fromkeys(found)), unknown


def _letters_of(written: str) -> str:
    if phone.is_country(written.upper()):
        return written.upper()
    return _by_name(get_language() or "en").get(fold(written)) or _by_name("en").get(fold(written), "")


@cache
def _by_name(language: str) -> dict[str, str]:
    with override(language):
        return {fold(country_name(letters)): letters for letters in phone.countries()}
