"""A thread's page: messages, notes and activities in one order."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from server.messaging.models import Activity, Message, Note

if TYPE_CHECKING:
    from datetime import datetime

    from server.messaging.models import Conversation

PAGE = 40

type Entry = Message | Note | Activity


@dataclass(frozen=True, slots=True)
class Page:
    """Up to 40 messages with the notes and activities between them, oldest first.

    `older` and `newer` are the message ids to ask on from, or None at that end of the thread.
    """

    entries: list[Entry]
    older: int | None
    newer: int | None


def latest_page(conversation: Conversation) -> Page:
    """The end of the thread."""
    return _page(conversation, before=None)


def page_before(conversation: Conversation, message_id: int) -> Page:
    """The page that ends just before a message."""
    return _page(conversation, before=message_id)


def page_after(conversation: Conversation, message_id: int) -> Page:
    """The page that begins just after a message."""
    messages = list(_messages(conversation).filter(pk__gt=message_id).order_by("id")[: PAGE + 1])
    has_more = len(messages) > PAGE
    messages = messages[:PAGE]
    since = Message.objects.values_list("created_at", flat=True).get(pk=message_id)
    until = messages[-1].created_at if has_more else None
    return Page(_merged(conversation, messages, since, until), older=None, newer=messages[-1].pk if has_more else None)


def page_around(conversation: Conversation, message_id: int) -> Page:
    """The page with a message in its middle."""
    older = list(_messages(conversation).filter(pk__lte=message_id).order_by("-id")[: PAGE // 2 + 1])
    newer = list(_messages(conversation).filter(pk__gt=message_id).order_by("id")[: PAGE // 2 + 1])
    has_older, has_newer = len(older) > PAGE // 2, len(newer) > PAGE // 2
    messages = [*reversed(older[: PAGE // 2]), *newer[: PAGE // 2]]
    if not messages:
        return latest_page(conversation)
    since = messages[0].created_at if has_older else None
    until = messages[-1].created_at if has_newer else None
    entries = _merged(conversation, messages, since, until)
    return Page(entries, older=messages[0].pk if has_older else None, newer=messages[-1].pk if has_newer else None)


def entries_since(conversation: Conversation, since: datetime) -> list[Entry]:
    """Notes and activities from a moment on: what an event about the conversation may have added."""
    return _merged(conversation, [], since, None)


def _page(conversation: Conversation, *, before: int | None) -> Page:
    messages = _messages(conversation).order_by("-id")
    until = None
    if before is not None:
        messages = messages.filter(pk__lt=before)
        until = Message.objects.values_list("created_at", flat=True).get(pk=before)
    newest_first = list(messages[: PAGE + 1])
    has_older = len(newest_first) > PAGE
    page = newest_first[:PAGE][::-1]
    since = page[0].created_at if has_older else None
    return Page(_merged(conversation, page, since, until), older=page[0].pk if has_older else None, newer=before)


def _messages(conversation: Conversation):  # type: ignore[no-untyped-def]
    return conversation.messages.filter(deleted_at=None).select_related("author")


def _merged(conversation: Conversation, messages: list[Message], since: datetime | None, until: datetime | None) -> list[Entry]:
    notes = Note.objects.filter(conversation=conversation).select_related("author")
    activities = Activity.objects.filter(conversation=conversation).select_related("actor", "subject")
    if since is not None:
        notes, activities = notes.filter(created_at__gte=since), activities.filter(at__gte=since)
    if until is not None:
        notes, activities = notes.filter(created_at__lt=until), activities.filter(at__lt=until)
    entries: list[Entry] = [*messages, *notes, *activities]
    return sorted(entries, key=attrgetter("position"))
