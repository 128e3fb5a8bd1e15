"""Asking the provider what we do not know: was it taken, and did we miss something?"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q

from gateway.models import InboundLook
from gateway.providers import PROVIDERS
from gateway.vocabulary import LookFailed, NoList
from server.lines.models import Line
from server.messaging import outbox_bell
from server.messaging.delivery import Report, apply_delivery_report
from server.messaging.inbound import receive_sms
from server.messaging.models import FINAL, Message, Origin, Status
from server.messaging.reasons import Reason
from server.messaging.sending import LOOKS_THAT_PROVE, mark_failed, mark_sent, note_absence, requeue_absent

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.providers.base import Provider
    from gateway.vocabulary import InboundSms, ListedSms

logger = logging.getLogger(__name__)

FIRST_LOOK = timedelta(seconds=60)
SECOND_LOOK = timedelta(minutes=5)
# Lists lag behind: two looks that both find nothing must lie minutes apart.
BETWEEN_LOOKS = timedelta(minutes=4)
# Their clock and ours.
CLOCK_SKEW = timedelta(seconds=60)
LOOKED_UP_AT_ONCE = 50

# A webhook that is just now on its way is not missing.
STILL_COMING = timedelta(minutes=2)
OVERLAP = timedelta(hours=1)
FIRST_FETCH = timedelta(hours=24)


# --- Unconfirmed: was it taken? ---------------------------------------------------------------


def look_up_unconfirmed(now: datetime) -> int:
    """Look for messages of unknown outcome in their provider's list; returns how many were settled.

    Found → sent. Absent in two looks, minutes apart → queued once more, and the next time
    failed. Several that could be it → failed: a person must judge. A provider without a list: as it is.
    """
    return sum(_look_up(message, now) for message in _due_for_a_look(now)[:LOOKED_UP_AT_ONCE])


def _due_for_a_look(now: datetime):  # type: ignore[no-untyped-def]
    never_looked = Q(absences__in=[0, LOOKS_THAT_PROVE])
    again = Q(attempted_at__lte=now - SECOND_LOOK, next_attempt_at__lte=now - BETWEEN_LOOKS)
    return (
        Message.objects.filter(status=Status.UNCONFIRMED, attempted_at__lte=now - FIRST_LOOK)
        .filter(never_looked | again)
        .select_related("conversation__line__subscriber", "conversation__contact")
        .order_by("id")
    )


def _look_up(message: Message, now: datetime) -> bool:
    line = message.conversation.line
    provider = PROVIDERS.get(line.provider)
    if provider is None or message.attempted_at is None:
        return False
    recipient = message.conversation.contact.number
    try:
        listed = provider.sent_since(line, recipient, message.attempted_at - CLOCK_SKEW)
    except NoList:
        return False
    except LookFailed as problem:
        logger.warning("message %s can't be looked up now: %s", message.uuid, problem)
        return False
    return _settle(message, line, provider.account_of(line), _candidates(message, listed, provider.account_of(line)), now)


def _candidates(message: Message, listed: list[ListedSms], account: str) -> list[ListedSms]:
    """Those in the list that could be this message and are no other message of ours."""
    recipient = message.conversation.contact.number
    same = [sms for sms in listed if sms.recipient == recipient and sms.body.strip() == message.body.strip()]
    ids = [sms.provider_message_id for sms in same]
    ours = set(
        Message.objects.filter(provider_account=account, provider_message_id__in=ids).values_list("provider_message_id", flat=True)
    )
    return [sms for sms in same if sms.provider_message_id not in ours]


def _settle(message: Message, line: Line, account: str, found: list[ListedSms], now: datetime) -> bool:
    if len(found) == 1:
        logger.info("message %s: found at the provider", message.uuid)
        mark_sent(message=message, provider_account=account, provider_message_id=found[0].provider_message_id, now=now)
        _catch_up(message, line, account, found[0], now)
        outbox_bell.ring()
        return True
    if found:
        logger.warning("message %s: %s at the provider could be it", message.uuid, len(found))
        return mark_failed(message=message, reason=Reason.AMBIGUOUS, now=now)
    return _note_absent(message, now)


def _catch_up(message: Message, line: Line, account: str, found: ListedSms, now: datetime) -> None:
    """The list tells the outcome as well; the report of it may never have reached us."""
    if found.status in FINAL:
        report = Report(
            status=found.status,
            provider_status=found.provider_status,
            provider_message_id=found.provider_message_id,
            provider_account=account,
            provider_code=found.provider_code,
            reason=found.reason,
            raw={"listed": True},
        )
        apply_delivery_report(line=line, uuid=message.uuid, report=report, now=now)


def _note_absent(message: Message, now: datetime) -> bool:
    if message.absences % LOOKS_THAT_PROVE == 0:
        note_absence(message=message, now=now)
        return False
    # Not counted by attempts: a message that was asked to wait (429) was not taken, but nobody had to prove it.
    if message.absences > LOOKS_THAT_PROVE:
        logger.warning("message %s: absent at the provider again, given up", message.uuid)
        return mark_failed(message=message, reason=Reason.ABSENT, now=now)
    logger.info("message %s: proved absent at the provider, queued once more", message.uuid)
    outbox_bell.ring()
    return requeue_absent(message=message, now=now)


# --- Inbound messages that no webhook brought --------------------------------------------------


def fetch_missed_inbound(now: datetime) -> int:
    """Store the inbound messages in the providers' lists that no webhook brought; returns how many there were.

    Twilio, by default, repeats only what could not connect: an answer of 500 is not repeated. Each line is
    asked from where its list was last read: one that could not be (the provider was away, it refused our
    credentials) may have missed much more than an hour.
    """
    lines = Line.objects.filter(is_active=True, held_since=None).select_related("subscriber")
    looked_at = dict(InboundLook.objects.values_list("line", "looked_at"))
    return sum(_fetch_missed(line, looked_at.get(line.pk), now) for line in lines)


def _fetch_missed(line: Line, looked_at: datetime | None, now: datetime) -> int:
    provider = PROVIDERS.get(line.provider)
    if provider is None:
        return 0
    since = min(looked_at, now) - OVERLAP if looked_at else now - FIRST_FETCH
    try:
        listed = provider.received_since(line, since)
    except NoList:
        return 0
    except LookFailed as problem:
        logger.warning("line %s: its inbound messages can't be listed now: %s", line.key, problem)
        return 0
    recovered = sum(_recover(line, provider, sms, now) for sms in _oldest_first(listed) if _is_overdue(sms, now))
    InboundLook.objects.update_or_create(line=line, defaults={"looked_at": now})
    return recovered


def _recover(line: Line, provider: Provider, sms: InboundSms, now: datetime) -> bool:
    received = receive_sms(
        line=line,
        provider_account=provider.account_of(line),
        provider_message_id=sms.provider_message_id,
        sender=sms.sender,
        body=sms.body,
        media=sms.media,
        origin=Origin.RECOVERED,
        at=sms.sent_at,
        now=now,
    )
    if received.is_new:
        logger.warning("line %s: message %s came by no webhook, recovered", line.key, received.message.uuid)
    return received.is_new


def _is_overdue(sms: InboundSms, now: datetime) -> bool:
    return sms.sent_at is None or sms.sent_at <= now - STILL_COMING


def _oldest_first(listed: list[InboundSms]) -> list[InboundSms]:
    return sorted(listed, key=lambda sms: (sms.sent_at is not None, sms.sent_at))
