"""What a page of messages lacks: the rows that events of the log concern, seen through the page's filter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from server.events.log import missed_since
from server.events.models import Event, Kind
from server.history.columns import RELATED
from server.history.rows import rows_to_narrow
from server.lines.models import Line, secrets_of
from server.messaging.models import Conversation, Message

if TYPE_CHECKING:
    from uuid import UUID

    from server.accounts.models import User
    from server.history.filter import HistoryFilter
    from server.messaging.models import MessageQuerySet

# Events in one answer: the browser asks again for the rest.
BATCH = 200
# Rows of threads that are looked through anew; with more the list is read as a whole.
MOST_OF_THREADS = 100


@dataclass(slots=True)
class News:
    """What changed after an event number, up to `upto`; `must_reload` when only the whole list can tell."""

    upto: int
    has_more: bool = False
    must_reload: bool = False
    # Rows that match; `created` are those that were not there before.
    fresh: list[Message] = field(default_factory=list)
    created: set[int] = field(default_factory=set)
    gone: list[UUID] = field(default_factory=list)
    # What the page shows of these threads and is not among `fresh` does not match any more.
    threads: list[int] = field(default_factory=list)
    renamed: list[Conversation] = field(default_factory=list)


def news_since(*, user: User, since: int, wanted: HistoryFilter) -> News:
    """What happened after event number `since` to the rows of a filter, as far as the person may see it."""
    assert user.subscriber_id is not None
    missed = missed_since(subscriber_id=user.subscriber_id, since=since)
    events = missed.events[:BATCH]
    if missed.must_reload or any(_concerns_all(event, user) for event in events):
        return News(missed.last, must_reload=True)
    news = News(events[-1].number if events else since, has_more=len(missed.events) > BATCH)
    seen = _on_lines_of(user, [event for event in events if event.kind in _kinds_of(wanted)])
    if seen:
        matching = rows_to_narrow(user, wanted).select_related(*RELATED).defer(*secrets_of("line"))
        _tell_of_messages(news, seen, matching)
        _tell_of_threads(news, seen, matching, wanted)
    return news


def _kinds_of(wanted: HistoryFilter) -> set[Kind]:
    """What can change a row, or which of them match: not how far an export is, nor who has read what."""
    kinds = {Kind.MESSAGE_CREATED, Kind.MESSAGE_CHANGED, Kind.CONVERSATION_CHANGED}
    return kinds | {Kind.NOTE_CREATED} if wanted.has_note else kinds


def _concerns_all(event: Event, user: User) -> bool:
    """Many names at once, or who may see what."""
    return event.renames_many or (event.kind == Kind.ACCESS_CHANGED and event.user_id in {None, user.pk})


def _on_lines_of(user: User, events: list[Event]) -> list[Event]:
    if user.sees_all_lines or not events:
        return events
    lines = set(Line.objects.visible_to(user).values_list("pk", flat=True))
    return [event for event in events if event.line_id in lines]


def _tell_of_messages(news: News, events: list[Event], matching: MessageQuerySet) -> None:
    said = [event for event in events if event.kind in {Kind.MESSAGE_CREATED, Kind.MESSAGE_CHANGED}]
    if not said:
        return
    ids = {event.message_id for event in said}
    news.created = {event.message_id for event in said if event.message_id and event.kind == Kind.MESSAGE_CREATED}
    news.fresh = list(matching.filter(pk__in=ids))
    # What was only created has never been on a page that it does not match.
    changed = {event.message_id for event in said if event.kind == Kind.MESSAGE_CHANGED} - {row.pk for row in news.fresh}
    if changed:
        news.gone = list(Message.objects.filter(pk__in=changed).values_list("uuid", flat=True))


def _tell_of_threads(news: News, events: list[Event], matching: MessageQuerySet, wanted: HistoryFilter) -> None:
    ids = {event.conversation_id for event in events if event.kind in {Kind.CONVERSATION_CHANGED, Kind.NOTE_CREATED}} - {None}
    if not ids:
        return
    news.renamed = list(Conversation.objects.filter(pk__in=ids).select_related("contact").order_by("pk"))
    # Those of blocked contacts leave, unless they were asked for by name.
    news.threads = [conversation.pk for conversation in news.renamed if conversation.hidden_at and not wanted.names_a_partner]
    # A name that is searched for, whose number it is, or a first note makes all messages of a thread match, or none.
    if not (wanted.text or wanted.name or wanted.contact is not None or wanted.has_note):
        return
    found = list(matching.filter(conversation__in=ids)[: MOST_OF_THREADS + 1])
    news.must_reload = len(found) > MOST_OF_THREADS
    known = {row.pk for row in news.fresh}
    news.fresh += [row for row in found if row.pk not in known]
    news.threads = [conversation.pk for conversation in news.renamed]
