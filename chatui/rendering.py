"""Frames: what a change looks like on screen, as text that is the same for everyone who gets it.

A frame is HTML made by the same partials as the pages, wrapped in elements that only say where it
goes (js/frames.js puts it there): `live-row`, `live-entry`, `live-gone`, `live-head`, `live-foot`,
`live-promise`, `live-person`, `live-read`, `live-calls`, `live-typing`, `live-presence`, `live-contact`, `live-export`,
`live-told`.
Rendered from the rows as they are now, so replaying an event is harmless.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import F
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.html import format_html

from chatui.downloads import cards_since
from chatui.import_cards import told_of
from chatui.phonebook_pages import with_row
from chatui.told import notices_for
from server.calls import notices
from server.calls.models import Call, Promise
from server.calls.story import with_story
from server.contacts.entries import in_phone_book
from server.contacts.models import Contact, OptOut
from server.contacts.optout import wish_of
from server.events.models import Event, Kind
from server.messaging.models import Conversation, Message, ReadMarker
from server.messaging.reasons import Reason
from server.messaging.timeline import entries_since
from server.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from uuid import UUID

    from chatui.downloads import Card
    from chatui.import_cards import ImportCard
    from server.calls.models import Telling
    from server.messaging.timeline import Entry


# The page is no longer what a fresh one would be, and no frame can mend it.
RELOAD = "<live-reload></live-reload>"


@dataclass(frozen=True, slots=True)
class Frame:
    """One text and who should get it: None means no restriction of that kind."""

    text: str
    line_id: int | None = None
    user_id: int | None = None
    conversation_id: int | None = None


def frames_for(
    events: Collection[Event], languages: Iterable[str], opened: Collection[int] | None = None
) -> dict[str, list[Frame]]:
    """The frames that bring a screen up to date with these events; rows are read once, and drawn once for each language.

    Threads are drawn only of the conversations in `opened` (None: of all): mostly nobody looks at them.
    """
    changes = _changes_of([event for event in events if event.conversation_id and event.kind != Kind.READ], opened)
    same_for_all = _read_frames([event for event in events if event.kind == Kind.READ]) + _call_hints(events)
    if any(event.renames_many for event in events):
        same_for_all.append(Frame(RELOAD))
    frames = {}
    for language in languages:
        with translation.override(language):
            frames[language] = [frame for change in changes for frame in _frames_of(change)]
            frames[language] += _contact_frames(events) + _export_frames(events) + _import_frames(events) + _told_frames(events)
            frames[language] += same_for_all
    return frames


def presence_frame(conversation_id: int, people: list[dict]) -> Frame:
    """Who has this conversation open: [{"id": 7, "name": "Anna"}]."""
    return Frame(_people("live-presence", conversation_id, people), conversation_id=conversation_id)


def typing_frame(conversation_id: int, line_id: int, people: list[dict]) -> Frame:
    """Who is writing in this conversation, for its thread and for its row in the list."""
    return Frame(_people("live-typing", conversation_id, people), line_id=line_id)


def _people(element: str, conversation_id: int, people: list[dict]) -> str:
    return format_html('<{0} conversation="{1}" people="{2}"></{0}>', element, conversation_id, json.dumps(people))


_NEW_HEAD = {Kind.CONVERSATION_CHANGED, Kind.MESSAGE_CREATED, Kind.CALL_CHANGED}


@dataclass(frozen=True, slots=True)
class _Change:
    """A conversation of which something is to be drawn: its row, and, where it is open, its thread."""

    conversation: Conversation
    is_open: bool
    entries: list[Entry]
    has_new_head: bool
    # The partner's entry, when it may have changed: the panel beside the thread shows it.
    partner: Contact | None
    opt_out: OptOut | None
    # Where a call has changed: the uuid of the promise that is open, or nothing.
    open_promise: str | None


def _changes_of(events: list[Event], opened: Collection[int] | None) -> list[_Change]:
    by_conversation: dict[int, list[Event]] = defaultdict(list)
    for event in events:
        by_conversation[event.conversation_id].append(event)
    rows = _rows_of(by_conversation)
    shown = [pk for pk in rows if opened is None or pk in opened]
    messages = _messages_of([event for event in events if event.conversation_id in shown])
    calls = _calls_of([event for event in events if event.conversation_id in shown])
    stopped = {(opt_out.line_id, opt_out.number): opt_out for opt_out in _OPT_OUTS.of(shown)}
    promises = _open_promises_in([event for event in events if event.conversation_id in shown])
    partners = _partners_of([event for event in events if event.conversation_id in shown], rows)
    changes = []
    for pk, its_events in by_conversation.items():
        conversation = rows.get(pk)
        if conversation is None:
            continue
        entries = _entries_of(conversation, its_events, messages) if pk in shown else []
        entries += [entry for entry in calls[pk] if entry.position not in {known.position for known in entries}]
        # A message and a call, too: they take back Done.
        has_new_head = any(event.kind in _NEW_HEAD for event in its_events)
        opt_out = stopped.get((conversation.line_id, conversation.contact.number))
        changes.append(_Change(conversation, pk in shown, entries, has_new_head, partners.get(pk), opt_out, promises.get(pk)))
    return changes


def _open_promises_in(events: list[Event]) -> dict[int, str]:
    told = {event.conversation_id: "" for event in events if event.conversation_id and event.kind == Kind.CALL_CHANGED}
    are_open = Promise.objects.filter(conversation__in=told, kept_at=None) if told else Promise.objects.none()
    return told | {pk: str(uuid) for pk, uuid in are_open.values_list("conversation_id", "uuid")}


def _partners_of(events: list[Event], rows: dict[int, Conversation]) -> dict[int, Contact]:
    """The entries of the phone book with whom these conversations are, as far as the events may be about them."""
    changed = {event.conversation_id for event in events if event.kind == Kind.CONVERSATION_CHANGED}
    if not changed:
        return {}
    contacts = Contact.objects.filter(conversations__in=changed).select_related("main").prefetch_related("tags", "main__tags")
    entries = {contact.pk: contact.whole for contact in contacts}
    return {pk: entries[rows[pk].contact_id] for pk in changed}


def _entries_of(conversation: Conversation, events: list[Event], messages: dict[int, Message]) -> list[Entry]:
    said = [messages[pk] for pk in dict.fromkeys(event.message_id for event in events) if pk in messages]
    moments = [event.at for event in events if event.kind in {Kind.NOTE_CREATED, Kind.CONVERSATION_CHANGED}]
    moments += [message.created_at for message in said if _concerns_opt_out(message, conversation)]
    return [*said, *(entries_since(conversation, min(moments)) if moments else [])]


def _frames_of(change: _Change) -> list[Frame]:
    conversation = change.conversation
    row = Frame(row_html(conversation), line_id=conversation.line_id)
    if not change.is_open:
        return [row]
    parts = [_entry_or_gone_html(entry, conversation) for entry in change.entries]
    if change.open_promise is not None:
        parts.append(promise_html(conversation, change.open_promise))
    if change.has_new_head:
        parts.append(head_html(conversation))
    if change.partner:
        parts.append(person_html(conversation, change.partner))
    parts.append(foot_html(conversation, change.opt_out))
    return [row, Frame("".join(parts), line_id=conversation.line_id, conversation_id=conversation.pk)]


def _entry_or_gone_html(entry: Entry, conversation: Conversation) -> str:
    is_gone = isinstance(entry, Message) and entry.deleted_at is not None
    return gone_html(entry) if is_gone else entry_html(entry, conversation)


def row_html(conversation: Conversation) -> str:
    return render_to_string("chatui/live/row.html", {"conversation": conversation, "zone": conversation.subscriber.timezone})


def entry_html(entry: Entry, conversation: Conversation) -> str:
    return render_to_string(
        "chatui/live/entry.html", {"entry": entry, "conversation": conversation, "zone": conversation.subscriber.timezone}
    )


def gone_html(message: Message) -> str:
    return format_html('<live-gone conversation="{}" entry="entry-{}"></live-gone>', message.conversation_id, message.uuid)


def promise_html(conversation: Conversation, open_promise: str) -> str:
    """Which promise is open: one that was withdrawn leaves the thread."""
    return format_html('<live-promise conversation="{}" open="entry-{}"></live-promise>', conversation.pk, open_promise)


def head_html(conversation: Conversation) -> str:
    return render_to_string("chatui/live/head.html", {"conversation": conversation, "zone": conversation.subscriber.timezone})


def foot_html(conversation: Conversation, opt_out: OptOut | None) -> str:
    return render_to_string(
        "chatui/live/foot.html", {"conversation": conversation, "opt_out": opt_out, "zone": conversation.subscriber.timezone}
    )


# Only what is shown: each column costs, and a row is drawn for every event.
_SHOWN_OF_MESSAGE = (
    "body",
    "redacted_at",
    "direction",
    "status",
    "media",
    "author__name",
    "created_at",
    "sent_at",
    "delivered_at",
    "failed_at",
)
_CONVERSATIONS = Reading(
    lambda *ids: (
        Conversation.objects.filter(pk__in=ids)
        .select_related("subscriber", "contact", "line", "assignee", "latest_message__author")
        .only(
            *(field.name for field in Conversation._meta.concrete_fields),
            "subscriber__timezone",
            "subscriber__country",
            "subscriber__stop_words",
            "contact__number",
            "contact__erased_at",
            "contact__name",
            "line__label",
            "line__countries",
            "line__subscriber",
            "line__held_since",
            "assignee__name",
            *(f"latest_message__{name}" for name in _SHOWN_OF_MESSAGE),
        )
    )
)
_MARKERS = Reading(lambda *ids: ReadMarker.objects.filter(conversation__in=ids).order_by("id"))
_MESSAGES = Reading(
    lambda *ids: (
        Message.objects.filter(pk__in=ids)
        .select_related("author")
        .only(*_SHOWN_OF_MESSAGE, "uuid", "conversation_id", "origin", "reason", "deleted_at")
    )
)
_OPT_OUTS = Reading(
    lambda *ids: OptOut.objects.filter(ended_at=None, line__conversations__in=ids, number=F("line__conversations__contact__number"))
)


def _rows_of(ids: Collection[int]) -> dict[int, Conversation]:
    """The conversations with all that a row shows, like `with_row()`."""
    rows = {conversation.pk: conversation for conversation in _CONVERSATIONS.of(ids)}
    markers: dict[int, list[ReadMarker]] = {pk: [] for pk in rows}
    for marker in _MARKERS.of(rows):
        markers[marker.conversation_id].append(marker)
    for pk, conversation in rows.items():
        conversation.line.subscriber = conversation.subscriber
        # What prefetch_related() would have written there.
        conversation._prefetched_objects_cache = {"markers": markers[pk]}
    return rows


def _messages_of(events: list[Event]) -> dict[int, Message]:
    said = {event.message_id for event in events if event.kind in {Kind.MESSAGE_CREATED, Kind.MESSAGE_CHANGED}}
    return {message.pk: message for message in _MESSAGES.of(said)}


def _calls_of(events: list[Event]) -> dict[int, list[Entry]]:
    """The calls that these events are about, and the promises made in them, by their conversation."""
    told = {event.message_id for event in events if event.kind == Kind.CALL_CHANGED and event.message_id}
    entries: dict[int, list[Entry]] = defaultdict(list)
    if told:
        promises = Promise.objects.filter(call__in=told).select_related("kept_by")
        for entry in [*with_story(Call.objects.filter(pk__in=told, conversation__isnull=False)), *promises]:
            entries[entry.conversation_id].append(entry)
    return entries


def _call_hints(events: Collection[Event]) -> list[Frame]:
    """For the pages of calls, which look through filters of their own: that there is something new on a line."""
    lines = {event.line_id for event in events if event.kind == Kind.CALL_CHANGED and event.line_id}
    return [Frame("<live-calls></live-calls>", line_id=line) for line in sorted(lines)]


def _concerns_opt_out(message: Message, conversation: Conversation) -> bool:
    """Whether receiving or failing to send it may have written "asked for no more messages" into the thread."""
    if message.is_inbound:
        return wish_of(message.body, conversation.subscriber.stop_words) is not None
    return message.reason == Reason.OPTED_OUT


def _export_frames(events: Collection[Event]) -> list[Frame]:
    """How far a person's exports have got, for that person's tabs."""
    told = [event for event in events if event.kind == Kind.EXPORT_CHANGED and event.user_id]
    if not told:
        return []
    cards = cards_since({event.user_id for event in told}, min(event.at for event in told), now=timezone.now())
    return [Frame(export_html(card), user_id=card.export.user_id) for card in cards]


def export_html(card: Card) -> str:
    return render_to_string("chatui/live/export.html", {"card": card})


def _told_frames(events: Collection[Event]) -> list[Frame]:
    """What one person is told of calls, and what they have put away in another tab; for their tabs only."""
    ids = {event.message_id for event in events if event.kind == Kind.TOLD and event.message_id}
    return [_told_frame(telling) for telling in notices.told(ids)] if ids else []


def _told_frame(telling: Telling) -> Frame:
    if telling.seen_at is not None:
        return Frame(seen_html(telling.uuid), user_id=telling.user_id)
    (notice,) = notices_for(telling.user, [telling])
    return Frame(render_to_string("chatui/live/told.html", {"notice": notice}), user_id=telling.user_id)


def seen_html(uuid: UUID) -> str:
    return format_html('<live-told-seen uuid="{}"></live-told-seen>', uuid)


def _import_frames(events: Collection[Event]) -> list[Frame]:
    """How far a person's imports have got; the page that shows one fetches it anew when its state is another one."""
    told = [event for event in events if event.kind == Kind.IMPORT_CHANGED and event.user_id]
    if not told:
        return []
    cards = told_of({event.user_id for event in told}, min(event.at for event in told))
    return [Frame(import_html(card), user_id=card.one.user_id) for card in cards]


def import_html(card: ImportCard) -> str:
    return render_to_string("chatui/live/import.html", {"card": card})


def _contact_frames(events: Collection[Event]) -> list[Frame]:
    """Entries of the phone book, for the pages that show them; names are no secret within a company."""
    told = {event.message_id for event in events if event.kind == Kind.PHONEBOOK_CHANGED and event.message_id}
    if not told:
        return []
    entries = {entry.pk: entry for entry in with_row(Contact.objects.filter(in_phone_book(), pk__in=told))}
    return [Frame(contact_html(pk, entries.get(pk))) for pk in sorted(told)]


def contact_html(pk: int, entry: Contact | None) -> str:
    return render_to_string("chatui/live/contact.html", {"pk": pk, "entry": entry})


def person_html(conversation: Conversation, entry: Contact) -> str:
    """The panel beside a thread."""
    country = conversation.contact.country
    context = {
        "conversation": conversation,
        "entry": entry,
        "foreign_country": country if country != conversation.subscriber.country else "",
        "zone": conversation.subscriber.timezone,
    }
    return render_to_string("chatui/live/person.html", context)


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
