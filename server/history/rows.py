"""The messages that a person may see through a filter: the one source of the list, the counts, the files and the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from server.contacts import numbering
from server.contacts.models import Contact
from server.history.filter import beginning_of, end_of
from server.history.searching import Term, day_bounds, terms_in
from server.messaging.models import WENT_WRONG, Conversation, Message, Note

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from server.accounts.models import User
    from server.history.filter import HistoryFilter
    from server.messaging.models import MessageQuerySet

COUNTED_UP_TO = 10_000
# As many conversations are named one by one, which lets the database go straight to them.
_FEW = 200


def rows(user: User, wanted: HistoryFilter) -> MessageQuerySet:
    """The messages of a filter that the person may see, in its order: by time, then by id."""
    found = unordered_rows(user, wanted)
    return found.order_by("created_at", "id") if wanted.oldest_first else found.order_by("-created_at", "-id")


def count_of(found: QuerySet[Message]) -> int:
    """How many there are, counted to 10,001 at most: whoever gets more than COUNTED_UP_TO says "10,000+"."""
    return found.order_by()[: COUNTED_UP_TO + 1].count()


def unordered_rows(user: User, wanted: HistoryFilter) -> MessageQuerySet:
    subscriber = user.subscriber
    found = Message.objects.visible_to(user)
    if subscriber is None:
        return found.none()
    zone = ZoneInfo(subscriber.timezone)
    if wanted.since:
        found = found.filter(created_at__gte=beginning_of(wanted.since, zone))
    if wanted.until:
        found = found.filter(created_at__lt=end_of(wanted.until, zone))
    if wanted.number:
        found = found.filter(_of_number(user, wanted.number))
    if wanted.direction:
        found = found.filter(direction=wanted.direction)
    if wanted.status:
        found = found.filter(status=wanted.status)
    if wanted.line is not None:
        found = found.filter(line=wanted.line)
    if wanted.colleague is not None:
        found = found.filter(author=wanted.colleague)
    if wanted.contact is not None:
        found = found.filter(_in_any_of(_conversations(user).filter(contact=wanted.contact)))
    if wanted.conversation is not None:
        found = found.filter(conversation=wanted.conversation)
    if wanted.origin:
        found = found.filter(origin=wanted.origin)
    if wanted.is_failed:
        found = found.filter(status__in=WENT_WRONG)
    if wanted.has_note:
        found = found.filter(Exists(Note.objects.filter(conversation=OuterRef("conversation"))))
    if wanted.only:
        found = found.filter(uuid__in=wanted.only)
    terms = terms_in(wanted.text, country=subscriber.country, today=timezone.now().astimezone(zone).date())
    if wanted.text and not terms:
        # Nothing that could be looked for ("?!") is nothing found, not everything.
        return found.none()
    for term in terms:
        found = found.filter(_meets(user, term, zone))
    return found


def _meets(user: User, term: Term, zone: ZoneInfo) -> Q:
    condition = Q(words__have=term.words)
    contacts = Q(words__have=term.words)
    for part in term.number_parts:
        contacts |= Q(words__have=[part])
    if term.day:
        first, last = day_bounds(term.day)
        condition |= Q(created_at__gte=beginning_of(first, zone), created_at__lt=end_of(last, zone))
    people = Contact.objects.filter(contacts, subscriber=user.subscriber_id)
    return condition | _in_any_of(_conversations(user).filter(contact__in=people))


def _of_number(user: User, text: str) -> Q:
    assert user.subscriber is not None
    condition = Q()
    for part in numbering.parts_meant(text, country=user.subscriber.country, at_least=1):
        condition |= Q(words__have=[part])
    if not condition and (sender := numbering.sender_meant(text)):
        condition = Q(words__have=sender)
    people = Contact.objects.filter(condition, subscriber=user.subscriber_id)
    return _in_any_of(_conversations(user).filter(contact__in=people if condition else people.none()))


def _conversations(user: User) -> QuerySet[Conversation]:
    # Which of them one may see is decided on the messages.
    return Conversation.objects.filter(subscriber_id=user.subscriber_id)


def _in_any_of(conversations: QuerySet[Conversation]) -> Q:
    """Whether a message is in one of these; asks for them now, and names them when they are few."""
    ids = list(conversations.order_by().values_list("pk", flat=True)[: _FEW + 1])
    return Q(conversation__in=ids if len(ids) <= _FEW else conversations.values("pk"))
