"""STOP and START: words that a customer texts to silence a line, or to hear it again."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from django.db.models import Q

from server.contacts.erased import forms_of
from server.contacts.models import OptOut

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.db.models import QuerySet

    from server.accounts.models import Subscriber, User
    from server.lines.models import Line

# Twilio's English defaults, and what Hungarians write; accents, case and punctuation do not matter.
STOP_WORDS = frozenset(
    """STOP|STOPALL|UNSUBSCRIBE|CANCEL|END|QUIT|REVOKE|OPTOUT|LEIRATKOZAS|LEIRATKOZOM|LEIRATKOZNEK|LEMOND|LEMONDOM|LETILT
    |LETILTAS|TILTAS|NE KULDJ|NE KULDJETEK|NEM KEREM|TORLES|KIIRATKOZAS""".replace("\n    ", "").split("|")
)
START_WORDS = frozenset(["START", "UNSTOP", "FELIRATKOZAS"])


class Wish(StrEnum):
    STOP = "stop"
    START = "start"


class Source(StrEnum):
    """Where a wish to be left alone came from."""

    SMS = "sms"
    PROVIDER = "provider"
    PERSON = "person"


def wish_of(body: str, own_words: Iterable[str] = ()) -> Wish | None:
    """What a whole message asks for, if it is nothing but one of the words: "STOP!" yes, "stop by tomorrow" no.

    `own_words` are what a company takes for STOP besides those that every line knows.
    """
    said = letters_of(body)
    if said in START_WORDS:
        return Wish.START
    if said in STOP_WORDS or (own_words and said and said in _meant_by(tuple(own_words))):
        return Wish.STOP
    return None


def letters_of(text: str) -> str:
    """The text as it is held against the words: capital letters and digits, one space between words."""
    decomposed = unicodedata.normalize("NFKD", text)
    letters = "".join(c for c in decomposed if not unicodedata.combining(c)).upper()
    return re.sub(r"[\W_]+", " ", letters).strip()


# Each webhook asks, nearly always with the same few.
@lru_cache(maxsize=256)
def _meant_by(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(letters_of(word) for word in words)


def opt_out(*, line: Line, number: str, source: str, at: datetime, words: str = "", recorded_by: User | None = None) -> bool:
    """Record that a number asked the line to stop; False when it already had, or has taken it back since `at`."""
    erased = forms_of(number, subscriber_id=line.subscriber_id)[1:]
    told_otherwise = Q(number=number, ended_at__gt=at) | Q(number__in=erased, ended_at=None)
    if OptOut.objects.filter(told_otherwise, line=line).exists():
        return False
    _, is_new = OptOut.objects.get_or_create(
        line=line,
        number=number,
        ended_at=None,
        defaults={"source": source, "words": words[:200], "opted_out_at": at, "recorded_by": recorded_by},
    )
    return is_new


def opt_in(*, line: Line, number: str, at: datetime) -> bool:
    """End a number's opt-out; False when there was none, or only one of later than `at`."""
    return bool(_in_force(line, number).filter(opted_out_at__lte=at).update(ended_at=at))


def opt_out_in_force(*, line: Line, number: str) -> OptOut | None:
    """The number's wish to be left alone; it outlives the erasure of the person."""
    return _in_force(line, number).first()


def recognise(*, subscriber: Subscriber, number: str) -> int:
    """A number is here (again): what it asked for before its person was erased is shown beside it from now on."""
    forms = forms_of(number, subscriber_id=subscriber.pk)[1:]
    return OptOut.objects.filter(line__subscriber=subscriber, number__in=forms, ended_at=None).update(number=number)


def _in_force(line: Line, number: str) -> QuerySet[OptOut]:
    return OptOut.objects.filter(line=line, number__in=forms_of(number, subscriber_id=line.subscriber_id), ended_at=None)
