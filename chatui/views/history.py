"""Üzenetek: all messages of both directions, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chatui.access import for_people_with_sms
from chatui.cursor import read_cursor, write_cursor
from server.accounts.models import Subscriber
from server.messaging.models import Message

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

PAGE = 50


@require_safe
@for_people_with_sms
def messages(request: HttpRequest) -> HttpResponse:
    before = request.GET.get("before", "")
    found = (
        Message.objects.visible_to(request.user)
        .select_related("conversation__contact", "conversation__line", "author")
        .order_by("-created_at", "-id")
    )
    cursor = read_cursor(before)
    if cursor is not None:
        at, pk = cursor
        # The redundant bound lets the index start at the right place.
        found = found.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=pk), created_at__lte=at)
    page = list(found[: PAGE + 1])
    has_more, page = len(page) > PAGE, page[:PAGE]
    context = {
        "place": "messages",
        "rows": page,
        "before": write_cursor(page[-1].created_at, page[-1].pk) if has_more else "",
        "is_first_page": cursor is None,
    }
    if request.htmx and cursor is not None:
        return render(request, "chatui/_message_rows.html", context)
    context |= {
        "position": Subscriber.objects.values_list("last_event", flat=True).get(pk=request.user.subscriber_id),
    }
    return render(request, "chatui/messages.html", context)
