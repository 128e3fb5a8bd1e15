"""Whether a company's colleagues may take messages away as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from server.accounts.models import Role, Subscriber, record_audit
from server.events.log import record
from server.events.models import Kind

if TYPE_CHECKING:
    from datetime import datetime

    from server.accounts.models import User


class NotYoursToDecide(Exception):
    """Only the company's administrators decide it."""


@transaction.atomic
def let_colleagues_export(*, subscriber: Subscriber, is_allowed: bool, by: User, now: datetime) -> bool:
    """Allow it, or no longer; whether that changed anything. Raises NotYoursToDecide."""
    if by.role != Role.ADMINISTRATOR or by.subscriber_id != subscriber.pk:
        raise NotYoursToDecide
    others = Subscriber.objects.filter(pk=subscriber.pk).exclude(colleagues_may_export=is_allowed)
    if not others.update(colleagues_may_export=is_allowed):
        return False
    subscriber.colleagues_may_export = is_allowed
    record_audit(
        action="exports.allowed" if is_allowed else "exports.forbidden",
        at=now,
        actor=by,
        subscriber=subscriber,
        target=subscriber.slug,
    )
    # Open pages gain or lose their buttons.
    record(subscriber_id=subscriber.pk, kind=Kind.ACCESS_CHANGED, at=now)
    return True
