"""Who hears that a call-back promise was not kept: supervisors and administrators, each as they like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import override

from server import sms
from server.accounts.models import Role, User
from server.calls.definition import Channel, Step, Who
from server.calls.models import CallLogic, Outcome, RuleRun, Skipped, Telling, TellingState
from server.calls.recipients import Staff
from server.calls.texts import as_sms, fill, usual_text, values_of

if TYPE_CHECKING:
    from datetime import datetime

    from server.calls.models import Promise
    from server.calls.recipients import Recipient

# Beyond any step that a rule could have.
ESCALATION = 1000


def plan_to_tell(promise: Promise, now: datetime) -> None:
    """Plan a telling for each of them, in the run of the rule that promised; a rule that is gone leaves only the list to say it."""
    runs = RuleRun.objects.filter(rule=promise.rule_id, event__call=promise.call_id, outcome=Outcome.MATCHED)
    run = (
        runs.select_related("event__call__line", "event__call__subscriber", "event__node", "event__call__conversation__contact")
        .order_by("-pk")
        .first()
    )
    if run is None:
        return
    chiefs = User.objects.filter(
        subscriber=promise.subscriber_id, is_active=True, role__in=[Role.SUPERVISOR, Role.ADMINISTRATOR]
    ).values_list("pk", flat=True)
    step = Step(who=Who.PEOPLE, channel=Channel.OWN_CHOICE, people=tuple(chiefs))
    is_stopped = CallLogic.objects.filter(subscriber=promise.subscriber_id, stopped_at__isnull=False).exists()
    told = [
        _telling(run, promise, recipient, now, is_stopped=is_stopped)
        for recipient in Staff(promise.subscriber_id).recipients_of(step, event=run.event)
    ]
    Telling.objects.bulk_create(told, ignore_conflicts=True)


def _telling(run: RuleRun, promise: Promise, recipient: Recipient, now: datetime, *, is_stopped: bool) -> Telling:
    reason = recipient.reason or (Skipped.STOPPED if is_stopped else "")
    telling = Telling(
        run=run,
        step=ESCALATION,
        user=recipient.user,
        channel=recipient.channel,
        address=recipient.address,
        state=TellingState.SKIPPED if reason else TellingState.PLANNED,
        reason=reason,
        planned_at=now,
    )
    if recipient.user is not None:
        _word(telling, promise, recipient.user.language)
    return telling


def _word(telling: Telling, promise: Promise, language: str) -> None:
    event = telling.run.event
    values = values_of(event, language=language, promise_due=promise.due_at)
    with override(language):
        telling.subject = _("Call-back overdue: %(caller)s") % {"caller": values["caller_name"] or values["caller"]}
        promised = _("We promised to call back by %(by)s.") % {"by": values["call_back_time"]}
    body = f"{promised}\n{fill(usual_text(language), values)}"
    telling.language = language
    telling.body = as_sms(body, event.call.subscriber) if telling.channel == Channel.SMS else body
    telling.segments = sms.count_segments(telling.body).segments if telling.channel == Channel.SMS else 0
