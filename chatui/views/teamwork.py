"""Several colleagues on one thread: claim, hand over, done, read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from chatui import rendering
from chatui.access import conversation_or_404, for_people_with_chat, number_in, open_to_auditors, who_take_part
from chatui.answers import say_no, show_changes, wants_frames
from server.messaging import conversations
from server.messaging.models import Conversation, ReadMarker

if TYPE_CHECKING:
    from django.http import HttpRequest


@require_POST
@for_people_with_chat
def claim(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """Take an unassigned conversation; who comes second learns who has it."""
    conversation = conversation_or_404(request.user, conversation_id)
    try:
        conversations.claim_conversation(conversation=conversation, by=request.user, now=now())
    except conversations.AlreadyClaimed as lost:
        text = _("%(name)s was quicker and has this conversation. Your text is kept.") % {"name": lost.winner.name}
        if not wants_frames(request):
            return say_no(request, conversation_id, text)
        answer = show_changes(request, conversation_id, with_head=True, status=409)
        answer.content += say_no(request, conversation_id, text).content
        return answer
    return _changed(request, conversation_id)


@require_POST
@for_people_with_chat
def assign(request: HttpRequest, conversation_id: int) -> HttpResponse:
    conversation = conversation_or_404(request.user, conversation_id)
    chosen = request.POST.get("to", "")
    colleague = None
    if chosen:
        colleague = who_take_part(request.user).filter(pk=number_in(chosen)).first()
        if colleague is None:
            raise Http404
    try:
        conversations.assign_conversation(conversation=conversation, to=colleague, by=request.user, now=now())
    except conversations.NotOneOfUs:
        return say_no(
            request, conversation_id, _("%(name)s does not have this line. Nothing was changed.") % {"name": colleague.name}
        )
    return _changed(request, conversation_id)


@require_safe
@for_people_with_chat
def colleagues(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """Who a conversation can be handed to: those who may see its line."""
    conversation = conversation_or_404(request.user, conversation_id)
    able = [one for one in who_take_part(request.user) if Conversation.objects.visible_to(one).filter(pk=conversation.pk).exists()]
    template = "chatui/_colleagues.html" if request.htmx else "chatui/colleagues.html"
    return render(request, template, {"conversation": conversation, "colleagues": able, "place": "chat"})


@require_POST
@for_people_with_chat
def done(request: HttpRequest, conversation_id: int) -> HttpResponse:
    conversation, seen = conversation_or_404(request.user, conversation_id), request.POST.get("seen", "")
    try:
        upto = int(seen) if seen.isdecimal() and len(seen) < 10 else None
        conversations.mark_done(conversation=conversation, by=request.user, now=now(), seen=upto)
    except conversations.SomebodyTexted:
        return say_no(
            request, conversation_id, _("A new message has just come. Have a look at it first; nothing was changed."), 409
        )
    return _changed(request, conversation_id)


@require_POST
@for_people_with_chat
def reopen(request: HttpRequest, conversation_id: int) -> HttpResponse:
    conversations.reopen(conversation=conversation_or_404(request.user, conversation_id), by=request.user, now=now())
    return _changed(request, conversation_id)


@require_POST
@for_people_with_chat
@open_to_auditors
def read(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """The person has seen so many inbound messages; sent by the page, answered with nothing."""
    conversation = conversation_or_404(request.user, conversation_id)
    upto = number_in(request.POST.get("upto"))
    if upto is None:
        return HttpResponse(_("upto must be a number"), status=400)
    conversations.mark_read(conversation=conversation, by=request.user, upto=upto, now=now())
    return HttpResponse(status=204)


@require_POST
@for_people_with_chat
@open_to_auditors
def unread(request: HttpRequest, conversation_id: int) -> HttpResponse:
    conversation = conversation_or_404(request.user, conversation_id)
    conversations.mark_unread(conversation=conversation, by=request.user, now=now())
    marker = ReadMarker.objects.select_related("conversation").filter(conversation=conversation, user=request.user).first()
    return show_changes(request, conversation_id, extra=rendering.read_html(marker) if marker else "")


def _changed(request: HttpRequest, conversation_id: int) -> HttpResponse:
    conversation = conversation_or_404(request.user, conversation_id)
    newest = conversation.activities.select_related("actor", "subject").order_by("-id").first()
    return show_changes(request, conversation_id, *([newest] if newest else []), with_head=True)
