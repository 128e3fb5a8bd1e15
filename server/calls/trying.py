"""Trying a rule out: for two days it decides on real calls and notes whom it would have told, and sends nothing.

Then it sends, by itself: who starts a trial is told so, and until when it lasts.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from server.accounts.models import record_audit
from server.calls.models import CallRule
from server.calls.rules import switch_rule
from server.events.log import record
from server.events.models import Kind

if TYPE_CHECKING:
    from datetime import datetime

    from server.accounts.models import User

TRIAL = timedelta(hours=48)


@transaction.atomic
def start_trying(*, rule: CallRule, by: User, now: datetime) -> CallRule:
    """From now on it sends nothing for 48 hours; a rule that was switched off is switched on for it. Once more begins anew."""
    _set(rule, until=now + TRIAL, by=by, now=now, action="rule.trial_started")
    # Not before: it must not send for a moment.
    return switch_rule(rule=rule, is_active=True, by=by, now=now)


@transaction.atomic
def stop_trying(*, rule: CallRule, by: User, now: datetime) -> bool:
    """From now on it sends; False when it is not being tried out (any more)."""
    if not rule.is_rehearsing(now):
        return False
    _set(rule, until=None, by=by, now=now, action="rule.trial_ended")
    return True


def _set(rule: CallRule, *, until: datetime | None, by: User, now: datetime, action: str) -> None:
    rule.rehearses_until = until
    CallRule.objects.filter(pk=rule.pk).update(rehearses_until=until)
    record_audit(action=action, at=now, actor=by, subscriber=rule.subscriber, target=rule.name)
    record(subscriber_id=rule.subscriber_id, kind=Kind.CALL_LOGIC_CHANGED, at=now, message_id=rule.pk)
