"""The list of calls: which ones, newest first, page by page, and those of them that changed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db.models import Q

from chatui.access import number_in
from server import sms
from server.calls.models import UNANSWERED, Call, CallDirection, CallState
from server.calls.story import with_story
from server.contacts import phonebook
from server.contacts.models import Contact
from server.cursor import write_cursor
from server.events.log import missed_since
from server.events.models import Event, Kind
from server.keyset import beyond
from server.lines.models import Line

if TYPE_CHECKING:
    from uuid import UUID

    from server.accounts.models import User
    from server.calls.models.calls import CallQuerySet

PAGE = 50
VIEWS = ("all", "missed", "open", "answered", "out")
# Events in one answer: the browser asks again for the rest.
BATCH = 200
# Of a thread of which something else changed: a name, or that somebody has followed up.
NEWEST_OF_THREAD = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """What the list shows; the same thing as its address."""

    view: str = "all"
    text: str = ""
    line: int | None = None
    contact: int | None = None
    since: date | None = None
    until: date | None = None

    @classmethod
    def from_query(cls, query) -> Asked:
        view = query.get("view", "all")
        return cls(
            view=view if view in VIEWS else "all",
            text=sms.storable(query.get("q", "").strip()[:100]),
            line=number_in(query.get("line")),
            contact=number_in(query.get("contact")),
            since=_day(query.get("from", "")),
            until=_day(query.get("to", "")),
        )

    @property
    def query(self) -> str:
        parts = {
            "view": self.view if self.view != "all" else "",
            "q": self.text,
            "line": self.line or "",
            "contact": self.contact or "",
            "from": self.since or "",
            "to": self.until or "",
        }
        return urlencode({key: value for key, value in parts.items() if value})

    @property
    def is_all(self) -> bool:
        return self == Asked()

    def with_view(self, view: str) -> Asked:
        return replace(self, view=view)

    @property
    def views(self) -> list[tuple[str, str]]:
        """Each view, and the query that asks for it with all else as it is."""
        return [(view, self.with_view(view).query) for view in VIEWS]


def _day(text: str) -> date | None:
    try:
        # So that the day after it is one, too.
        return min(date.fromisoformat(text), date(9000, 1, 1))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class CallPage:
    calls: list[Call]
    after: str


def calls_in(user: User, asked: Asked) -> CallQuerySet:
    """The calls of a list that the person may see, unordered; without those of blocked contacts."""
    found = Call.objects.visible_to(user).filter(Q(conversation=None) | Q(conversation__hidden_at=None))
    if asked.view in {"missed", "open"}:
        found = found.filter(direction=CallDirection.IN, state__in=UNANSWERED)
    if asked.view == "open":
        # Who withheld the number can't be called back by anybody.
        found = found.filter(followed_up_at=None, conversation__isnull=False)
    elif asked.view == "answered":
        found = found.filter(direction=CallDirection.IN, state=CallState.ANSWERED)
    elif asked.view == "out":
        found = found.filter(direction=CallDirection.OUT)
    if asked.line is not None:
        found = found.filter(line=asked.line)
    if asked.contact is not None:
        found = found.filter(of_entry(user, asked.contact))
    if asked.text:
        found = found.filter(_said(user, asked.text))
    return _in_period(user, found, asked)


def of_entry(user: User, contact_id: int) -> Q:
    """With any number of an entry of the phone book, on whichever line."""
    numbers = Contact.objects.filter(phonebook.of_same_entry(contact_id), subscriber=user.subscriber_id)
    return Q(conversation__contact__in=list(numbers.values_list("pk", flat=True)))


def _said(user: User, text: str) -> Q:
    """By the caller's name or number, or by the queue."""
    assert user.subscriber is not None
    partners = phonebook.matching(subscriber=user.subscriber, text=text).order_by().values("pk")
    return Q(conversation__contact__in=partners) | Q(partner__icontains=text) | Q(queue__icontains=text)


def _in_period(user: User, found: CallQuerySet, asked: Asked) -> CallQuerySet:
    assert user.subscriber is not None
    zone = ZoneInfo(user.subscriber.timezone)
    if asked.since:
        found = found.filter(began_at__gte=datetime.combine(asked.since, time.min, zone))
    if asked.until:
        found = found.filter(began_at__lt=datetime.combine(asked.until + timedelta(days=1), time.min, zone))
    return found


def with_row(calls: CallQuerySet) -> CallQuerySet:
    """With all that a row of them shows, in a fixed number of queries."""
    return with_story(calls).select_related("line", "followed_up_by", "conversation__contact")


def page_of(user: User, asked: Asked, after: tuple[datetime, int] | None = None) -> CallPage:
    """The page of fifty that begins after a cursor, and the cursor of the next one."""
    found = with_row(calls_in(user, asked)).order_by("-began_at", "-id")
    if after is not None:
        found = found.filter(beyond(after, newest_first=True, at="began_at"))
    calls = list(found[: PAGE + 1])
    has_more, calls = len(calls) > PAGE, calls[:PAGE]
    return CallPage(calls, write_cursor(calls[-1].began_at, calls[-1].pk) if has_more else "")


@dataclass(slots=True)
class News:
    """What changed after an event number, up to `upto`; `must_reload` when only the whole list can tell."""

    upto: int
    has_more: bool = False
    must_reload: bool = False
    fresh: list[Call] = field(default_factory=list)
    gone: list[UUID] = field(default_factory=list)


def news_since(*, user: User, since: int, asked: Asked) -> News:
    """What happened after event number `since` to the rows of a list, as far as the person may see it."""
    assert user.subscriber_id is not None
    missed = missed_since(subscriber_id=user.subscriber_id, since=since)
    events = missed.events[:BATCH]
    if missed.must_reload or any(_concerns_all(event, user) for event in events):
        return News(missed.last, must_reload=True)
    changed = _changed(user, events)
    fresh = list(with_row(calls_in(user, asked).filter(pk__in=changed)).order_by("began_at", "id"))
    gone = Call.objects.visible_to(user).filter(pk__in=set(changed) - {call.pk for call in fresh})
    return News(
        upto=events[-1].number if events else since,
        has_more=len(missed.events) > BATCH,
        fresh=fresh,
        gone=list(gone.values_list("uuid", flat=True)),
    )


def _concerns_all(event: Event, user: User) -> bool:
    return event.renames_many or (event.kind == Kind.ACCESS_CHANGED and event.user_id in {None, user.pk})


def _changed(user: User, events: list[Event]) -> set[int]:
    """The calls that these events are about, and the newest of the threads that they are about."""
    if not user.sees_all_lines:
        lines = set(Line.objects.visible_to(user).values_list("pk", flat=True))
        events = [event for event in events if event.line_id in lines]
    changed = {event.message_id for event in events if event.kind == Kind.CALL_CHANGED and event.message_id}
    others = {Kind.MESSAGE_CREATED, Kind.CONVERSATION_CHANGED}
    for thread in {event.conversation_id for event in events if event.kind in others and event.conversation_id}:
        calls = Call.objects.filter(conversation=thread).order_by("-began_at", "-id")
        changed |= set(calls.values_list("pk", flat=True)[:NEWEST_OF_THREAD])
    return changed
