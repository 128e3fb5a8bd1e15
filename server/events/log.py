"""Writing the event log and reading it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from server import rows
from server.accounts.models import Subscriber
from server.events import doorbell
from server.events.models import Event, Kind
from server.reading import Reading

KEPT_FOR = timedelta(days=7)
REPLAY_LIMIT = 1000
LARGEST = 2**63 - 1
# Asked at each doorbell.
_AFTER = Reading(
    lambda subscriber, number: (
        Event.objects.filter(subscriber=subscriber).filter(number__gt=number).order_by("number")[: REPLAY_LIMIT + 1]
    )
)


@transaction.atomic(savepoint=False)
def record(
    *,
    subscriber_id: int,
    kind: Kind,
    at: datetime,
    line_id: int | None = None,
    conversation_id: int | None = None,
    message_id: int | None = None,
    user_id: int | None = None,
) -> int:
    """Take the subscriber's next event number, write the event, and ring the doorbell on commit.

    Call it last in the transaction and keep what follows short: the number is taken by locking the
    subscriber's row, which is what makes the numbers gapless and in commit order (a database
    sequence is neither: a reader may see 11 before 10 is committed, and skip 10 for ever).
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_subscriber SET last_event = last_event + 1 WHERE id = %s RETURNING last_event", [subscriber_id]
        )
        (number,) = cursor.fetchone()
    event = Event(
        subscriber_id=subscriber_id,
        number=number,
        kind=kind,
        line_id=line_id,
        conversation_id=conversation_id,
        message_id=message_id,
        user_id=user_id,
        at=at,
    )
    rows.insert(event)
    # robust: Redis being away must not turn a stored webhook into a 500.
    transaction.on_commit(lambda: doorbell.ring(subscriber_id, number), robust=True)
    return int(number)


@dataclass(frozen=True, slots=True)
class Missed:
    """The events after a number, up to `last`; `must_reload` when the log can't tell them all."""

    events: list[Event]
    last: int
    must_reload: bool


def missed_since(*, subscriber_id: int, since: int) -> Missed:
    """What happened after event number `since`: at most 1,000 events, else the answer is "reload"."""
    # A browser may say any number; the database takes those of 64 bits.
    after = max(-1, min(since, LARGEST))
    events = _AFTER(subscriber_id, after)
    if not events:
        last = _last_number(subscriber_id)
        # A number from the future comes from another database (a restored backup): start afresh.
        if last <= since:
            return Missed(events=[], last=last, must_reload=since != last)
        # Written between the two looks, or so long ago that they are dropped.
        events = _AFTER(subscriber_id, after)
    if not events or len(events) > REPLAY_LIMIT:
        return Missed(events=[], last=_last_number(subscriber_id), must_reload=True)
    has_no_gap = events[-1].number == since + len(events)
    return Missed(events=events if has_no_gap else [], last=events[-1].number, must_reload=not has_no_gap)


def _last_number(subscriber_id: int) -> int:
    return Subscriber.objects.values_list("last_event", flat=True).get(pk=subscriber_id)


def drop_old_events(*, now: datetime) -> int:
    """Delete events older than a week; whoever was away longer loads the page anew."""
    deleted, _ = Event.objects.filter(at__lt=now - KEPT_FOR).delete()
    return deleted
