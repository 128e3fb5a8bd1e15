"""Canned texts: ready-made answers with places to fill in, a person's own or the whole company's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from server import phone, sms
from server.messaging.models import CannedText

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from server.accounts.models import User
    from server.messaging.models import Conversation

TITLE_MAX_CHARACTERS = 60
BODY_MAX_CHARACTERS = 1000
# The contact's name, the one who writes, their company, the number of the line.
VARIABLES = ("name", "colleague", "company", "number")

_VARIABLE = re.compile(r"\{([^{}]*)\}")
# "{name}, your parcel is here": without a name the sentence begins after the comma.
_NAME_FIRST = re.compile(r"^\{name\}[,!:]?[ \t]*(\S?)", re.MULTILINE)
# "Hello, {name}!": without a name its comma and space go, too.
_NAME_LATER = re.compile(r",?[ \t]*\{name\}")


class CannedTextNotValid(ValueError):
    """Title or body is empty or too long: a title has 60 characters at most, a body 1,000."""


class UnknownVariable(CannedTextNotValid):
    """The text has a place to fill in that we have no words for."""

    def __init__(self, variable: str) -> None:
        super().__init__(variable)
        self.variable = variable


class TitleTaken(CannedTextNotValid):
    """There is another text of that title, the person's own or the company's."""


class NotYoursToChange(Exception):
    """It is a colleague's own, another company's, or the company's and the person is no supervisor."""


def may_change_shared(user: User) -> bool:
    return user.sees_all_lines and not user.only_reads


def save_canned_text(*, text: CannedText, title: str, body: str, by: User, now: datetime) -> CannedText:
    """Write a text, new (see `own_text` and `shared_text`) or again. Raises CannedTextNotValid and NotYoursToChange."""
    _check_right(text, by)
    title, body = " ".join(sms.storable(title).split()), sms.storable(body).replace("\r\n", "\n").strip()
    if not (0 < len(title) <= TITLE_MAX_CHARACTERS and 0 < len(body) <= BODY_MAX_CHARACTERS):
        raise CannedTextNotValid
    for variable in _VARIABLE.findall(body):
        if variable not in VARIABLES:
            raise UnknownVariable(variable)
    text.title, text.body, text.updated_at = title, body, now
    try:
        with transaction.atomic():
            text.save()
    except IntegrityError as taken:
        raise TitleTaken(title) from taken
    return text


def own_text(user: User) -> CannedText:
    """A new text of one person's, not saved yet."""
    return CannedText(subscriber=user.subscriber, owner=user)


def shared_text(user: User) -> CannedText:
    """A new text for the user's whole company, not saved yet."""
    return CannedText(subscriber=user.subscriber)


def delete_canned_text(*, text: CannedText, by: User) -> None:
    """Forget a text. Raises NotYoursToChange."""
    _check_right(text, by)
    text.delete()


def filled_for(*, conversation: Conversation, by: User, texts: Iterable[CannedText]) -> list[tuple[CannedText, str]]:
    """Each text with its places filled in, as this person would send it in this conversation."""
    words = {
        "name": conversation.contact.name.strip(),
        "colleague": by.name,
        "company": conversation.line.subscriber.name,
        "number": phone.display(conversation.line.number),
    }
    return [(text, filled(text.body, words)) for text in texts]


def filled(body: str, words: dict[str, str]) -> str:
    """The text with its places filled in; what is put in is never read for places again."""
    if not words["name"]:
        body = _NAME_LATER.sub("", _NAME_FIRST.sub(lambda first: first[1].upper(), body))
    return _VARIABLE.sub(lambda place: words.get(place[1], place[0]), body)


def _check_right(text: CannedText, by: User) -> None:
    is_ours = text.subscriber_id == by.subscriber_id
    if not (is_ours and (may_change_shared(by) if text.is_shared else text.owner_id == by.pk)):
        raise NotYoursToChange
