"""Frames: what a change looks like on screen, as text that is the same for everyone who gets it.

A frame is HTML made by the same partials as the pages, wrapped in elements that only say where it
goes (js/frames.js puts it there): `live-row`, `live-entry`, `live-gone`, `live-head`, `live-foot`,
`live-read`, `live-typing`, `live-presence`. Rendered from the rows as they are now, so replaying an
event is harmless.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import format_html

from server.contacts.models import OptOut
from server.contacts.optout import wish_of
from server.events.models import Event, Kind
from server.messaging.models import Activity, Conversation, Message, Note, ReadMarker
from server.messaging.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


@dataclass(frozen=True, slots=True)
class Frame:
    """One text and who should get it: None means no restriction of that kind."""

    text: str
    line_id: int | None = None
    user_id: int | None = None
    conversation_id: int | None = None


def frames_for(events: Iterable[Event], language: str, opened: Collection[int] | None = None) -> list[Frame]:
    """The frames that bring a screen up to date with these events; each row and bubble is drawn once.

    Threads are drawn only of the conversations in `opened` (None: of all): mostly nobody looks at them.
    """
    events = list(events)
    public = [event for event in events if event.conversation_id and event.kind != Kind.READ]
    with translation.override(language):
        frames = _conversation_frames(public, opened)
        frames += _read_frames([event for event in events if event.kind == Kind.READ])
        if any(event.kind == Kind.PHONEBOOK_CHANGED and not event.conversation_id for event in events):
            frames.append(Frame("<live-names></live-names>"))
        return frames


def presence_frame(conversation_id: int, people: list[dict], language: str) -> Frame:
    """Who has this conversation open: [{"id": 7, "name": "Anna"}]."""
    return Frame(_people("live-presence", conversation_id, people), conversation_id=conversation_id)


def typing_frame(conversation_id: int, line_id: int, people: list[dict], language: str) -> Frame:
    """Who is writing in this conversation, for its thread and for its row in the list."""
    return Frame(_people("live-typing", conversation_id, people), line_id=line_id)


def _people(element: str, conversation_id: int, people: list[dict]) -> str:
    return format_html('<{0} conversation="{1}" people="{2}"></{0}>', element, conversation_id, json.dumps(people))


def _conversation_frames(events: list[Event], opened: Collection[int] | None) -> list[Frame]:
    by_conversation: dict[int, list[Event]] = defaultdict(list)
    for event in events:
        by_conversation[event.conversation_id].append(event)
    conversations = Conversation.objects.filter(pk__in=by_conversation).with_row().select_related("subscriber")
    rows = {conversation.pk: conversation for conversation in conversations}
    shown = {pk: row for pk, row in rows.items() if opened is None or pk in opened}
    messages = _messages_of([event for event in events if event.conversation_id in shown]) if shown else {}
    stopped = _opt_outs_of(shown.values()) if shown else {}
    frames = []
    for pk, its_events in by_conversation.items():
        conversation = rows.get(pk)
        if conversation is None:
            continue
        frames.append(Frame(row_html(conversation), line_id=conversation.line_id))
        if pk not in shown:
            continue
        inside = _thread_html(conversation, its_events, messages, stopped.get((conversation.line_id, conversation.contact.number)))
        frames.append(Frame(inside, line_id=conversation.line_id, conversation_id=pk))
    return frames


def _thread_html(conversation: Conversation, events: list[Event], messages: dict[int, Message], opt_out: OptOut | None) -> str:
    parts = []
    said = dict.fromkeys(event.message_id for event in events if event.kind in {Kind.MESSAGE_CREATED, Kind.MESSAGE_CHANGED})
    for pk in said:
        message = messages.get(pk)
        if message is not None:
            parts.append(gone_html(message) if message.deleted_at else entry_html(message, conversation))
    moments = [event.at for event in events if event.kind in {Kind.NOTE_CREATED, Kind.CONVERSATION_CHANGED}]
    moments += [messages[pk].created_at for pk in said if pk in messages and _concerns_opt_out(messages[pk])]
    if moments:
        parts += [entry_html(entry, conversation) for entry in _remarks_since(conversation, min(moments))]
    # A message, too: it takes back Done.
    if any(event.kind in {Kind.CONVERSATION_CHANGED, Kind.MESSAGE_CREATED} for event in events):
        parts.append(head_html(conversation))
    parts.append(foot_html(conversation, opt_out))
    return "".join(parts)


def row_html(conversation: Conversation) -> str:
    return render_to_string("chatui/live/row.html", {"conversation": conversation, "zone": conversation.subscriber.timezone})


def entry_html(entry: Message | Note | Activity, conversation: Conversation) -> str:
    return render_to_string(
        "chatui/live/entry.html", {"entry": entry, "conversation": conversation, "zone": conversation.subscriber.timezone}
    )


def gone_html(message: Message) -> str:
    return format_html('<live-gone conversation="{}" entry="entry-{}"></live-gone>', message.conversation_id, message.uuid)


def head_html(conversation: Conversation) -> str:
    return render_to_string("chatui/live/head.html", {"conversation": conversation, "zone": conversation.subscriber.timezone})


def foot_html(conversation: Conversation, opt_out: OptOut | None) -> str:
    return render_to_string(
        "chatui/live/foot.html", {"conversation": conversation, "opt_out": opt_out, "zone": conversation.subscriber.timezone}
    )


def _messages_of(events: list[Event]) -> dict[int, Message]:
    ids = {event.message_id for event in events if event.kind in {Kind.MESSAGE_CREATED, Kind.MESSAGE_CHANGED}}
    return {message.pk: message for message in Message.objects.filter(pk__in=ids).select_related("author")}


def _opt_outs_of(conversations: Iterable[Conversation]) -> dict[tuple[int, str], OptOut]:
    numbers = {conversation.contact.number for conversation in conversations}
    found = OptOut.objects.filter(number__in=numbers, line__in={c.line_id for c in conversations}, ended_at=None)
    return {(opt_out.line_id, opt_out.number): opt_out for opt_out in found}


def _concerns_opt_out(message: Message) -> bool:
    """Whether receiving or failing to send it may have written "asked for no more messages" into the thread."""
    return wish_of(message.body) is not None if message.is_inbound else message.reason == Reason.OPTED_OUT


def _remarks_since(conversation: Conversation, since) -> list[Note | Activity]:
    notes = Note.objects.filter(conversation=conversation, created_at__gte=since).select_related("author")
    activities = Activity.objects.filter(conversation=conversation, at__gte=since).select_related("actor", "subject")
    return [*notes, *activities]


def _read_frames(events: list[Event]) -> list[Frame]:
    """A person's own tabs agree about what that person has read."""
    if not events:
        return []
    wanted = {(event.conversation_id, event.user_id) for event in events}
    markers = ReadMarker.objects.filter(conversation__in={pk for pk, _ in wanted}, user__in={pk for _, pk in wanted})
    return [
        Frame(read_html(marker), user_id=marker.user_id)
        for marker in markers.select_related("conversation")
        if (marker.conversation_id, marker.user_id) in wanted
    ]


def read_html(marker: ReadMarker) -> str:
    return format_html(
        '<live-read conversation="{}" user="{}" read="{}" unread="{}"></live-read>',
        marker.conversation_id,
        marker.user_id,
        marker.inbound_read,
        0 if marker.conversation.done_at else max(0, marker.conversation.inbound_count - marker.inbound_read),
    )
