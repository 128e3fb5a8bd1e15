"""Message nodes: an exchange's call flow reaches one by one HTTP request, and the rules of that node fire.

The two random keys in the address are the secret. A request without the call's id counts once per caller and minute.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from gateway.forms import FORM
from gateway.pbx.generic import JSON, keep, line_for, no_such_address, refuse
from gateway.pbx.reading import LONGEST, LONGEST_VALUE, MOST_PARAMETERS, NotReadable, find_node, from_json
from gateway.pbx.signing import ExchangeRefused
from server.calls.callers import partner_of
from server.calls.models import Call, CallEventKind
from server.calls.recording import Told, record_call_event
from server.sms import storable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from django.http import HttpRequest

    from server.calls.models import MessageNode
    from server.lines.models import Line

# How exchanges call the same thing.
CALL_ID = ("call_id", "id", "callid", "uniqueid", "call")
CALLER = ("caller", "from", "caller_number", "callerid")
CALLED = ("called", "to", "did")
FORMS = {FORM, "multipart/form-data"}
# Whoever has got hold of an address could make up callers: so many calls of a company are believed.
MOST_CALLS_A_MINUTE = 120
KNOWN = {*CALL_ID, *CALLER, *CALLED, "queue"}


@csrf_exempt
@require_http_methods(["GET", "POST"])
def node(request: HttpRequest, key: UUID, node_key: UUID) -> HttpResponse:
    """A call has come to a message node."""
    now = timezone.now()
    try:
        line = line_for(request, key)
        reached = find_node(line.subscriber_id, node_key)
        if reached is None:
            raise no_such_address()
        told = _told(said := _said(request), line, reached, now)
        _see_that_it_is_no_flood(line, told, now)
    except ExchangeRefused as refusal:
        return refuse(request, refusal, key, "node")
    recorded = record_call_event(line=line, told=told, now=now)
    outcome = "stored" if recorded.is_new else "known already"
    keep(line, "node", outcome, {"node": str(reached.key), **said}, [recorded.call], now)
    return HttpResponse("OK\n", content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})


def _told(said: Mapping[str, str], line: Line, reached: MessageNode, now: datetime) -> Told:
    caller = _first(said, CALLER)[: LONGEST["caller"]]
    return Told(
        exchange_id=_first(said, CALL_ID)[: LONGEST["id"]] or _made_up_id(caller, line, now),
        kind=CallEventKind.NODE,
        at=now,
        caller=caller,
        called=_first(said, CALLED)[: LONGEST["called"]],
        queue=said.get("queue", "")[: LONGEST["queue"]],
        node=reached,
        parameters=_parameters(said),
    )


def _see_that_it_is_no_flood(line: Line, told: Told, now: datetime) -> None:
    lately = Call.objects.filter(subscriber=line.subscriber_id, began_at__gt=now - timedelta(minutes=1))
    is_known = Call.objects.filter(line=line, exchange_id=told.exchange_id)
    if lately.count() >= MOST_CALLS_A_MINUTE and not is_known.exists():
        raise ExchangeRefused("too many calls", f"More than {MOST_CALLS_A_MINUTE} calls in this minute: post them signed.", 429)


def _first(said: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((said[name] for name in names if said.get(name)), "")


def _made_up_id(caller: str, line: Line, now: datetime) -> str:
    """One per caller and minute; the number can't be read from it, even when the person is erased."""
    partner = partner_of(caller, country=line.subscriber.country)
    return (
        f"node-{salted_hmac('gateway.pbx.nodes', f'{line.pk} {partner} {now:%Y-%m-%d %H:%M}', algorithm='sha256').hexdigest()[:32]}"
    )


def _parameters(said: Mapping[str, str]) -> dict[str, str]:
    free = [(name, value) for name, value in said.items() if name not in KNOWN]
    return {name[:40]: value[:LONGEST_VALUE] for name, value in free[:MOST_PARAMETERS]}


def _said(request: HttpRequest) -> dict[str, str]:
    """Query, form or JSON, whichever the call flow can send; names in small letters."""
    told: list[tuple[str, Any]] = [*request.GET.items(), *_posted(request)]
    named = [(re.sub(r"[^a-z0-9]+", "_", storable(str(name)).lower()).strip("_"), value) for name, value in told]
    return {name: storable(str(value)).strip() for name, value in named if name and isinstance(value, str | int | float)}


def _posted(request: HttpRequest) -> list[tuple[str, Any]]:
    if request.method != "POST" or not request.body:
        return []
    if request.content_type in FORMS:
        return list(_form(request).items())
    if request.content_type != JSON:
        raise ExchangeRefused("not a form", f"Send {FORM} or {JSON}, or everything in the address.", 415)
    try:
        said = from_json(request.body)
    except NotReadable as problem:
        raise ExchangeRefused("not JSON", str(problem), 400) from problem
    if not isinstance(said, dict):
        raise ExchangeRefused("not JSON", 'Send an object: {"caller": …, "call_id": …}.', 400)
    return list(said.items())


def _form(request: HttpRequest) -> Mapping[str, Any]:
    try:
        return request.POST
    except (BadRequest, SuspiciousOperation, UnreadablePostError, MultiPartParserError, LookupError, ValueError) as problem:
        raise ExchangeRefused("form not readable", "Send a form as browsers do.", 400) from problem
