"""Notices in a person's browser: those that wait to be seen, and those that were, in whichever of their tabs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from server.calls.definition import Channel
from server.calls.models import Telling, TellingState
from server.events.log import record
from server.events.models import Kind

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet

    from server.accounts.models import User

# What is older stands in the list of calls, and is no news.
NEWS_FOR = timedelta(days=1)


def notices_of(user: User) -> QuerySet[Telling]:
    """All that a person was told in the browser; whom a rule names hears of calls on whichever line, as by e-mail."""
    return Telling.objects.filter(
        user=user.pk, channel=Channel.BROWSER, state=TellingState.TOLD, run__subscriber=user.subscriber_id
    )


def unseen_by(user: User, *, now: datetime, most: int) -> list[Telling]:
    """What waits to be seen, newest first; news that came while no page was open is among it."""
    return list(_with_call(notices_of(user).filter(seen_at=None, told_at__gte=now - NEWS_FOR)).order_by("-pk")[:most])


def told(ids: Collection[int]) -> list[Telling]:
    """Notices as they stand, for drawing them."""
    ours = Telling.objects.filter(pk__in=ids, channel=Channel.BROWSER, state=TellingState.TOLD, user__isnull=False)
    return list(_with_call(ours).select_related("user").order_by("pk"))


@transaction.atomic
def mark_seen(*, user: User, uuid: UUID, now: datetime) -> bool:
    """The person has read a notice, or put it away: it goes from all their screens; False when it is no notice of theirs."""
    notice = _with_call(notices_of(user)).filter(uuid=uuid).first()
    if notice is None:
        return False
    if Telling.objects.filter(pk=notice.pk, seen_at=None).update(seen_at=now):
        _announce(notice, user, now)
    return True


@transaction.atomic
def mark_all_seen(*, user: User, now: datetime) -> list[Telling]:
    """All at once; returns what was put away."""
    unseen = list(_with_call(notices_of(user).filter(seen_at=None)).order_by("pk"))
    Telling.objects.filter(pk__in=[notice.pk for notice in unseen]).update(seen_at=now)
    for notice in unseen:
        _announce(notice, user, now)
    return unseen


def _announce(notice: Telling, user: User, now: datetime) -> None:
    record(
        subscriber_id=notice.run.subscriber_id,
        kind=Kind.TOLD,
        at=now,
        line_id=notice.run.event.call.line_id,
        message_id=notice.pk,
        user_id=user.pk,
    )


def _with_call(tellings: QuerySet[Telling]) -> QuerySet[Telling]:
    return tellings.select_related("run__event__call__subscriber__activation")
