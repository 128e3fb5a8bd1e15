"""What providers still have to forget: which ones are due, and what they said. Asking them is the gateway's."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F

from server.privacy.models import Erasure, ErasureState, ProviderRedaction

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from server.accounts.models import Subscriber
    from server.lines.models import Line

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)
# Who died while asking has asked for nothing: the same question twice does no harm.
CLAIMED_FOR = timedelta(minutes=5)
ACCOUNT_REFUSED, OTHER_ACCOUNT, NO_PROVIDER, LINE_HELD = "account refused", "other account", "no provider", "line held"


def claim_due(*, now: datetime, most: int) -> list[ProviderRedaction]:
    """Some that are due, claimed by pushing them ahead: of several dispatchers one asks."""
    due = ProviderRedaction.objects.filter(confirmed_at=None, next_attempt_at__lte=now).order_by("next_attempt_at", "pk")
    claimed = []
    for redaction in due.select_related("line__subscriber", "erasure")[:most]:
        ours = ProviderRedaction.objects.filter(pk=redaction.pk, next_attempt_at=redaction.next_attempt_at, confirmed_at=None)
        if ours.update(next_attempt_at=now + CLAIMED_FOR, attempts=F("attempts") + 1):
            redaction.attempts += 1
            claimed.append(redaction)
    return claimed


@transaction.atomic
def confirm(*, redaction: ProviderRedaction, now: datetime) -> None:
    """The provider has forgotten it, or never knew it."""
    ProviderRedaction.objects.filter(pk=redaction.pk, confirmed_at=None).update(confirmed_at=now, problem="")
    confirm_erasure(redaction.erasure, now=now)


@transaction.atomic
def confirm_erasure(erasure: Erasure, *, now: datetime) -> bool:
    """Note that every provider has confirmed, once they have."""
    if ProviderRedaction.objects.filter(erasure=erasure, confirmed_at=None).exists():
        return False
    finished = Erasure.objects.filter(pk=erasure.pk, state=ErasureState.FINISHED, confirmed_at=None)
    return bool(finished.update(confirmed_at=now))


def postpone(*, redaction: ProviderRedaction, problem: str, now: datetime) -> None:
    """It did not work out: again after a pause that grows with each attempt."""
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(redaction.attempts - 1, 20))
    ProviderRedaction.objects.filter(pk=redaction.pk, confirmed_at=None).update(problem=problem[:40], next_attempt_at=now + pause)


def postpone_line(*, line: Line, problem: str, now: datetime) -> int:
    """Nothing of a whole line can be asked now: each further one would be refused as well."""
    theirs = ProviderRedaction.objects.filter(line=line, confirmed_at=None, next_attempt_at__lte=now + CLAIMED_FOR)
    return theirs.update(problem=problem[:40], next_attempt_at=now + timedelta(minutes=15))


def waiting_at_providers(subscriber: Subscriber) -> QuerySet[ProviderRedaction]:
    """What this company's providers have not confirmed yet, that which waits for somebody first."""
    return (
        ProviderRedaction.objects.filter(erasure__subscriber=subscriber, confirmed_at=None)
        .select_related("line", "erasure")
        .order_by("-problem", "next_attempt_at", "pk")
    )
