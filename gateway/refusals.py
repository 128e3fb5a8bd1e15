"""Keeping what was refused, sparingly: whoever knows a line's address could fill the table with forged requests."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

from gateway.models import WebhookReceipt
from server.lines.models import Line

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from gateway.vocabulary import WebhookRefused

# So many refusals of one line, in one process; enough to see what is wrong with an honest provider's requests.
KEPT_A_MINUTE = 30

_kept: Counter[int] = Counter()
_minute = 0
_counting = threading.Lock()


def keep_refusal(refusal: WebhookRefused, *, provider: str, key: UUID, kind: str, seen: str, now: datetime) -> None:
    """Write down that a webhook was refused and the address it was `seen` at, without its content: nobody vouches for it."""
    line_id = Line.objects.filter(key=key).values_list("pk", flat=True).first()
    if line_id is None or not _is_among_the_first(line_id, now):
        return
    WebhookReceipt.objects.create(
        provider=provider,
        line_id=line_id,
        kind=kind,
        signature_ok=refusal.is_proved,
        outcome=refusal.outcome[:40],
        raw={"seen": seen, "signed_for": refusal.signed_for} if refusal.signed_for else {"seen": seen},
        received_at=now,
    )


def _is_among_the_first(line_id: int, now: datetime) -> bool:
    global _minute
    minute = int(now.timestamp() // 60)
    with _counting:
        if minute != _minute:
            _minute = minute
            _kept.clear()
        _kept[line_id] += 1
        return _kept[line_id] <= KEPT_A_MINUTE
