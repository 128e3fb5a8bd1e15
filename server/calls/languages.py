"""In which language somebody hears of a call: the best of those that there is a text in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server import phone

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from server.accounts.models import Subscriber, User
    from server.calls.models import Call

# What is spoken where a number is from, the most usual first.
_SPOKEN = {
    "ar": "AE BH DZ EG IQ JO KW LB LY MA OM PS QA SA SD SY TN YE",
    "bg": "BG",
    "cs": "CZ",
    "da": "DK",
    "de": "DE AT CH LI LU",
    "el": "GR CY",
    "en": "GB IE US CA AU NZ MT GG IM JE ZA SG IN",
    "es": "ES MX AR CL CO PE VE EC GT CU BO DO HN PY SV NI CR PA UY",
    "et": "EE",
    "fi": "FI",
    "fr": "FR BE MC LU CH",
    "he": "IL",
    "hr": "HR BA",
    "hu": "HU",
    "it": "IT SM VA CH",
    "ja": "JP",
    "lt": "LT",
    "lv": "LV",
    "nl": "NL BE",
    "no": "NO",
    "pl": "PL",
    "pt": "PT BR AO MZ",
    "ro": "RO MD",
    "ru": "RU BY KZ",
    "sk": "SK",
    "sl": "SI",
    "sq": "AL XK",
    "sr": "RS ME BA",
    "sv": "SE FI",
    "tr": "TR",
    "uk": "UA",
    "vi": "VN",
    "zh": "CN TW HK SG",
}  # fmt: skip


# In which a rule may have a text: callers have more languages than our own people and their screens.
TEXT_LANGUAGES = tuple(sorted(_SPOKEN))


def language_of_caller(call: Call, *, there_are: Collection[str]) -> str:
    """The contact's own, else one spoken where the number is from, else the company's, else any; empty if there is none."""
    company = call.subscriber
    contact = call.conversation.contact.whole if call.conversation else None
    country = phone.likely_country_of(call.partner)
    # Abroad more people read English than what the company speaks.
    abroad = ["en"] if country and country != company.country else []
    return _first([contact.language if contact else "", *spoken_in(country), *abroad, company.language], there_are)


def language_of_person(person: User, company: Subscriber, *, there_are: Collection[str]) -> str:
    """Their own, else the company's, else any; empty if there is none."""
    return _first([person.language, company.language], there_are)


def spoken_in(country: str) -> list[str]:
    return [language for language, countries in _SPOKEN.items() if country and country in countries.split()]


def _first(wanted: Iterable[str], there_are: Collection[str]) -> str:
    # In whatever order a database gives them back: more people read English than any other.
    return next((language for language in (*wanted, "en", *sorted(there_are)) if language in there_are), "")
