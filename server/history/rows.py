"""The messages that a person may see through a filter: the one source of the list, the counts, the files and the figures."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils import timezone

from server.contacts import numbering
from server.contacts.models import Contact
from server.contacts.phonebook import known_by, named, of_same_entry
from server.history.columns import RELATED
from server.history.filter import beginning_of, end_of
from server.history.naming import one_by_one
from server.history.searching import Term, day_bounds, terms_in
from server.keyset import beyond
from server.lines.models import secrets_of
from server.messaging.models import Conversation, Direction, Message, Note, Origin, Status
from server.wording import words_in

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from server.accounts.models import Subscriber, User
    from server.history.filter import HistoryFilter
    from server.messaging.models import MessageQuerySet

COUNTED_UP_TO = 10_000
# So many messages are looked at one by one before anything is asked of all partners.
_NEXT = 500
# What is longer hardly anybody's number has, or is the beginning of few words.
_COMMON_DIGITS, _COMMON_LETTERS = 5, 3
# Of more terms one is rare enough.
_MOST_SPLIT = 3


def rows(user: User, wanted: HistoryFilter, *, now: datetime | None = None) -> MessageQuerySet:
    """The messages of a filter that the person may see, in its order: by time, then by id.

    `now`, here and below, is when they were asked for, if not just now: a day without a year is counted from it.
    """
    return _in_order(unordered_rows(user, wanted, now=now), wanted)


def rows_to_narrow(user: User, wanted: HistoryFilter) -> MessageQuerySet:
    """The same as rows(), for whoever narrows it down to a handful: that is asked of each message, of no partner beforehand."""
    standing, subscriber = _standing(user, wanted), user.subscriber
    if subscriber is None:
        return standing
    return _in_order(standing.filter(_meets(subscriber, wanted, None)), wanted)


def page_of(
    user: User, wanted: HistoryFilter, *, after: tuple[datetime, int] | None = None, size: int, now: datetime | None = None
) -> list[Message]:
    """The first messages of a filter, or those after one of them (its time and id), with all that a row of them shows."""
    standing = _after(_in_order(_standing(user, wanted), wanted), wanted, after)
    if not wanted.is_sought:
        return list(_with_row(standing)[:size])
    if (page := _at_hand(standing, user, wanted, size, now=now)) is not None:
        return page
    return _sought(_met(standing, user, wanted, now=now), standing, wanted, size)


def number_of(user: User, wanted: HistoryFilter, *, now: datetime | None = None) -> int:
    """How many a filter finds, counted to 10,001 at most: whoever gets more than COUNTED_UP_TO says "10,000+"."""
    # In their order an index has them at hand; what is looked for by words comes in none.
    found = unordered_rows(user, wanted, now=now) if wanted.is_sought else rows(user, wanted)
    return found[: COUNTED_UP_TO + 1].count()


def unordered_rows(user: User, wanted: HistoryFilter, *, now: datetime | None = None) -> MessageQuerySet:
    return _met(_standing(user, wanted), user, wanted, now=now)


def _met(found: MessageQuerySet, user: User, wanted: HistoryFilter, *, now: datetime | None) -> MessageQuerySet:
    """Of these, the ones that have what is looked for by words and numbers."""
    subscriber = user.subscriber
    if subscriber is None:
        return found
    if wanted.number:
        found = found.filter(_in_threads_with(subscriber, _known_by_number(subscriber, wanted.number)))
    if wanted.name:
        found = found.filter(_in_threads_with(subscriber, named(words_in(wanted.name))))
    zone, terms = ZoneInfo(subscriber.timezone), _terms(subscriber, wanted, now)
    if wanted.text and not terms:
        # Nothing that could be looked for ("?!") is nothing found, not everything.
        return found.none()
    if 1 < len(terms) <= _MOST_SPLIT:
        return found.filter(_met_in_any_way(subscriber, terms, zone))
    for term in terms:
        found = found.filter(_said(term, zone) | _in_threads_with(subscriber, _known(term)))
    return found


def _terms(subscriber: Subscriber, wanted: HistoryFilter, now: datetime | None) -> list[Term]:
    today = (now or timezone.now()).astimezone(ZoneInfo(subscriber.timezone)).date()
    return terms_in(wanted.text, country=subscriber.country, today=today)


def _standing(user: User, wanted: HistoryFilter) -> MessageQuerySet:
    """Everything but what is looked for by words and numbers."""
    found, subscriber = Message.objects.visible_to(user), user.subscriber
    if subscriber is None or _contradicts_itself(wanted):
        return found.none()
    zone = ZoneInfo(subscriber.timezone)
    if wanted.since:
        found = found.filter(created_at__gte=beginning_of(wanted.since, zone))
    if wanted.until:
        found = found.filter(created_at__lt=end_of(wanted.until, zone))
    if wanted.direction:
        found = found.filter(direction=wanted.direction)
    if wanted.status:
        found = found.filter(status=wanted.status)
    if wanted.line is not None:
        found = found.filter(line=wanted.line)
    if wanted.colleague is not None:
        found = found.filter(author=wanted.colleague)
    if wanted.contact is not None:
        found = found.filter(_in_threads_with(subscriber, of_same_entry(wanted.contact)))
    if not wanted.names_a_partner and (hidden := _hidden(subscriber)) is not None:
        found = found.exclude(conversation__in=hidden)
    if wanted.conversation is not None:
        found = found.filter(conversation=wanted.conversation)
    if wanted.origin:
        found = found.filter(origin=wanted.origin)
    if wanted.origin == Origin.PERSON:
        # What came in stands as a person's, too: the customer's.
        found = found.filter(direction=Direction.OUT)
    if wanted.is_failed:
        # Written as its index is: SQLite takes it for nothing else.
        found = found.filter(Q(status=Status.FAILED) | Q(status=Status.UNDELIVERED))
    if wanted.has_note:
        found = found.filter(_in_any_of(_conversations(subscriber).filter(pk__in=Note.objects.values("conversation"))))
    if wanted.only:
        found = found.filter(uuid__in=wanted.only)
    return found


def _contradicts_itself(wanted: HistoryFilter) -> bool:
    """Whether it asks for what came in and for what went out at once: a database would look through all messages for it."""
    directions = {wanted.direction} - {""}
    if wanted.status:
        directions.add(Direction.IN if wanted.status == Status.RECEIVED else Direction.OUT)
    if wanted.colleague is not None or wanted.is_failed or wanted.origin in {Origin.PERSON, Origin.RULE}:
        directions.add(Direction.OUT)
    return len(directions) > 1


def _met_in_any_way(subscriber: Subscriber, terms: list[Term], zone: ZoneInfo) -> Q:
    """Each term said in the message or known of the contact, written out: these said, those known.

    "Kovács Anna": there are thousands of each, and few of both. No index helps to find out, unless both are asked at once.
    """
    ways = Q(pk__in=())
    for is_said in product((True, False), repeat=len(terms)):
        said, known = Q(), Q()
        for term, is_word in zip(terms, is_said, strict=True):
            said, known = (said & _said(term, zone), known) if is_word else (said, known & _known(term))
        ways |= said & _in_threads_with(subscriber, known) if known else said
    return ways


def _said(term: Term, zone: ZoneInfo) -> Q:
    condition = Q(words__have=term.words)
    if term.day:
        first, last = day_bounds(term.day)
        condition |= Q(created_at__gte=beginning_of(first, zone), created_at__lt=end_of(last, zone))
    return condition


def _known(term: Term) -> Q:
    return known_by(words=term.words, number_parts=term.number_parts)


def _known_by_number(subscriber: Subscriber, text: str) -> Q:
    if parts := numbering.parts_meant(text, country=subscriber.country, at_least=1):
        return known_by(number_parts=parts)
    # A sender that is a name has no parts: INFO.
    return known_by(words=numbering.sender_meant(text))


def _in_order(found: MessageQuerySet, wanted: HistoryFilter) -> MessageQuerySet:
    return found.order_by("created_at", "id") if wanted.oldest_first else found.order_by("-created_at", "-id")


def _after(found: MessageQuerySet, wanted: HistoryFilter, edge: tuple[datetime, int] | None) -> MessageQuerySet:
    if edge is None:
        return found
    return found.filter(beyond(edge, newest_first=not wanted.oldest_first))


def _with_row(found: MessageQuerySet) -> MessageQuerySet:
    return found.select_related(*RELATED).defer("words", *secrets_of("line"))


# --- Whose messages ---------------------------------------------------------------------------
# As many conversations are named one by one.
_FEW = 5000
_FEW_HIDDEN = 500


def _in_threads_with(subscriber: Subscriber, people: Q) -> Q:
    """Whether a message is one of certain contacts' threads; of nobody's when nothing says which contacts."""
    known = Contact.objects.filter(people, subscriber=subscriber) if people else Contact.objects.none()
    return _in_any_of(_conversations(subscriber).filter(contact__in=known))


def _in_any_of(conversations: QuerySet[Conversation]) -> Q:
    """Whether a message is in one of these; asks for them now, and names them when they are few."""
    return Q(conversation__in=one_by_one(conversations, few=_FEW))


def _hidden(subscriber: Subscriber) -> list[int] | QuerySet[Any, Any] | None:
    """The conversations of blocked contacts, by an index of their own; None when there are none, so that nothing is asked."""
    hidden = one_by_one(_conversations(subscriber).filter(hidden_at__isnull=False), few=_FEW_HIDDEN)
    return None if hidden == [] else hidden


def _conversations(subscriber: Subscriber) -> QuerySet[Conversation]:
    # Which of them one may see is decided on the messages.
    return Conversation.objects.filter(subscriber=subscriber)


# --- Looking for words ------------------------------------------------------------------------
# What is in every fortieth message fills a page from among so many.
_NEARBY = 2000
# Found so many times among those, the rest of the page is not far; found less often, the words' index knows where.
_OFTEN = 4
# So many can be put in order by hand, and so many cost next to nothing.
_SELDOM, _HANDFUL = 20_000, 500


def _at_hand(
    standing: MessageQuerySet, user: User, wanted: HistoryFilter, size: int, *, now: datetime | None
) -> list[Message] | None:
    """The page, if it is among the very next messages; None where it is not.

    A third of all numbers begins with 3630, and of all names with one of three letters: what could be asked of each
    partner would be asked of all of them first. So a handful is looked at one by one, with its partners beside it.
    """
    if user.subscriber is None or not _may_be_common(wanted):
        return None
    next_ones = list(standing.values_list("pk", flat=True)[:_NEXT])
    met = Message.objects.filter(_meets(user.subscriber, wanted, now), pk__in=next_ones)
    page = list(_with_row(_in_order(met, wanted))[:size])
    return page if len(page) == size or len(next_ones) < _NEXT else None


def _may_be_common(wanted: HistoryFilter) -> bool:
    """Whether so little is asked for that a large part of all messages or partners may have it."""
    if wanted.number and sum(map(str.isdecimal, wanted.number)) <= _COMMON_DIGITS:
        return True
    words = words_in(f"{wanted.name} {wanted.text}")
    return any(len(word) <= (_COMMON_DIGITS if word.isdecimal() else _COMMON_LETTERS) for word in words)


def _meets(subscriber: Subscriber, wanted: HistoryFilter, now: datetime | None) -> Q:
    """The same as _met(), asked of a message and of its own partner."""
    zone, terms, condition = ZoneInfo(subscriber.timezone), _terms(subscriber, wanted, now), Q()
    if wanted.number:
        condition &= _of_partner(_known_by_number(subscriber, wanted.number))
    if wanted.name:
        condition &= _of_partner(named(words_in(wanted.name)))
    if wanted.text and not terms:
        condition &= Q(pk__in=())
    for term in terms:
        condition &= _said(term, zone) | _of_partner(_known(term))
    return condition


def _of_partner(people: Q) -> Q:
    """A condition on contacts as one on messages; nobody meets an empty one."""
    if not people:
        return Q(pk__in=())
    # What no message is, is asked of it only so that no database asks all partners first, by the index of their words.
    return Q(status="") | _moved_to_partner(people)


def _moved_to_partner(people: Q) -> Q:
    moved = Q(_connector=people.connector, _negated=people.negated)
    for child in people.children:
        moved.add(_moved_to_partner(child) if isinstance(child, Q) else Q(_named_from_message(child)), moved.connector)
    return moved


def _named_from_message(lookup: Any) -> tuple[str, Any]:
    name, value = lookup
    return f"conversation__contact__{name}", value


def _sought(found: MessageQuerySet, standing: MessageQuerySet, wanted: HistoryFilter, size: int) -> list[Message]:
    """A page of what was looked for, of which nobody knows beforehand whether it is in every second message or in none.

    Databases guess, and guess wrong: they walk through ten million rows in their order for a word that is in one of
    them, or put a million in order for a page. So we look nearby first, and then ask the words' index.
    """
    # The threads of a number are at hand.
    if not wanted.text and (page := _picked(found, wanted, size, up_to=_HANDFUL)) is not None:
        return page
    far = standing.values_list("created_at", flat=True)[_NEARBY:].first()
    if far is None:
        return list(_with_row(found)[:size])
    bound = {"created_at__lte" if wanted.oldest_first else "created_at__gte": far}
    page = list(_with_row(found).filter(**bound)[:size])
    if len(page) == size:
        return page
    if len(page) < _OFTEN and (page := _picked(found, wanted, size, up_to=_SELDOM)) is not None:
        return page
    return list(_with_row(found)[:size])


def _picked(found: MessageQuerySet, wanted: HistoryFilter, size: int, *, up_to: int) -> list[Message] | None:
    """The page, picked from all that was found; None when that is more than `up_to`."""
    keys = list(found.order_by().values_list("created_at", "pk")[: up_to + 1])
    if len(keys) > up_to:
        return None
    first = sorted(keys, reverse=not wanted.oldest_first)[:size]
    return list(_with_row(_in_order(Message.objects.filter(pk__in=[pk for _, pk in first]), wanted)))
