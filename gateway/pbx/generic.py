"""Any exchange: it posts what happens in its calls, signed, and reaches message nodes (docs/call-logic.md).

The line is found by the random key in the address only. Plain `def` views, as in gateway/webhooks.py.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from gateway.addresses import seen_address
from gateway.models import WebhookReceipt
from gateway.pbx import signing
from gateway.pbx.reading import NotReadable, Problem, events_in, read_event
from gateway.pbx.signing import ExchangeRefused
from gateway.refusals import keep_refusal
from gateway.vocabulary import EXCHANGE
from server import rows
from server.calls.callers import partner_of
from server.calls.recording import record_call_event
from server.lines.by_key import line_of_exchange
from server.sms import storable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from django.http import HttpRequest

    from server.calls.models import Call
    from server.calls.recording import Recorded, Told
    from server.lines.models import Line

logger = logging.getLogger(__name__)

JSON = "application/json"
# {"events": [{"parameters": {…}}]}: whatever lies deeper is no event.
DEEPEST = 5


@csrf_exempt
@require_POST
def calls(request: HttpRequest, key: UUID) -> HttpResponse:
    """What happened in calls of a line: one event, or up to a hundred."""
    now = timezone.now()
    try:
        line = line_for(request, key)
        signing.verify(request, line, now=now)
        events = _events(request)
    except ExchangeRefused as refusal:
        return refuse(request, refusal, key, "call")
    read = [read_event(event, index=index, subscriber_id=line.subscriber_id, now=now) for index, event in enumerate(events)]
    recorded = [_record(line, told, now) for told in read if not isinstance(told, list)]
    problems = [problem for event in read if isinstance(event, list) for problem in event]
    new = sum(one.is_new for one in recorded)
    keep(line, "call", _outcome(new, problems), {"events": events}, [one.call for one in recorded], now)
    answer: dict[str, Any] = {"stored": new, "known": len(recorded) - new}
    if problems:
        answer["refused"] = [problem.as_json() for problem in problems]
    return JsonResponse(answer, status=422 if problems else 200)


def _record(line: Line, told: Told, now: datetime) -> Recorded:
    # Each in a transaction of its own: one that keeps the event number locked must not go on to the next conversation.
    return record_call_event(line=line, told=told, now=now)


def _outcome(new: int, problems: Sequence[Problem]) -> str:
    if problems:
        return "events not readable"
    return "stored" if new else "known already"


def _events(request: HttpRequest) -> list[Any]:
    if request.content_type != JSON:
        raise ExchangeRefused("not JSON", f"Send Content-Type: {JSON}.", 415)
    try:
        return events_in(request.body)
    except NotReadable as problem:
        refusal = ExchangeRefused("events not readable", str(problem), 400)
        refusal.is_proved = True
        raise refusal from problem


def line_for(request: HttpRequest, key: UUID) -> Line:
    """The line of an exchange's address; raises ExchangeRefused."""
    if _size_of(request) > settings.WEBHOOK_MAX_BYTES:
        raise ExchangeRefused("too large", f"At most {settings.WEBHOOK_MAX_BYTES} bytes: send fewer events at once.", 413)
    line = line_of_exchange(key)
    if line is None:
        raise no_such_address()
    return line


def no_such_address() -> ExchangeRefused:
    """One answer for all that is not there: which of the two keys is wrong, nobody needs to know."""
    return ExchangeRefused("no such address", "A key in the address is wrong, or its message node was deleted.", 404)


def _size_of(request: HttpRequest) -> int:
    """The announced size, before anything is read; without an announcement, what was read."""
    announced = request.META.get("CONTENT_LENGTH") or ""
    return int(announced) if announced.isdecimal() else len(request.body)


def refuse(request: HttpRequest, refusal: ExchangeRefused, key: UUID, kind: str) -> HttpResponse:
    logger.info("webhook refused: %s %s: %s", EXCHANGE, kind, refusal.outcome)
    if refusal.status in {400, 403}:
        keep_refusal(refusal, provider=EXCHANGE, key=key, kind=kind, seen=seen_address(request), now=timezone.now())
    words = f"{refusal.outcome}\n{refusal.advice}\n"
    return HttpResponse(words, status=refusal.status, content_type="text/plain; charset=utf-8")


def _partners(raw: dict[str, Any], told_of: Sequence[Call], line: Line) -> list[str]:
    """All numbers that it tells of, also in events that were refused."""
    events = [event for event in raw.get("events", [raw]) if isinstance(event, dict)]
    said = [event.get(name) for event in events for name in ("caller", "called")]
    read = {partner_of(number, country=line.subscriber.country) for number in said if isinstance(number, str)}
    return sorted((read | {call.partner for call in told_of}) - {"", line.number})


def keep(line: Line, kind: str, outcome: str, raw: dict[str, Any], told_of: Sequence[Call], now: datetime) -> None:
    """Write down what was said; of a person who was erased, nothing that tells who it was."""
    is_redacted = any(call.redacted_at for call in told_of)
    # As we read the numbers: an erasure finds what tells of a person by them, however the exchange writes numbers.
    partners = _partners(raw, told_of, line)
    receipt = WebhookReceipt(
        provider=EXCHANGE,
        line_id=line.pk,
        kind=kind,
        provider_message_id="",
        raw={} if is_redacted else _storable(raw) | {"partners": partners},
        signature_ok=True,
        outcome=outcome,
        received_at=now,
    )
    rows.insert(receipt)


def _storable(value: Any, depth: int = DEEPEST) -> Any:
    """As a database can keep it."""
    if isinstance(value, dict | list) and not depth:
        return "…"
    if isinstance(value, dict):
        return {storable(name): _storable(each, depth - 1) for name, each in value.items()}
    if isinstance(value, list):
        return [_storable(each, depth - 1) for each in value]
    return storable(value) if isinstance(value, str) else value
