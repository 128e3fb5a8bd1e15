"""What a step of a rule comes to: a row for each person and way, planned, tried out only, or skipped and why."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from server import sms
from server.calls.definition import Channel, Who
from server.calls.limits import reason_not_to_text
from server.calls.models import Promise, Skipped, Telling, TellingState
from server.calls.promises import call_back_by, open_promise
from server.calls.recipients import Recipient, Staff
from server.calls.recording import TOO_LATE
from server.calls.texts import Words, words_for

if TYPE_CHECKING:
    from datetime import datetime

    from server.calls.definition import Definition, Step
    from server.calls.models import CallEvent, CallRule, RuleRun, RuleStep

logger = logging.getLogger(__name__)


def plan_tellings(*, step: RuleStep, definition: Definition, now: datetime) -> list[Telling]:
    """Put down who hears of it and who does not; a caller who is told when they are called back has our promise."""
    run, said = step.run, definition.steps[step.number]
    due = _promise_due(run, definition, said, now)
    tellings = [
        _planned(recipient, step=step, definition=definition, promise_due=due, now=now)
        for recipient in recipients_of(said, event=run.event, staff=Staff(run.subscriber_id))
    ]
    Telling.objects.bulk_create(tellings)
    if due is not None and said.who == Who.CALLER and tellings[0].state == TellingState.PLANNED:
        open_promise(call=run.event.call, rule=run.rule, due_at=due, now=now)
    return tellings


def recipients_of(said: Step, *, event: CallEvent, staff: Staff) -> list[Recipient]:
    """Who hears of it: the caller, or people of ours."""
    if said.who == Who.CALLER:
        return [Recipient(None, Channel.SMS, event.call.partner)]
    return staff.recipients_of(said, event=event)


def reason_not_to_tell(recipient: Recipient, *, event: CallEvent, rule: CallRule, now: datetime) -> Skipped | None:
    """Why a recipient is not told after all; a look, which counts nothing."""
    if recipient.reason is not None or recipient.channel != Channel.SMS:
        return recipient.reason
    is_colleague = recipient.user is not None
    return reason_not_to_text(line=event.call.line, rule=rule, number=recipient.address, is_colleague=is_colleague, now=now)


def _planned(
    recipient: Recipient, *, step: RuleStep, definition: Definition, promise_due: datetime | None, now: datetime
) -> Telling:
    run = step.run
    telling = Telling(
        run=run,
        step=step.number,
        user=recipient.user,
        channel=recipient.channel,
        address=recipient.address,
        state=TellingState.DRY if run.is_dry else TellingState.PLANNED,
        planned_at=now,
    )
    reason = Skipped.NOT_SENT if _is_too_late(recipient, step, definition, now) else None
    reason = reason or reason_not_to_tell(recipient, event=run.event, rule=run.rule, now=now)
    reason = reason or _put_words(telling, step=step, definition=definition, promise_due=promise_due)
    if reason is not None:
        telling.state, telling.reason = TellingState.SKIPPED, reason
    return telling


def _is_too_late(recipient: Recipient, step: RuleStep, definition: Definition, now: datetime) -> bool:
    """No dispatcher was running: our people want to hear of it all the same, who called has long forgotten it."""
    was_due = step.run.at + timedelta(minutes=definition.steps[step.number].after)
    return recipient.user is None and now - was_due > TOO_LATE


def _put_words(telling: Telling, *, step: RuleStep, definition: Definition, promise_due: datetime | None) -> Skipped | None:
    """Word it for who reads it; why that can't be sent, if it can't."""
    channel = Channel(telling.channel)
    try:
        words = words_for(
            step=definition.steps[step.number],
            event=step.run.event,
            person=telling.user,
            promise_due=promise_due,
            channel=channel,
        )
    except Exception:
        # The others' words may be well.
        logger.exception("rule step %s: no words for %s", step.pk, telling.user_id or "the caller")
        return Skipped.NOT_SENT
    telling.subject, telling.body, telling.language = words.subject, words.body, words.language
    return _too_much_or_nothing(telling, words)


def _too_much_or_nothing(telling: Telling, words: Words) -> Skipped | None:
    if not words.body:
        return Skipped.NO_TEXT
    if telling.channel == Channel.SMS:
        telling.segments = words.segments
        return Skipped.TOO_LONG if telling.segments > sms.MAX_SEGMENTS else None
    return None


def _promise_due(run: RuleRun, definition: Definition, said: Step, now: datetime) -> datetime | None:
    """By when we call back: as the caller is told now; to our people, as the caller was told, or would be."""
    if definition.promises_within is None:
        return None
    if said.who != Who.CALLER:
        told = Promise.objects.filter(call=run.event.call_id, rule=run.rule_id).order_by("-made_at").first()
        if told is not None:
            return told.due_at
    return call_back_by(run.event.call.subscriber, now, definition.promises_within)
