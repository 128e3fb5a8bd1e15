"""Who may take messages away as a file: of which lines, and whether a company's colleagues may at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from server.accounts.models import Role, Subscriber, record_audit
from server.events.log import record
from server.events.models import Kind
from server.lines.models import Line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from server.accounts.models import User


class NotYoursToDecide(Exception):
    """Only the company's administrators decide it."""


def may_export(user: User) -> bool:
    return user.is_active and user.may_export and user.subscriber is not None and user.subscriber.has_sms


def may_take(user: User, line_ids: Iterable[int]) -> bool:
    """Whether the person may take messages away, and sees all of these lines."""
    return may_export(user) and set(line_ids) <= set(line_ids_of(user))


def line_ids_of(user: User) -> list[int]:
    return list(Line.objects.visible_to(user).order_by("pk").values_list("pk", flat=True))


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
