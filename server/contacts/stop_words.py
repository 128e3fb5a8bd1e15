"""A company's own words for "no more messages", besides those that every line knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from server import sms
from server.accounts.models import Subscriber, record_audit
from server.contacts.optout import START_WORDS, STOP_WORDS, letters_of

if TYPE_CHECKING:
    from datetime import datetime

    from server.accounts.models import User

MOST_WORDS = 50
FEWEST_LETTERS, LONGEST_WORD = 2, 40
# What customers answer when they mean something else: one of these as an opt-out would silence the company for whoever agrees.
ORDINARY = frozenset(
    """IGEN|NEM|OK|OKE|OKES|OKEY|RENDBEN|JO|KOSZI|KOSZONOM|KOSZ|KOSZONJUK|SZIA|SZIASZTOK|HELLO|HALLO|HALO|UDV|JO NAPOT|KEREM|PERSZE
    |ERTEM|MEGJOTT|MEGVAN|JOVOK|HIVJON|YES|NO|NOPE|YEP|THANKS|THANK YOU|HI|OKAY|SURE|PLEASE|FINE""".replace("\n    ", "").split("|")
)


class WordNotValid(ValueError):
    """`why` is short, long, known, start, ordinary, there or many."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@transaction.atomic
def add_stop_word(*, subscriber: Subscriber, word: str, by: User, now: datetime) -> str:
    """From now on a message that is nothing but this word stops the line for its sender. Raises WordNotValid."""
    plain = letters_of(sms.storable(word))
    locked = Subscriber.objects.select_for_update(no_key=True).get(pk=subscriber.pk)
    _check(plain, locked.stop_words)
    _save(locked, sorted([*locked.stop_words, plain]), by=by, now=now, added=plain)
    return plain


@transaction.atomic
def remove_stop_word(*, subscriber: Subscriber, word: str, by: User, now: datetime) -> bool:
    """Take a word back; who has opted out by it stays so. False when it is none of the company's."""
    locked = Subscriber.objects.select_for_update(no_key=True).get(pk=subscriber.pk)
    if word not in locked.stop_words:
        return False
    _save(locked, [one for one in locked.stop_words if one != word], by=by, now=now, removed=word)
    return True


def _check(plain: str, words: list[str]) -> None:
    if len(plain) > LONGEST_WORD:
        raise WordNotValid("long")
    if sum(letter.isalpha() for letter in plain) < FEWEST_LETTERS:
        raise WordNotValid("short")
    for why, known in (("known", STOP_WORDS), ("start", START_WORDS), ("ordinary", ORDINARY), ("there", words)):
        if plain in known:
            raise WordNotValid(why)
    if len(words) >= MOST_WORDS:
        raise WordNotValid("many")


def _save(locked: Subscriber, words: list[str], *, by: User, now: datetime, **changed: str) -> None:
    locked.stop_words = words
    locked.save(update_fields=["stop_words"])
    record_audit(action="company.stop_words", at=now, actor=by, subscriber=locked, target=locked.slug, **changed)
