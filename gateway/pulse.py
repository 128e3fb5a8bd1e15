"""The dispatchers' sign of life, for /health/ and for people who ask why nothing goes out."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.models import Pulse

DISPATCHER = "dispatcher"
BEATS_EVERY = timedelta(seconds=5)
# Several beats may be late on a busy machine.
GIVEN_UP_AFTER = timedelta(seconds=30)


def beat(now: datetime) -> None:
    """Leave a sign of life of a dispatcher."""
    if not Pulse.objects.filter(name=DISPATCHER).update(at=now):
        Pulse.objects.bulk_create([Pulse(name=DISPATCHER, at=now)], ignore_conflicts=True)


def dispatcher_is_alive(now: datetime) -> bool:
    """Whether any dispatcher has shown itself within the last half minute."""
    return Pulse.objects.filter(name=DISPATCHER, at__gt=now - GIVEN_UP_AFTER).exists()
