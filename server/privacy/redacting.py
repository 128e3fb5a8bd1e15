"""Messages lose their words, and the provider is asked to forget them too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Q

from server.contacts.models import Contact
from server.keyset import beyond
from server.messaging.models import DeliveryReport, Message, Status
from server.messaging.reasons import Reason
from server.messaging.standing import refresh_standing
from server.privacy.models import ErasedMessage, Erasure, ProviderRedaction

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.db.models import QuerySet

WAITING = (Status.QUEUED, Status.HELD)
ON_THE_LINE = (Status.SENDING, Status.UNCONFIRMED)


def redact_batch(
    erasure: Erasure,
    conversation_id: int,
    *,
    after: tuple[datetime, int] | None,
    size: int,
    now: datetime,
    is_last: bool = False,
) -> tuple[datetime, int] | None:
    """Take the words of a conversation's next messages; returns where to go on, None at its end. Within a transaction.

    Those that are on their way to the provider are left for later: it must still be found out what became of them.
    With `is_last` they are not waited for any longer.
    """
    found = Message.objects.filter(conversation=conversation_id, redacted_at=None).select_related("line")
    if after is not None:
        found = found.filter(beyond(after, newest_first=False))
    batch = list(found.order_by("created_at", "pk").defer("words")[:size])
    if not batch:
        return None
    locked = Message.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=[each.pk for each in batch])
    status_of = dict(locked.order_by("pk").values_list("pk", "status"))
    redact_messages(erasure, [each for each in batch if is_last or status_of[each.pk] not in ON_THE_LINE], now)
    if set(status_of.values()) & {*WAITING, *ON_THE_LINE}:
        refresh_standing(conversation_id)
    return batch[-1].created_at, batch[-1].pk


def redact_messages(erasure: Erasure, messages: list[Message], now: datetime) -> None:
    """Take the words of these, write down which, and have the provider asked to forget them. Within a transaction."""
    ids = [message.pk for message in messages]
    _take_words(ids, now)
    _write_down(erasure, messages, now)
    ask_providers(erasure, messages, now)
    DeliveryReport.objects.filter(message__in=ids).update(raw={})


def _take_words(ids: list[int], now: datetime) -> None:
    messages = Message.objects.filter(pk__in=ids)
    # Nobody writes to who is being erased.
    unsent = messages.filter(status__in=[*WAITING, *ON_THE_LINE])
    unsent.update(status=Status.FAILED, reason=Reason.ERASED, failed_at=now, lease_until=None, lease_by="")
    messages.update(body="", words="", media=[], redacted_at=now)


def _write_down(erasure: Erasure, gone: Iterable[Message], now: datetime) -> None:
    ErasedMessage.objects.bulk_create(
        [
            ErasedMessage(erasure=erasure, uuid=each.uuid, direction=each.direction, written_at=each.created_at, erased_at=now)
            for each in gone
        ],
        ignore_conflicts=True,
    )


def ask_providers(erasure: Erasure, gone: list[Message], now: datetime) -> None:
    """Have the provider asked to forget each of these, and each earlier attempt at it."""
    asked = [
        ProviderRedaction(
            erasure=erasure,
            line=message.line,
            message=message.uuid,
            provider_account=message.provider_account or _account_like(message, gone),
            provider_message_id=provider_message_id,
            has_media=bool(message.media),
            next_attempt_at=now,
        )
        for message, provider_message_id in _ids_at_provider(gone)
    ]
    ProviderRedaction.objects.bulk_create(asked, ignore_conflicts=True, batch_size=500)


def _ids_at_provider(messages: list[Message]) -> Iterable[tuple[Message, str]]:
    of_attempts: dict[int, set[str]] = {message.pk: set() for message in messages}
    # A message that was tried again has a new id; its earlier ones stand in the reports.
    reports = DeliveryReport.objects.filter(message__in=of_attempts).exclude(provider_message_id="")
    for pk, told in reports.values_list("message", "provider_message_id").distinct():
        of_attempts[pk].add(told)
    for message in messages:
        for each in sorted({message.provider_message_id, *of_attempts[message.pk]} - {""}):
            yield message, each


def _account_like(message: Message, others: list[Message]) -> str:
    """The account of a message that lacks its own, as a failed attempt may: that of another one of its line."""
    return next((each.provider_account for each in others if each.line_id == message.line_id and each.provider_account), "")


def ids_at_providers(erasure: Erasure) -> Iterable[str]:
    return ProviderRedaction.objects.filter(erasure=erasure).values_list("provider_message_id", flat=True)


def late_ids(erasure: Erasure) -> list[Message]:
    """Messages whose provider told its id only after they had lost their words."""
    known = ProviderRedaction.objects.filter(erasure=erasure).values("message")
    late = Message.objects.filter(conversation__contact__in=_numbers(erasure), direction="out").exclude(uuid__in=known)
    has_id = ~Q(provider_message_id="") | Q(reports__isnull=False)
    return list(late.filter(has_id, redacted_at__isnull=False).select_related("line").distinct())


def _numbers(erasure: Erasure) -> QuerySet[Contact, Any]:
    return Contact.objects.filter(Q(pk=erasure.entry) | Q(main=erasure.entry)).values("pk")
