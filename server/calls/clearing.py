"""What call logic need not remember for ever: each rule that looked at a call and had nothing to say."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from server.calls.models import Outcome, RuleRun

if TYPE_CHECKING:
    from datetime import datetime

# Nobody asks after a quarter of a year why a rule did not apply; what was told, and why, stays with the call.
KEPT_FOR = timedelta(days=90)
PIECE = 1000


def drop_old_runs(*, now: datetime) -> int:
    """Forget the rules that did not apply to calls of long ago: so many rows for each call; returns how many."""
    deleted, reached = 0, 0
    idle = RuleRun.objects.exclude(outcome=Outcome.MATCHED).filter(at__lt=now - KEPT_FOR).order_by("pk")
    while ids := list(idle.filter(pk__gt=reached).values_list("pk", flat=True)[:PIECE]):
        deleted += RuleRun.objects.filter(pk__in=ids).delete()[1].get("calls.RuleRun", 0)
        reached = ids[-1]
    return deleted
