"""How long a company keeps its messages: what would go, and the decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, OuterRef

from server.accounts.models import Subscriber, record_audit
from server.contacts.models import Contact
from server.messaging.models import Conversation, Message
from server.privacy.holds import require_administrator
from server.privacy.models import LegalHold

if TYPE_CHECKING:
    from datetime import date

    from django.db.models import QuerySet

    from server.accounts.models import User

SHORTEST, LONGEST = 30, 3650
# More is counted no further: whoever gets more says "100,000+".
COUNTED_UP_TO = 100_000


class DaysNotValid(ValueError):
    """Between thirty days and ten years, or for ever."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What would go tonight: counted up to COUNTED_UP_TO; `is_stopped` while the whole company is on legal hold."""

    days: int
    before: date
    messages: int
    conversations: int
    people_on_hold: int
    is_stopped: bool


def set_retention(*, subscriber: Subscriber, days: int | None, by: User, now: datetime) -> bool:
    """Keep messages for so many days, or for ever (None); whether that changed anything. Raises NotYours and DaysNotValid."""
    require_administrator(by, subscriber)
    _check(days)
    with transaction.atomic():
        locked = Subscriber.objects.select_for_update(no_key=True).get(pk=subscriber.pk)
        if locked.keeps_messages_days == days:
            return False
        Subscriber.objects.filter(pk=subscriber.pk).update(keeps_messages_days=days)
        record_audit(
            action="retention.changed",
            at=now,
            actor=by,
            subscriber=subscriber,
            target=subscriber.slug,
            days=days,
            before=locked.keeps_messages_days,
        )
    subscriber.keeps_messages_days = days
    return True


def preview(*, subscriber: Subscriber, days: int, now: datetime) -> Preview:
    """What a period would take away. Raises DaysNotValid."""
    _check(days)
    before = beginning_of_kept(subscriber, days=days, now=now)
    old = Message.objects.filter(subscriber=subscriber, deleted_at=None, created_at__lt=before)
    held = conversations_on_hold(subscriber)
    kept = old.filter(conversation__in=held)[:COUNTED_UP_TO].count() if held.exists() else 0
    threads = Conversation.objects.filter(subscriber=subscriber).exclude(pk__in=held)
    theirs = Message.objects.filter(conversation=OuterRef("pk"), created_at__lt=before)
    return Preview(
        days=days,
        before=before.astimezone(ZoneInfo(subscriber.timezone)).date(),
        messages=max(0, old[: COUNTED_UP_TO + kept + 1].count() - kept),
        conversations=threads.filter(Exists(theirs))[: COUNTED_UP_TO + 1].count(),
        people_on_hold=LegalHold.objects.in_force().filter(subscriber=subscriber, contact__isnull=False).count(),
        is_stopped=is_stopped(subscriber),
    )


def beginning_of_kept(subscriber: Subscriber, *, days: int, now: datetime) -> datetime:
    """What is older goes: a midnight of the company's zone."""
    zone = ZoneInfo(subscriber.timezone)
    day = now.astimezone(zone).date() - timedelta(days=days)
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def is_stopped(subscriber: Subscriber) -> bool:
    """Whether the whole company is on legal hold."""
    return LegalHold.objects.in_force().filter(subscriber=subscriber, contact=None).exists()


def conversations_on_hold(subscriber: Subscriber) -> QuerySet[Conversation]:
    """Those of every number of the entries that must be kept."""
    held = LegalHold.objects.in_force().filter(subscriber=subscriber, contact__isnull=False)
    mains = Contact.objects.filter(pk__in=held.values("contact")).values_list("pk", "main")
    ids = {main or pk for pk, main in mains}
    numbers = Contact.objects.filter(pk__in=ids) | Contact.objects.filter(main__in=ids)
    return Conversation.objects.filter(subscriber=subscriber, contact__in=numbers.values("pk"))


def _check(days: int | None) -> None:
    if days is not None and not SHORTEST <= days <= LONGEST:
        raise DaysNotValid(days)
