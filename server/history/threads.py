"""Looking for threads: by what was said in them, and by whom they are with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone

from server.contacts.models import Contact
from server.contacts.phonebook import known_by
from server.history.naming import most_named, one_by_one
from server.history.searching import terms_in
from server.messaging.models import Message

if TYPE_CHECKING:
    from server.accounts.models import Subscriber
    from server.history.searching import Term

# So many finds tell their threads by themselves; of more, a thread is asked whether it has one.
_SELDOM = 20_000
# As many contacts are named one by one.
_FEW = 2000


def in_threads(subscriber: Subscriber, text: str) -> Q:
    """The conversations in which each term of a search is met: by the contact, or by one of the messages."""
    # A day in it is words here: "november 12" was said, or not.
    terms = terms_in(text, country=subscriber.country, today=timezone.now().date())
    condition = Q() if terms else Q(pk__in=())
    for term in terms:
        condition &= _with_contact(subscriber, term) | _with_message(subscriber, term)
    return condition


def _with_contact(subscriber: Subscriber, term: Term) -> Q:
    known = Contact.objects.filter(known_by(words=term.words, number_parts=term.number_parts), subscriber=subscriber)
    return Q(contact__in=one_by_one(known, few=_FEW))


def _with_message(subscriber: Subscriber, term: Term) -> Q:
    said = Message.objects.filter(words__have=term.words, deleted_at=None)
    ours = said.filter(subscriber=subscriber).values_list("conversation", flat=True)
    finds = list(ours[: _SELDOM + 1])
    if len(finds) > _SELDOM:
        # Not Exists: PostgreSQL would rather collect all of the finds before it shows the first thread.
        return Q(pk__in=Subquery(said.filter(conversation=OuterRef("pk")).values("conversation")[:1]))
    threads = set(finds)
    return Q(pk__in=threads if len(threads) <= most_named(_SELDOM) else ours)
