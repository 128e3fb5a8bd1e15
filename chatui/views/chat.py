"""Csevegés: the list, the thread, and the pages of both."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.http import JsonResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from chatui.access import conversation_or_404, for_people_with_chat, number_in, who_take_part
from chatui.listing import Listing, counts_of, page_of
from server import phone
from server.accounts.models import Subscriber
from server.contacts.optout import opt_out_in_force
from server.history.filter import LONGEST_TEXT
from server.messaging import timeline
from server.messaging.models import Conversation, Draft, Message, ReadMarker
from server.wording import words_in

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from server.accounts.models import User

GROUPED_WITHIN = timedelta(minutes=5)
# As many as a search may have.
MOST_WORDS = 16


@dataclass(slots=True)
class Item:
    """An entry as the thread shows it: with a day line, the unread line, or grouped with its neighbours."""

    entry: timeline.Entry
    at: datetime
    day: datetime | None = None
    is_first_unread: bool = False
    grouping: str = ""


@require_safe
@for_people_with_chat
def chat(request: HttpRequest) -> HttpResponse:
    return render(request, "chatui/chat.html", _frame(request))


@require_safe
@for_people_with_chat
def conversation(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """One thread: the whole page, or for htmx just the talk and the person beside it."""
    chosen = conversation_or_404(request.user, conversation_id)
    is_partial = request.htmx and request.headers.get("HX-Request-Type") != "full"
    context = {} if is_partial else _frame(request)
    context |= _thread(request, chosen)
    return render(request, "chatui/conversation.html" if is_partial else "chatui/chat.html", context)


@require_safe
@for_people_with_chat
def entries(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """A further page of a thread, older or newer."""
    chosen = conversation_or_404(request.user, conversation_id)
    page = _asked_page(request, chosen)
    context = {"conversation": chosen, "timeline": page, "items": items_of(page.entries, _zone(request.user))}
    if "before" in request.GET:
        page = timeline.Page(page.entries, page.older, None)
    else:
        page = timeline.Page(page.entries, None, page.newer)
    return render(request, "chatui/_entries.html", context | {"timeline": page})


@require_safe
@for_people_with_chat
def rows(request: HttpRequest) -> HttpResponse:
    """The list anew for another view or search, or its next page."""
    listing, after = Listing.from_query(request.GET), request.GET.get("after", "")
    context = {"listing": listing, "page": page_of(request.user, listing, after, now=now()), "cursor": after}
    if after:
        return render(request, "chatui/_rows.html", context)
    return render(request, "chatui/_list.html", context | {"counts": counts_of(request.user, listing)})


@require_safe
@for_people_with_chat
def counts(request: HttpRequest) -> HttpResponse:
    return JsonResponse(counts_of(request.user, Listing.from_query(request.GET)))


def _frame(request: HttpRequest) -> dict:
    """Everything around the thread. The position is read first: what happens later will be replayed."""
    position = Subscriber.objects.values_list("last_event", flat=True).get(pk=request.user.subscriber_id)
    listing, after = Listing.from_query(request.GET), request.GET.get("after", "")
    seen = Conversation.objects.visible_to(request.user)
    drafts = (
        Draft.objects.filter(user=request.user, conversation__in=seen)
        .order_by("-updated_at")
        .values_list("conversation_id", "body")[:200]
    )
    return {
        "place": "chat",
        "position": position,
        "listing": listing,
        "cursor": after,
        "page": page_of(request.user, listing, after, now=now()),
        "counts": counts_of(request.user, listing),
        "drafts": {pk: body[:160] for pk, body in drafts},
    }


def _thread(request: HttpRequest, chosen: Conversation) -> dict:
    user = request.user
    position = Subscriber.objects.values_list("last_event", flat=True).get(pk=user.subscriber_id)
    read = ReadMarker.objects.filter(conversation=chosen, user=user).values_list("inbound_read", flat=True).first() or 0
    page = _asked_page(request, chosen)
    draft = Draft.objects.filter(conversation=chosen, user=user).first()
    unread = max(0, chosen.inbound_count - read)
    return {
        "conversation": chosen,
        "open_id": chosen.pk,
        "read": read,
        "unread": unread,
        "timeline": page,
        "items": items_of(page.entries, _zone(user), unread=0 if page.newer else unread),
        "newest": chosen.messages.order_by("-id").values_list("id", flat=True).first() or 0,
        "draft": draft.body if draft else "",
        "opt_out": opt_out_in_force(line=chosen.line, number=chosen.contact.number),
        "fresh_uuid": uuid.uuid4(),
        "foreign_country": foreign_country(chosen),
        "entry": chosen.contact.whole,
        "zone": user.subscriber.timezone,
        "target": _uuid_in(request.GET.get("message")),
        # What somebody searched for who comes from Messages.
        "words": words_in(request.GET.get("words", "")[:LONGEST_TEXT])[:MOST_WORDS],
        "thread_position": position,
        "colleague_names": [
            {"name": one.name, "username": one.username, "isAway": one.is_away} for one in who_take_part(user).exclude(pk=user.pk)
        ],
    }


def _asked_page(request: HttpRequest, chosen: Conversation) -> timeline.Page:
    before, after = number_in(request.GET.get("before")), number_in(request.GET.get("after"))
    around = _uuid_in(request.GET.get("message"))
    own = Message.objects.filter(conversation=chosen)
    if before is not None and own.filter(pk=before).exists():
        return timeline.page_before(chosen, before)
    if after is not None and own.filter(pk=after).exists():
        return timeline.page_after(chosen, after)
    if around and (message := own.filter(uuid=around).first()):
        return timeline.page_around(chosen, message.pk)
    return timeline.latest_page(chosen)


def items_of(found: list[timeline.Entry], zone: ZoneInfo, unread: int = 0) -> list[Item]:
    """Put day lines, the unread line and the grouping to a page's entries (js/thread.js does the same for live ones)."""
    items = [Item(entry, entry.at if hasattr(entry, "at") else entry.created_at) for entry in found]
    inbound = [item for item in items if isinstance(item.entry, Message) and item.entry.is_inbound]
    if unread and inbound:
        inbound[-min(unread, len(inbound))].is_first_unread = True
    previous = None
    for item in items:
        day = item.at.astimezone(zone)
        if previous is None or previous.at.astimezone(zone).date() != day.date():
            item.day = day
        if previous is not None and not item.day and not item.is_first_unread and belong_together(previous, item):
            item.grouping += " more"
            previous.grouping += " followed"
        elif previous is not None and not item.day:
            item.grouping += " turn"
        previous = item
    return items


def belong_together(one: Item, next_: Item) -> bool:
    """Same author and direction within five minutes, and nothing went wrong between them."""
    first, second = one.entry, next_.entry
    return (
        isinstance(first, Message)
        and isinstance(second, Message)
        and (first.direction, first.author_id, first.origin) == (second.direction, second.author_id, second.origin)
        and not (first.went_wrong or second.went_wrong or "unconfirmed" in (first.status, second.status))
        and next_.at - one.at < GROUPED_WITHIN
    )


def foreign_country(chosen: Conversation) -> str:
    """The partner's country, two letters, when it is not the subscriber's own."""
    code = phone.country_of(chosen.contact.number)
    return code if code != chosen.line.subscriber.country else ""


def _zone(user: User) -> ZoneInfo:
    return ZoneInfo(user.subscriber.timezone)


def _uuid_in(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None
