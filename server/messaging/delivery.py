"""Delivery reports: what the provider says became of a message, in whatever order and however often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q

from server import sms
from server.events.models import Kind
from server.messaging import automatic
from server.messaging.models import RANK, WENT_WRONG, DeliveryReport, Direction, Message, Origin, Status
from server.messaging.outbound import announce
from server.messaging.sending import outranks
from server.messaging.standing import record_opt_out, refresh_standing

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from server.lines.models import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A provider's word on a message, already in ours. `reason` only when it went wrong."""

    status: Status
    provider_status: str
    provider_message_id: str = ""
    provider_account: str = ""
    provider_code: str = ""
    reason: str = ""
    raw: dict[str, Any]


@transaction.atomic
def apply_delivery_report(*, line: Line, uuid: UUID, report: Report, now: datetime) -> Message | None:
    """Keep a report and move its message forward by rank; None when the line has no such message.

    Found by our own uuid, so it may arrive before the dispatcher has written the provider's id.
    Reports may come twice, late, and in any order: delivered stays delivered.
    """
    message = (
        Message.objects.select_for_update(of=("self",), no_key=True)
        .select_related("conversation__contact", "conversation__line")
        .filter(uuid=uuid, conversation__line=line, direction=Direction.OUT)
        .first()
    )
    if message is None:
        return None
    is_stale = _is_of_an_earlier_attempt(message, report)
    _keep(message, report, now)
    status = _meant_by(report)
    if not is_stale and outranks(status, message.status):
        _move(message, status, report, now)
    return message


def _meant_by(report: Report) -> Status:
    """A provider that speaks of a message has it: its "queued" and "sending" are our sent."""
    return report.status if RANK.get(report.status, 0) > RANK[Status.SENT] else Status.SENT


def _is_of_an_earlier_attempt(message: Message, report: Report) -> bool:
    """A retried bubble has a new provider id: late words about the old one are kept but change nothing."""
    if not report.provider_message_id or message.attempts == 0:
        return False
    if message.provider_message_id:
        return message.provider_message_id != report.provider_message_id
    begun = message.attempted_at if message.status != Status.QUEUED else None
    told_before = Q(received_at__lt=begun) if begun else Q()
    return message.reports.filter(told_before, provider_message_id=report.provider_message_id).exists()


def _keep(message: Message, report: Report, now: datetime) -> None:
    told = DeliveryReport(
        message=message,
        status=report.status,
        provider_message_id=report.provider_message_id,
        provider_status=report.provider_status[:24],
        provider_code=report.provider_code[:16],
        # Of a person who was erased, nothing that tells who it was.
        raw={} if message.redacted_at else _storable(report.raw),
        received_at=now,
    )
    DeliveryReport.objects.bulk_create([told], ignore_conflicts=True)


def _storable(raw: dict[str, Any]) -> dict[str, Any]:
    return {sms.storable(key): sms.storable(value) if isinstance(value, str) else value for key, value in raw.items()}


def _move(message: Message, status: Status, report: Report, now: datetime) -> None:
    is_or_was_wrong = message.went_wrong or status in WENT_WRONG
    message.status = status
    message.lease_until, message.lease_by = None, ""
    if report.provider_message_id and not message.provider_message_id:
        message.provider_message_id, message.provider_account = report.provider_message_id, report.provider_account
    if status != Status.FAILED:
        message.sent_at = message.sent_at or now
    if status == Status.DELIVERED:
        message.delivered_at, message.reason, message.provider_code, message.failed_at = now, "", "", None
        # Somebody took the failed bubble away, but the customer has the text after all.
        message.deleted_at = None
    elif status in WENT_WRONG:
        message.failed_at, message.reason, message.provider_code = now, report.reason, report.provider_code[:16]
    message.save()
    if is_or_was_wrong:
        refresh_standing(message.conversation_id)
    if report.reason == "opted_out":
        record_opt_out(message, at=now)
    if is_or_was_wrong and message.origin == Origin.RULE:
        automatic.turned(message, now)
    announce(message, kind=Kind.MESSAGE_CHANGED, now=now)
