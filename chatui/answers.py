"""How a view answers: frames for our scripts, a redirect for a browser without them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html

from chatui import rendering
from server.contacts.optout import opt_out_in_force
from server.messaging.models import Conversation

if TYPE_CHECKING:
    from django.http import HttpRequest


def wants_frames(request: HttpRequest) -> bool:
    """Our scripts say so by a header."""
    return request.headers.get("X-Fonal") == "frames"


def show_changes(
    request: HttpRequest, conversation_id: int, *entries, with_head: bool = False, extra: str = "", status: int = 200
) -> HttpResponse:
    """Draw a conversation's row, these entries and, if asked, its header anew for whoever just changed them."""
    if not wants_frames(request):
        return back_to(request, conversation_id)
    # The number first, then everything anew: so the picture is never older than it says (js/frames.js).
    conversation = Conversation.objects.with_row().select_related("subscriber").get(pk=conversation_id)
    for entry in entries:
        entry.refresh_from_db()
    drawn = format_html('<live-drawn number="{}"></live-drawn>', conversation.subscriber.last_event)
    parts = [drawn, rendering.row_html(conversation), *(rendering.entry_html(entry, conversation) for entry in entries)]
    if with_head:
        parts.append(rendering.head_html(conversation))
        parts.append(
            rendering.foot_html(conversation, opt_out_in_force(line=conversation.line, number=conversation.contact.number))
        )
    return HttpResponse("".join([*parts, extra]), status=status)


def back_to(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """The thread; without the chat supplement, the list of messages."""
    return redirect("conversation", conversation_id) if request.user.subscriber.has_chat else redirect("messages")


def go_on_at(request: HttpRequest, address: str) -> HttpResponse:
    """Lead on after a form: htmx would follow a redirect within the dialog."""
    return HttpResponse(headers={"HX-Redirect": address}) if request.htmx else redirect(address)


def say_no(request: HttpRequest, conversation_id: int, text: str, status: int = 422, extra: str = "") -> HttpResponse:
    """Tell a person why nothing happened: what was refused, what was kept, what to do."""
    if not wants_frames(request):
        messages.error(request, text)
        return back_to(request, conversation_id)
    return HttpResponse(format_html("<live-problem>{}</live-problem>", text) + extra, status=status)
