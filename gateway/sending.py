"""One claimed message: hand it to its provider and record what came of it."""

from __future__ import annotations

import logging
import random
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from gateway.addresses import status_address
from gateway.providers import PROVIDERS
from gateway.tasks import tell_of_held_line
from gateway.vocabulary import Accepted, AccountRefused, NotTaken, OutboundSms, OutcomeUnknown, Refused, SendError
from server.lines.encryption import Unreadable
from server.messaging import outbox_bell
from server.messaging.sending import (
    announce_line,
    claim_next,
    give_back,
    hold_line,
    hold_messages,
    mark_failed,
    mark_sent,
    mark_unconfirmed,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from server.lines.models import Line
    from server.messaging.models import Message

logger = logging.getLogger(__name__)

# A claim that lay about for longer than this (a sleeping laptop, a stopped process) is given back unsent:
# its lease may soon be somebody else's.
FRESH_FOR = 5.0
LONGEST_PAUSE = 60.0
# Shorter than what is left of the lease after the longest send.
RECORDING_TRIES = (0.2, 0.5, 1, 2, 4, 8, 15)


def send_due(*, by: str = "here", limit: int = 1000) -> int:
    """Send everything that may go out now, on this thread; returns how many messages were tried."""
    for sent in range(limit):
        message = claim_next(by=by, now=timezone.now())
        if message is None:
            return sent
        send_claimed(message, claimed_at=time.monotonic())
    return limit


def send_claimed(message: Message, *, claimed_at: float) -> None:
    """Hand a claimed message to its provider and record the outcome; `claimed_at` is monotonic."""
    if time.monotonic() - claimed_at > FRESH_FOR:
        logger.warning("message %s: the claim had gone stale, given back", message.uuid)
        _record(lambda: give_back(message=message, until=timezone.now(), now=timezone.now()))
        return
    outcome = _hand_over(message)
    logger.info("message %s: %s", message.uuid, outcome if isinstance(outcome, SendError) else "accepted")
    _record(lambda: _record_outcome(message, outcome, timezone.now()))


def _hand_over(message: Message) -> Accepted | SendError:
    line = message.conversation.line
    provider = PROVIDERS.get(line.provider)
    if provider is None:
        return AccountRefused(f"no provider {line.provider}")
    if isinstance(line.auth_token, Unreadable):
        return AccountRefused("its auth token can't be read: it was encrypted with another SECRET_KEY")
    try:
        return provider.send(line, _outbound(message, line))
    except SendError as error:
        return error
    except Exception:
        # A mistake in a provider's file: nobody knows how far it got.
        logger.exception("message %s: the provider's own file failed", message.uuid)
        return OutcomeUnknown("unexpected exception")


def _outbound(message: Message, line: Line) -> OutboundSms:
    return OutboundSms(
        uuid=message.uuid,
        sender=line.number,
        recipient=message.conversation.contact.number,
        body=message.body,
        callback_url=status_address(line, message.uuid),
    )


def _record_outcome(message: Message, outcome: Accepted | SendError, now: datetime) -> None:
    match outcome:
        case Accepted():
            account = PROVIDERS[message.conversation.line.provider].account_of(message.conversation.line)
            mark_sent(
                message=message,
                provider_account=account,
                provider_message_id=outcome.provider_message_id,
                segments=outcome.segments,
                now=now,
            )
        case NotTaken():
            give_back(message=message, until=now + _pause(message.attempts, outcome.retry_after), now=now)
        case Refused():
            mark_failed(message=message, reason=outcome.reason, provider_code=outcome.provider_code, now=now)
        case AccountRefused():
            _hold(message, str(outcome), now)
        case _:
            mark_unconfirmed(message=message, now=now)


@transaction.atomic
def _hold(message: Message, reason: str, now: datetime) -> None:
    line = message.conversation.line
    is_new = hold_line(line=line, reason=reason[:200], now=now)
    if is_new:
        logger.error("line %s: the provider refuses our account (%s); its messages wait", line.key, reason)
        tell_of_held_line.enqueue(line.pk)
    hold_messages(message=message, now=now)
    if is_new:
        announce_line(line, now=now)


def _pause(attempts: int, asked_for: float | None) -> timedelta:
    """1, 2, 4 … 60 s, a little more or less so that many do not come back at once; never less than we were asked for."""
    growing = min(LONGEST_PAUSE, 2.0 ** (min(attempts, 10) - 1))
    jittered = growing * random.uniform(0.75, 1.25)  # noqa: S311 - not a secret
    return timedelta(seconds=max(jittered, asked_for or 0))


def _record(write: Callable[[], object]) -> None:
    """Write the outcome down, also when the database is away for a moment: the provider will not say it again."""
    for pause in RECORDING_TRIES:
        try:
            write()
        except (OperationalError, InterfaceError) as problem:
            if connection.in_atomic_block:
                raise
            logger.warning("the outcome can't be recorded yet: %s", type(problem).__name__)
            connection.close()
            time.sleep(pause)
        else:
            # The next one of the conversation may go now.
            outbox_bell.ring()
            return
    # The lease runs out, the message becomes unconfirmed, and is looked up at the provider.
    logger.error("an outcome could not be recorded; the message will be looked up at the provider")
