"""A thread's page: messages, notes and activities in one order.

The order is that of time, then id: a message that a provider brings hours late stands where it belongs.
Each note and activity belongs to the page of the message before it, so that walking the pages either
way shows every entry once.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol

from server.keyset import beyond
from server.messaging.models import Activity, Message, Note

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from django.db.models import Q, QuerySet

    from server.messaging.models import Conversation

PAGE = 40

type Entry = Message | Note | Activity | Placed


class Placed(Protocol):
    """Whatever else stands in a thread; `position` sorts it, `uuid` names it in the page."""

    @property
    def position(self) -> str: ...


class Source(Protocol):
    """A room above us that has entries for a thread."""

    def __call__(self, conversation: Conversation, since: datetime | None, until: datetime | None) -> Sequence[Placed]:
        """The entries of a thread from a moment on, and before another one; None: no bound."""


# Calls and promises: what rooms above us place in a thread (their apps.py registers it).
_sources: list[Source] = []


def register(source: Source) -> None:
    if source not in _sources:
        _sources.append(source)


@dataclass(frozen=True, slots=True)
class Page:
    """Up to 40 messages with the notes and activities between them, oldest first.

    `older` is the message id for page_before(), `newer` the one for page_after(): this page's first and
    last message, or None at that end of the thread.
    """

    entries: list[Entry]
    older: int | None
    newer: int | None


def latest_page(conversation: Conversation) -> Page:
    """The end of the thread."""
    newest_first = list(_messages(conversation).order_by("-created_at", "-id")[: PAGE + 1])
    return _page(conversation, newest_first[:PAGE][::-1], has_older=len(newest_first) > PAGE, until=None)


def page_before(conversation: Conversation, message_id: int) -> Page:
    """The page that ends just before a message of this conversation; raises Message.DoesNotExist."""
    edge = _edge(conversation, message_id)
    newest_first = list(_messages(conversation).filter(_before(edge)).order_by("-created_at", "-id")[: PAGE + 1])
    return _page(conversation, newest_first[:PAGE][::-1], has_older=len(newest_first) > PAGE, until=edge)


def page_after(conversation: Conversation, message_id: int) -> Page:
    """The page that begins just after a message of this conversation; raises Message.DoesNotExist."""
    edge = _edge(conversation, message_id)
    messages = list(_messages(conversation).filter(_after(edge)).order_by("created_at", "id")[: PAGE + 1])
    return _page(conversation, messages[:PAGE], has_older=True, until=messages[PAGE] if len(messages) > PAGE else None)


def page_around(conversation: Conversation, message_id: int) -> Page:
    """The page with a message in its middle, or the latest one when this conversation has no such message."""
    edge = _messages(conversation).filter(pk=message_id).first()
    if edge is None:
        return latest_page(conversation)
    half = PAGE // 2
    older = list(_messages(conversation).filter(_before(edge)).order_by("-created_at", "-id")[:half])
    newer = list(_messages(conversation).filter(_after(edge)).order_by("created_at", "id")[:half])
    # One of each side is only looked at: it tells that there is more, and where the page ends.
    messages = [*older[: half - 1][::-1], edge, *newer[: half - 1]]
    until = newer[-1] if len(newer) == half else None
    return _page(conversation, messages, has_older=len(older) == half, until=until)


def whole_thread(conversation: Conversation, *, size: int = 500) -> Iterator[list[Entry]]:
    """All of a thread, oldest first, in pieces of so many messages: however long it is, one piece is in memory."""
    edge: Message | None = None
    while True:
        messages = _messages(conversation) if edge is None else _messages(conversation).filter(_after(edge))
        found = list(messages.order_by("created_at", "id")[: size + 1])
        following = found[size] if len(found) > size else None
        yield _page(conversation, found[:size], has_older=edge is not None, until=following).entries
        if following is None:
            return
        edge = found[size - 1]


def entries_since(conversation: Conversation, since: datetime) -> list[Entry]:
    """Notes and activities from a moment on: what an event about the conversation may have added."""
    return _merged(conversation, [], since, None)


def _messages(conversation: Conversation) -> QuerySet[Message]:
    # Also those that were taken away: pages are cut by them, so that nothing is lost when it happens between two pages.
    return conversation.messages.select_related("author").defer("words")


def _edge(conversation: Conversation, message_id: int) -> Message:
    return conversation.messages.only("created_at").get(pk=message_id)


def _before(edge: Message) -> Q:
    return beyond((edge.created_at, edge.pk), newest_first=True)


def _after(edge: Message) -> Q:
    return beyond((edge.created_at, edge.pk), newest_first=False)


def _page(conversation: Conversation, messages: list[Message], *, has_older: bool, until: Message | None) -> Page:
    """A page of messages, of which `until` is the next one in the thread."""
    if not messages and (has_older or until):
        return Page([], older=None, newer=None)
    since = messages[0].created_at if has_older else None
    shown = [message for message in messages if message.deleted_at is None]
    return Page(
        _merged(conversation, shown, since, until.created_at if until else None),
        older=messages[0].pk if has_older else None,
        newer=messages[-1].pk if until and messages else None,
    )


def _merged(conversation: Conversation, messages: list[Message], since: datetime | None, until: datetime | None) -> list[Entry]:
    notes = conversation.notes.select_related("author")
    activities = conversation.activities.select_related("actor", "subject")
    if since is not None:
        notes, activities = notes.filter(created_at__gte=since), activities.filter(at__gte=since)
    if until is not None:
        notes, activities = notes.filter(created_at__lt=until), activities.filter(at__lt=until)
    entries: list[Entry] = [*messages, *notes, *activities]
    for source in _sources:
        entries += source(conversation, since, until)
    return sorted(entries, key=attrgetter("position"))
