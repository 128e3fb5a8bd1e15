"""A company's settings, as its administrators wish them; what its open screens show is loaded anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction

from server.accounts.invitations import plain_name
from server.accounts.models import ClosedDay, Subscriber, record_audit
from server.events.log import record
from server.events.models import Kind

if TYPE_CHECKING:
    from datetime import date, datetime

    from server.accounts.models import User
    from server.accounts.opening_hours import Hours


class DayThere(ValueError):
    """This day is closed already."""


@transaction.atomic
def change_company(
    *, subscriber: Subscriber, name: str, timezone: str, language: str, saves_accents: bool, by: User, now: datetime
) -> list[str]:
    """Bring the company to the wishes, at once on its people's screens; returns the names of what changed."""
    wishes = {"name": plain_name(name), "timezone": timezone, "language": language, "saves_accents": saves_accents}
    changed = _bring(subscriber, wishes, action="company.changed", by=by, now=now)
    if changed:
        record(subscriber_id=subscriber.pk, kind=Kind.ACCESS_CHANGED, at=now)
    return changed


@transaction.atomic
def set_hours(*, subscriber: Subscriber, hours: Hours, is_closed_on_holidays: bool, by: User, now: datetime) -> list[str]:
    """Set the weekly hours, checked already (opening_hours.checked_hours)."""
    wishes = {"opening_hours": hours, "is_closed_on_holidays": is_closed_on_holidays}
    return _bring(subscriber, wishes, action="company.hours", by=by, now=now)


@transaction.atomic
def close_on(*, subscriber: Subscriber, day: date, name: str, by: User, now: datetime) -> ClosedDay:
    """Add a closed day. Raises DayThere."""
    try:
        with transaction.atomic():
            closed = ClosedDay.objects.create(subscriber=subscriber, day=day, name=plain_name(name)[:80])
    except IntegrityError as problem:
        raise DayThere(day) from problem
    _note_day("company.closed_day_added", closed, by=by, now=now)
    return closed


@transaction.atomic
def open_again(*, closed: ClosedDay, by: User, now: datetime) -> None:
    """Take a closed day back."""
    _note_day("company.closed_day_removed", closed, by=by, now=now)
    closed.delete()


def _bring(subscriber: Subscriber, wishes: dict[str, Any], *, action: str, by: User, now: datetime) -> list[str]:
    locked = Subscriber.objects.select_for_update(no_key=True).get(pk=subscriber.pk)
    old = {field: getattr(locked, field) for field, wish in wishes.items() if getattr(locked, field) != wish}
    if not old:
        return []
    for field in old:
        setattr(locked, field, wishes[field])
        setattr(subscriber, field, wishes[field])
    # Only these: its last event number is written by others all the time.
    locked.save(update_fields=list(old))
    changes = {field: {"old": value, "new": wishes[field]} for field, value in old.items()}
    record_audit(action=action, at=now, actor=by, subscriber=locked, target=locked.slug, changed=changes)
    return list(old)


def _note_day(action: str, closed: ClosedDay, *, by: User, now: datetime) -> None:
    record_audit(
        action=action, at=now, actor=by, subscriber=closed.subscriber, target=closed.subscriber.slug, day=closed.day.isoformat()
    )
