"""Switching a company's services on and off, at once on every open screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from server.accounts.provisioning import switch_services
from server.events.log import record
from server.events.models import Kind

if TYPE_CHECKING:
    from datetime import datetime

    from server.accounts.models import Subscriber, User


@transaction.atomic
def set_services(
    *, subscriber: Subscriber, sms: bool | None, chat: bool | None, because: str, by: User | None, now: datetime
) -> list[str]:
    """Switch services on or off (None: as it is) and say so to every open screen of the company; returns what changed."""
    changed = switch_services(subscriber=subscriber, sms=sms, chat=chat, because=because, now=now, actor=by)
    if changed:
        record(subscriber_id=subscriber.pk, kind=Kind.ACCESS_CHANGED, at=now)
    return changed
