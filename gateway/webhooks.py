"""What providers post: find the line by the key in the path, verify, keep it raw, store it; one transaction.

The line is found by the random key in the address only; what the body says must then match it.
Plain `def` views: an async one would be cancelled half-way when the caller hangs up.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from gateway.addresses import seen_address
from gateway.forms import form_of, raw_of
from gateway.models import WebhookReceipt
from gateway.providers import PROVIDERS
from gateway.refusals import keep_refusal
from gateway.vocabulary import WebhookRefused, WordUnknown
from server import rows
from server.lines.by_key import line_with_key
from server.messaging.delivery import apply_delivery_report
from server.messaging.inbound import receive_sms

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from django.http import HttpRequest

    from gateway.providers.base import Provider
    from server.lines.models import Line

logger = logging.getLogger(__name__)


@csrf_exempt
@require_POST
def messages(request: HttpRequest, provider: str, key: UUID) -> HttpResponse:
    """A customer's SMS."""
    try:
        line, its = honest(request, provider, key)
        sms = understood(its.parse_message, request, line)
    except WebhookRefused as refusal:
        return refuse(request, refusal, provider, key, "message")
    now = timezone.now()
    with transaction.atomic():
        received = receive_sms(
            line=line,
            provider_account=its.account_of(line),
            provider_message_id=sms.provider_message_id,
            sender=sms.sender,
            body=sms.body,
            media=sms.media,
            at=sms.sent_at,
            now=now,
        )
        outcome = "stored" if received.is_new else "known already"
        keep(line, "message", outcome, {} if received.message.redacted_at else sms.raw, now, sms.provider_message_id)
    return its.answer()


@csrf_exempt
@require_POST
def status(request: HttpRequest, provider: str, key: UUID, uuid: UUID) -> HttpResponse:
    """A delivery report of the message with our `uuid`."""
    try:
        line, its = honest(request, provider, key)
        report = understood(its.parse_report, request, line)
    except WebhookRefused as refusal:
        return refuse(request, refusal, provider, key, "status")
    except WordUnknown as word:
        logger.warning("%s said %.24r of message %s: no word of ours", provider, str(word), uuid)
        return _keep_unknown(request, line, its)
    now = timezone.now()
    with transaction.atomic():
        message = apply_delivery_report(line=line, uuid=uuid, report=report, now=now)
        # A report of a message we do not have is kept and answered kindly: a provider would only repeat it.
        outcome = "applied" if message else "unknown message"
        # Of a person who was erased, nothing that tells who it was.
        raw = {} if message and message.redacted_at else report.raw
        keep(line, "status", outcome, raw, now, report.provider_message_id)
    return its.answer()


def honest(request: HttpRequest, provider: str, key: UUID) -> tuple[Line, Provider]:
    """The line, and its provider, once the request has proved to be theirs."""
    if _size_of(request) > settings.WEBHOOK_MAX_BYTES:
        raise WebhookRefused("too large", 413)
    its = PROVIDERS.get(provider)
    line = line_with_key(provider=provider, key=key) if its else None
    if its is None or line is None:
        raise WebhookRefused("no such line", 404)
    its.verify(request, line)
    return line, its


def _size_of(request: HttpRequest) -> int:
    """The announced size, before anything is read; without an announcement, what was read."""
    announced = request.META.get("CONTENT_LENGTH") or ""
    return int(announced) if announced.isdecimal() else len(request.body)


def refuse(request: HttpRequest, refusal: WebhookRefused, provider: str, key: UUID, kind: str) -> HttpResponse:
    logger.info("webhook refused: %s %s: %s", provider, kind, refusal.outcome)
    if refusal.status in {400, 403}:
        seen = seen_address(request)
        keep_refusal(refusal, provider=provider, key=key, kind=kind, seen=seen, now=timezone.now())
    return HttpResponse(f"{refusal.outcome}\n", status=refusal.status, content_type="text/plain; charset=utf-8")


def understood[T](parse: Callable[[HttpRequest, Line], T], request: HttpRequest, line: Line) -> T:
    """What an honest webhook says; one that can't be read is refused, but was signed."""
    try:
        return parse(request, line)
    except WebhookRefused as refusal:
        refusal.is_proved = True
        raise


def _keep_unknown(request: HttpRequest, line: Line, its: Provider) -> HttpResponse:
    keep(line, "status", "unknown word", raw_of(form_of(request)), timezone.now())
    return its.answer()


def keep(line: Line, kind: str, outcome: str, raw: dict[str, Any], now: datetime, message_id: str = "") -> None:
    receipt = WebhookReceipt(
        provider=line.provider,
        line_id=line.pk,
        kind=kind,
        provider_message_id=message_id,
        raw=raw,
        signature_ok=True,
        outcome=outcome,
        received_at=now,
    )
    rows.insert(receipt)
