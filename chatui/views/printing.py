"""One thread on paper: all of it, oldest first, in pieces, so that a long one does not fill the memory."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db.models import Count, Max, Min
from django.http import StreamingHttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from chatui.access import conversation_or_404, for_people_who_export
from chatui.views.chat import Item, items_of
from server.accounts.models import record_audit
from server.messaging.models import Activity, ActivityKind, Note
from server.messaging.timeline import whole_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from datetime import date

    from django.http import HttpRequest

    from server.messaging.models import Conversation
    from server.messaging.timeline import Entry

THREAD = "<!-- thread -->"
# What happened to the partner; who of us took it when is nothing for paper.
SHOWN_ACTIVITIES = {ActivityKind.OPTED_OUT, ActivityKind.OPTED_IN}


@require_GET
@never_cache
@for_people_who_export
def print_thread(request: HttpRequest, conversation_id: int) -> StreamingHttpResponse:
    conversation = conversation_or_404(request.user, conversation_id)
    # Paper goes to customers, too: what colleagues say to each other only on request.
    has_notes = request.GET.get("notes") == "1"
    record_audit(
        action="conversation.printed",
        at=now(),
        actor=request.user,
        subscriber=request.user.subscriber,
        target=str(conversation.contact.whole.pk),
        contact=conversation.contact.whole.pk,
        line=str(conversation.line),
        notes=has_notes,
    )
    zone = request.user.subscriber.timezone
    context = {"conversation": conversation, "has_notes": has_notes, "printed_at": now(), "zone": zone}
    head, foot = render_to_string("chatui/print.html", context | _facts_of(conversation), request).split(THREAD)
    thread = _drawn(conversation, has_notes=has_notes, zone=zone, language=request.user.language)
    pieces = chain([head], thread, [foot])
    # Under ASGI Django would first read all of a plain iterator.
    return StreamingHttpResponse(_told_by(pieces) if isinstance(request, ASGIRequest) else pieces)


async def _told_by(pieces: Iterator[str]) -> AsyncIterator[str]:
    while (piece := await sync_to_async(next)(pieces, None)) is not None:
        yield piece


def _drawn(conversation: Conversation, *, has_notes: bool, zone: str, language: str) -> Iterator[str]:
    last: date | None = None
    for entries in whole_thread(conversation):
        items = items_of([entry for entry in entries if _is_shown(entry, has_notes)], ZoneInfo(zone))
        if not items:
            continue
        if _day(items[0], zone) == last:
            items[0].day = None
        last = _day(items[-1], zone)
        # What the middleware activated is over by the time this is drawn.
        with translation.override(language):
            yield render_to_string("chatui/_print_entries.html", {"items": items, "zone": zone})


def _facts_of(conversation: Conversation) -> dict:
    shown = conversation.messages.filter(deleted_at=None)
    return shown.aggregate(count=Count("pk"), first_at=Min("created_at"), last_at=Max("created_at"))


def _is_shown(entry: Entry, has_notes: bool) -> bool:
    if isinstance(entry, Note):
        return has_notes
    return not isinstance(entry, Activity) or entry.kind in SHOWN_ACTIVITIES


def _day(item: Item, zone: str) -> date:
    return item.at.astimezone(ZoneInfo(zone)).date()
