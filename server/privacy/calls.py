"""Calls of an erased person lose who called and what was said of it; of calls that are too old nothing is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import CharField, F, Q, Value
from django.db.models.functions import Cast, Concat

from server.calls.locking import lock_thread
from server.calls.models import (
    Call,
    CallEvent,
    CallEventKind,
    CallParameter,
    KeptBy,
    NumberUsage,
    Promise,
    RuleStep,
    RuleUsage,
    Skipped,
    Telling,
    TellingState,
)
from server.contacts.erased import erased_form
from server.messaging.models import Conversation, Message
from server.privacy.redacting import ON_THE_LINE, redact_messages

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from django.db.models import QuerySet

    from server.contacts.models import Contact
    from server.privacy.models import Erasure

# Anonymous calls have no thread by which they could be taken piece by piece.
PIECE = 1000


def redact_calls(erasure: Erasure, numbers: list[Contact], now: datetime, *, is_last: bool = False) -> int:
    """Take from the person's calls whatever tells who it was; returns how many there are. Within a transaction.

    What our own people were told of them by SMS loses its words, too, and the provider is asked to forget it. Such a
    message on its way to the provider is left for later, unless `is_last`.
    """
    theirs = {row.number for row in numbers}
    calls = Call.objects.filter(subscriber=erasure.subscriber_id)
    calls = calls.filter(Q(conversation__contact__in=[row.pk for row in numbers]) | Q(partner__in=theirs))
    ids = list(calls.order_by("pk").values_list("pk", flat=True))
    # Messages, threads, usage, then what belongs to the calls: in the order of whoever sends.
    _redact_notices(erasure, ids, now, is_last=is_last)
    lock_thread(Call.objects.filter(pk__in=ids).values_list("conversation", flat=True))
    NumberUsage.objects.filter(subscriber=erasure.subscriber_id, number__in=theirs).delete()
    RuleUsage.objects.filter(rule__subscriber=erasure.subscriber_id, number__in=theirs).delete()
    _stop_what_is_due(ids)
    _empty_tellings(ids)
    _forget_longest(erasure.subscriber_id, calls)
    keys = CallEvent.objects.filter(call__in=ids, kind=CallEventKind.KEY).exclude(detail__startswith=_NO_KEY)
    keys.update(detail=Concat(Value(_NO_KEY), Cast(F("pk"), CharField())))
    Promise.objects.filter(call__in=ids, kept_at=None).update(kept_at=now, kept_how=KeptBy.SAID_DONE)
    Conversation.objects.filter(calls__in=ids).update(promised_until=None)
    for number in theirs:
        form = erased_form(number, subscriber_id=erasure.subscriber_id)
        Call.objects.filter(pk__in=ids, partner=number).update(partner=form)
        if number.startswith("+"):
            # Some exchanges put the number into their own name of the call.
            named_so = Call.objects.filter(pk__in=ids, exchange_id__contains=number[-_SUBSCRIBER_DIGITS:])
            named_so.update(exchange_id=Concat(Value("erased-"), Cast(F("pk"), CharField())))
    Call.objects.filter(pk__in=ids, redacted_at=None).update(parameters={}, redacted_at=now)
    return len(ids)


# What was pressed may be a customer's number; that something was pressed stays.
_NO_KEY = "erased-"
# Written at home or from abroad, these are the same.
_SUBSCRIBER_DIGITS = 7


def _redact_notices(erasure: Erasure, calls: Collection[int], now: datetime, *, is_last: bool) -> None:
    told = Telling.objects.filter(run__event__call__in=calls, user__isnull=False, message__isnull=False).values("message")
    notices = Message.objects.filter(pk__in=told, redacted_at=None).select_related("line").defer("words")
    if not is_last:
        notices = notices.exclude(status__in=ON_THE_LINE)
    redact_messages(erasure, list(notices.order_by("pk")), now)


def _stop_what_is_due(calls: Collection[int]) -> None:
    CallEvent.objects.filter(call__in=calls, due_at__isnull=False).update(due_at=None)
    RuleStep.objects.filter(run__event__call__in=calls, due_at__isnull=False).update(due_at=None)
    waiting = Telling.objects.filter(run__event__call__in=calls, state__in=[TellingState.PLANNED, TellingState.SENDING])
    waiting.update(state=TellingState.SKIPPED, reason=Skipped.NOT_SENT, lease_until=None)


def _empty_tellings(calls: Collection[int]) -> None:
    tellings = Telling.objects.filter(run__event__call__in=calls)
    tellings.update(subject="", body="")
    tellings.filter(user=None).update(address="")


def _forget_longest(subscriber_id: int, calls: QuerySet[Call, Any]) -> None:
    """The longest value of a parameter, which the preview shows, may be this person's."""
    said = {value for parameters in calls.values_list("parameters", flat=True) for value in parameters.values()}
    CallParameter.objects.filter(subscriber=subscriber_id, longest__in=said).update(longest="")


def delete_old_calls(threads: Collection[int], before: datetime) -> int:
    """Delete the calls of some threads that are older, with all that rules made of them; returns how many."""
    deleted = Call.objects.filter(conversation__in=threads, began_at__lt=before).delete()[1].get("calls.Call", 0)
    Conversation.objects.filter(pk__in=threads, call_at__lt=before).update(call_at=None, call_state="")
    return deleted


def delete_old_anonymous_calls(subscriber_id: int, before: datetime) -> int:
    """Delete the older calls of whom nobody knows; returns how many."""
    deleted = 0
    while ids := list(
        Call.objects.filter(subscriber=subscriber_id, conversation=None, began_at__lt=before).values_list("pk", flat=True)[:PIECE]
    ):
        deleted += Call.objects.filter(pk__in=ids).delete()[1].get("calls.Call", 0)
    return deleted
