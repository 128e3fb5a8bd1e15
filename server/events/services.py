"""Switching a company's services on and off, at once on every open screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from server.accounts.models import Service, ServiceRequest
from server.accounts.provisioning import switch_services
from server.accounts.requests import close_request
from server.events.log import record
from server.events.models import Kind

if TYPE_CHECKING:
    from datetime import datetime

    from server.accounts.models import Subscriber, User


@transaction.atomic
def set_services(
    *, subscriber: Subscriber, sms: bool | None, chat: bool | None, because: str, by: User | None, now: datetime
) -> list[str]:
    """Switch services on or off (None: as it is) and say so to every open screen of the company; returns what changed.

    What somebody has asked for is answered by it. Raises ChatNeedsSms.
    """
    changed = switch_services(subscriber=subscriber, sms=sms, chat=chat, because=because, now=now, actor=by)
    if changed:
        _answer_requests(subscriber, because=because, by=by, now=now)
        record(subscriber_id=subscriber.pk, kind=Kind.ACCESS_CHANGED, at=now)
    return changed


@transaction.atomic
def settle_request(*, request: ServiceRequest, because: str, by: User, now: datetime) -> list[str]:
    """Switch on what was asked for; returns what changed. Raises RequestClosed and ChatNeedsSms."""
    close_request(request=request, is_granted=True, answer=because, by=by, now=now)
    wishes = {"sms": True if request.service == Service.SMS else None, "chat": True if request.service == Service.CHAT else None}
    return set_services(subscriber=request.subscriber, **wishes, because=because, by=by, now=now)


def _answer_requests(subscriber: Subscriber, *, because: str, by: User | None, now: datetime) -> None:
    """The open requests for what is on now: nobody needs to look at them any more."""
    on = [service for service, is_on in ((Service.SMS, subscriber.has_sms), (Service.CHAT, subscriber.has_chat)) if is_on]
    for request in ServiceRequest.objects.filter(subscriber=subscriber, service__in=on, settled_at=None):
        close_request(request=request, is_granted=True, answer=because, by=by, now=now)
