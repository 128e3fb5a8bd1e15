"""What we keep of people besides messages: webhooks as they came, and what the simulated network remembers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.db.models import Max, Q

from gateway.models import SimulatedPhone, SimulatedSms, WebhookReceipt
from server.messaging.models import Direction

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from django.db.models import QuerySet

    from server.privacy.forgetting import Traces

# Receipts have no index by what is in them: it would make each webhook dearer. So we walk through them in pieces.
PIECE = 5000


def forget_person(traces: Traces) -> int:
    """Empty the receipts that tell of these numbers or messages, and what the simulated network keeps of them."""
    theirs = SimulatedSms.objects.filter(line__in=traces.line_ids, number__in=traces.numbers)
    forgotten = theirs.filter(direction=Direction.OUT).count() + theirs.filter(direction=Direction.IN).count()
    theirs.delete()
    SimulatedPhone.objects.filter(number__in=traces.numbers).delete()
    return forgotten + sum(_emptied(piece, traces) for piece in _pieces(traces.since))


def forget_older(*, line_ids: Collection[int], before: datetime) -> int:
    """Delete the receipts, and the simulated messages, of some lines that are older."""
    receipts, _ = WebhookReceipt.objects.filter(line_id__in=line_ids, received_at__lt=before).delete()
    texts, _ = SimulatedSms.objects.filter(line__in=line_ids, created_at__lt=before).delete()
    return receipts + texts


def _pieces(since: datetime | None) -> Iterator[QuerySet[WebhookReceipt]]:
    receipts = WebhookReceipt.objects.filter(received_at__gte=since) if since else WebhookReceipt.objects.all()
    first = receipts.order_by("received_at" if since else "pk", "pk").values_list("pk", flat=True).first()
    if first is None:
        return
    last = WebhookReceipt.objects.aggregate(last=Max("pk"))["last"]
    for begin in range(first, last + 1, PIECE):
        yield WebhookReceipt.objects.filter(pk__gte=begin, pk__lt=begin + PIECE)


def _emptied(piece: QuerySet[WebhookReceipt], traces: Traces) -> int:
    told = Q(pk__in=())
    for number in traces.numbers:
        told |= Q(raw__icontains=_as_told(number))
    ids = set(traces.provider_message_ids)
    kept = piece.filter(line_id__in=traces.line_ids).exclude(raw={})
    by_id = [pk for pk, its in kept.exclude(provider_message_id="").values_list("pk", "provider_message_id") if its in ids]
    by_number = kept.filter(told).values_list("pk", flat=True)
    return WebhookReceipt.objects.filter(pk__in={*by_id, *by_number}).update(raw={})


def _as_told(number: str) -> str:
    """The digits, in whatever form; a name such as INFO as a whole value only: it may be a word of anybody's text."""
    digits = re.sub(r"\D", "", number)
    return digits if number.startswith("+") else f'"{number}"'
