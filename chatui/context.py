"""What every page's frame needs, read only when a page has that frame."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from chatui.admission import services_of
from chatui.downloads import unfinished_cards_of
from chatui.told import waiting_for
from server.accounts.models import Subscriber
from server.calls.models import CallLogic
from server.messaging.conversations import unread_by

if TYPE_CHECKING:
    from django.http import HttpRequest


def shell(request: HttpRequest) -> dict:
    """The demo's hint; where the page stands in the event log; what this person has not read yet; the files on their way.

    A page that shows rows reads its position itself, before the rows, and so overrides this one.
    """
    return {
        "is_demo": settings.DEMO,
        "services": cache(lambda: _services(request)),
        # Templates call what can be called.
        "position": cache(lambda: _position(request)),
        "unread_ids": cache(lambda: _unread(request)),
        "unfinished_exports": cache(lambda: unfinished_cards_of(request.user, now=timezone.now())),
        "stopped": cache(lambda: _stopped(request)),
        "told_notices": cache(lambda: waiting_for(request.user)),
    }


def _services(request: HttpRequest) -> str:
    """What the page is drawn with; the operator's own pages have nothing that could be told them."""
    return services_of(request.user.subscriber) if request.user.subscriber_id else ""


def _position(request: HttpRequest) -> int:
    return Subscriber.objects.values_list("last_event", flat=True).filter(pk=request.user.subscriber_id).first() or 0


def _stopped(request: HttpRequest) -> CallLogic | None:
    """Since when, and by whom, the company sends nothing by itself."""
    stopped = CallLogic.objects.filter(subscriber=request.user.subscriber_id, stopped_at__isnull=False)
    return stopped.select_related("stopped_by").first() if request.user.subscriber_id else None


def _unread(request: HttpRequest) -> list[int]:
    subscriber = request.user.subscriber
    return unread_by(request.user) if subscriber and subscriber.has_chat else []
