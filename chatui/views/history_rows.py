"""The rows of Messages: one with all that is known of it, and those that changed since the page was drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponseBadRequest
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chatui.access import for_people_with_sms, message_or_404, number_in
from chatui.history_news import news_since
from server.calls.models import Telling
from server.history.columns import name_of_origin
from server.history.filter import FilterNotValid, HistoryFilter
from server.history.searching import words_of_search
from server.messaging.models import Origin

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from server.messaging.models import Message


@require_safe
@for_people_with_sms
def details(request: HttpRequest, uuid: UUID) -> HttpResponse:
    message = message_or_404(request.user, uuid)
    context = {
        "place": "messages",
        "message": message,
        "zone": request.user.subscriber.timezone,
        "provider": message.line.provider.title(),
        "origin": _origin_of(message),
        "rule": _rule_of(message),
        "costs_less_without_accents": 0 < message.plain_segments < message.segments,
        "stations": stations_of(message),
        "reports": message.reports.order_by("received_at", "id"),
    }
    return render(request, "chatui/_details.html" if request.htmx else "chatui/message_details.html", context)


def _origin_of(message: Message) -> str:
    """Who or what made it; nothing when a partner simply wrote."""
    if message.is_inbound and message.origin == Origin.PERSON:
        return ""
    return name_of_origin(message.origin)


def _rule_of(message: Message) -> str:
    """The name of the rule that sent it; nothing when a person wrote it, or when that is not kept any more."""
    if message.origin != Origin.RULE:
        return ""
    told = Telling.objects.filter(uuid=message.uuid, run__subscriber=message.subscriber_id)
    return told.values_list("run__rule__name", flat=True).first() or ""


def stations_of(message: Message) -> list[tuple[str, datetime]]:
    """Every step that a message has taken, and when, in their order."""
    if message.is_inbound:
        return [(_("Received"), message.created_at)]
    steps = [
        (_("Queued"), message.created_at),
        (_("Handed to the provider"), message.attempted_at),
        (_("Sent"), message.sent_at),
        (_("Delivered"), message.delivered_at),
        (_("Failed"), message.failed_at),
    ]
    return sorted([(name, at) for name, at in steps if at], key=lambda step: step[1])


@require_safe
@never_cache
@for_people_with_sms
def changes(request: HttpRequest) -> HttpResponse:
    """What happened after event `since` to the rows of a filter, for a page that shows them."""
    since = number_in(request.GET.get("since"))
    try:
        wanted = HistoryFilter.read(request.GET)
    except FilterNotValid:
        return HttpResponseBadRequest()
    if since is None:
        return HttpResponseBadRequest()
    news = news_since(user=request.user, since=since, wanted=wanted)
    return render(request, "chatui/live/history.html", {"news": news, "wanted": wanted, "words": words_of_search(wanted.text)})
