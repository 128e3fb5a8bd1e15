"""Erasing one person: asked for by an administrator, done in the task worker, batch by batch.

    request_erasure()   one unfinished erasure per person: the database says so
    erase()             claims it; each batch is a short transaction that first looks for a legal hold
    _finish()           one last transaction: nothing is left, the numbers become salted hashes, the screens are told

Whoever dies in between is followed by the next (looking_after.py): a message that has lost its words is not found again.
"""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.tasks import task
from django.utils import timezone

from server.accounts.circumstances import Circumstances, under
from server.accounts.models import record_audit
from server.contacts.erased import erased_form
from server.contacts.models import Consent, Contact, OptOut
from server.events.log import record
from server.events.models import Kind
from server.messaging.models import Conversation, Draft, Message, Note
from server.privacy import forgetting
from server.privacy.calls import redact_calls
from server.privacy.holds import NotYours, is_on_hold, lock_entry, require_administrator
from server.privacy.models import AskedHow, Erasure, ErasureState, LegalHold, ProviderRedaction
from server.privacy.redacting import ON_THE_LINE, ids_at_providers, redact_batch
from server.privacy.scrubbing import scrub_files_and_filters
from server.privacy.searching_words import forget_words
from server.privacy.wishes import numbers_of

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from server.accounts.models import User

logger = logging.getLogger(__name__)

__all__ = ["AskedHow", "NotYours"]

# As many messages lose their words in one transaction.
BATCH = 500
DIGITS_ASKED = 4
# Nobody waits longer for a provider to say what became of a message.
SETTLES_WITHIN = timedelta(minutes=15)


class OnLegalHold(Exception):
    """What there is of this person must be kept."""


class AlreadyErased(Exception):
    """There is nothing left of this person."""


class NotConfirmed(ValueError):
    """The last digits that were typed are not those of the number."""


class AlreadyErasing(Exception):
    """It has been asked for and is not finished."""

    def __init__(self, erasure: Erasure) -> None:
        super().__init__(str(erasure.uuid))
        self.erasure = erasure


def request_erasure(*, contact: Contact, asked_how: AskedHow, typed: str, by: User, now: datetime) -> Erasure:
    """Have everything erased that tells who a contact is and what was written; there is no way back.

    `typed` are the last four characters of the main number. Raises NotYours, NotConfirmed, OnLegalHold, AlreadyErased
    and AlreadyErasing. One that a legal hold had stopped goes on.
    """
    require_administrator(by, contact.subscriber)
    try:
        with transaction.atomic():
            main = lock_entry(contact)
            if main.erased_at:
                raise AlreadyErased
            if typed.strip().casefold() != main.number[-DIGITS_ASKED:].casefold():
                raise NotConfirmed
            if is_on_hold(main):
                raise OnLegalHold
            erasure = _queue(main, asked_how, by, now)
            erase_in_worker.enqueue(erasure.pk)
            return erasure
    except IntegrityError:
        raise AlreadyErasing(Erasure.objects.get(~Q(state=ErasureState.FINISHED), entry=contact.whole.pk)) from None


def _queue(main: Contact, asked_how: AskedHow, by: User, now: datetime) -> Erasure:
    stopped = Erasure.objects.filter(entry=main.pk, state=ErasureState.HELD).first()
    if stopped is not None:
        Erasure.objects.filter(pk=stopped.pk).update(state=ErasureState.QUEUED, seen_at=now)
        erasure = stopped
    else:
        erasure = Erasure.objects.create(
            subscriber=main.subscriber,
            contact=main,
            entry=main.pk,
            asked_how=asked_how,
            requested_by=by,
            requested_at=now,
            seen_at=now,
        )
    record_audit(
        action="erasure.requested",
        at=now,
        actor=by,
        subscriber=main.subscriber,
        target=str(erasure.uuid),
        contact=main.pk,
        asked_how=asked_how,
    )
    return erasure


@task(queue_name="exports")
def erase_in_worker(erasure_id: int) -> None:
    erase(erasure_id=erasure_id)


def erase(*, erasure_id: int) -> None:
    """Do, or go on with, a queued erasure; nothing when it is not queued any more or somebody else does it."""
    erasure = _claim(erasure_id)
    if erasure is None:
        return
    try:
        _erase(erasure)
    except _Stop as stop:
        logger.info("erasure %s: %s", erasure.uuid, stop.state or "taken over")
        if stop.state:
            _ours(erasure).update(state=stop.state, seen_at=timezone.now())
    except Exception:
        # What stands still is taken up again.
        logger.exception("erasure %s stopped", erasure.uuid)


class _Stop(Exception):
    """It can't go on now; `state` is where it stands, empty when somebody else has taken it over."""

    def __init__(self, state: str = "") -> None:
        super().__init__(state)
        self.state = state


def _claim(erasure_id: int) -> Erasure | None:
    now, worker = timezone.now(), uuid.uuid4().hex
    with transaction.atomic():
        queued = Erasure.objects.filter(pk=erasure_id, state__in=[ErasureState.QUEUED, ErasureState.SETTLING])
        if not queued.update(state=ErasureState.RUNNING, worker=worker, seen_at=now):
            return None
        return Erasure.objects.select_related("subscriber", "contact").get(pk=erasure_id)


def _erase(erasure: Erasure) -> None:
    assert erasure.contact is not None
    numbers = list(numbers_of(erasure.contact))
    _empty_notes(erasure, numbers)
    for conversation_id in _conversations_of(numbers).values_list("pk", flat=True):
        edge = None
        while (edge := _step(erasure, conversation_id, edge)) is not None:
            pass
    _forget_calls(erasure, numbers)
    began_at = timezone.now()
    _forget_elsewhere(erasure, numbers, since=None)
    if not _finish(erasure, began_at):
        raise _Stop(ErasureState.SETTLING)
    forget_words()


def _step(erasure: Erasure, conversation_id: int, edge: tuple[datetime, int] | None) -> tuple[datetime, int] | None:
    with transaction.atomic():
        now = _go_on(erasure)
        return redact_batch(erasure, conversation_id, after=edge, size=BATCH, now=now)


def _forget_calls(erasure: Erasure, numbers: list[Contact]) -> None:
    with transaction.atomic():
        redact_calls(erasure, numbers, _go_on(erasure))


def _empty_notes(erasure: Erasure, numbers: list[Contact]) -> None:
    with transaction.atomic():
        _go_on(erasure)
        _count(erasure, **_emptied(numbers))


def _go_on(erasure: Erasure) -> datetime:
    """Lock the entry; whether it is still ours to do, and no hold has come in between."""
    assert erasure.contact is not None
    now = timezone.now()
    # Somebody may have merged the entry with another one: they are one person then.
    _lock_whole(erasure.contact)
    if not _ours(erasure).update(seen_at=now):
        raise _Stop
    if is_on_hold(erasure.contact):
        raise _Stop(ErasureState.HELD)
    return now


def _lock_whole(contact: Contact) -> None:
    while True:
        contact.refresh_from_db(fields=["main"])
        # While we waited for it, it may have become another one's number.
        if lock_entry(contact).main_id is None:
            return


def _finish(erasure: Erasure, began_at: datetime) -> bool:
    """The last step; False while a message is on its way to the provider, or when one has come in this very moment."""
    with transaction.atomic():
        now = _go_on(erasure)
        assert erasure.contact is not None
        numbers = list(numbers_of(erasure.contact))
        left = Message.objects.filter(conversation__in=_conversations_of(numbers), redacted_at=None)
        # Messages first, then their conversations: the order of locks (standing.py).
        in_hand = {*left.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk", flat=True)}
        # Whoever writes into one of them waits, and finds another contact.
        locked = list(_conversations_of(numbers).select_for_update(no_key=True).order_by("pk"))
        status_of = dict(left.values_list("pk", "status"))
        is_settled = now - erasure.requested_at >= SETTLES_WITHIN
        if {*status_of} - in_hand or (not is_settled and {*status_of.values()} & {*ON_THE_LINE}):
            return False
        for conversation in locked:
            edge = None
            while (edge := redact_batch(erasure, conversation.pk, after=edge, size=BATCH, now=now, is_last=True)) is not None:
                pass
        _forget_elsewhere(erasure, numbers, since=began_at)
        counts = _emptied(numbers) | {"numbers": len(numbers), "conversations": len(locked)}
        counts["calls"] = redact_calls(erasure, numbers, now, is_last=True)
        _forget_contact(numbers, now)
        counts |= scrub_files_and_filters(subscriber=erasure.subscriber, numbers=numbers, now=now)
        _count(erasure, **counts)
        _ours(erasure).update(state=ErasureState.FINISHED, finished_at=now, counts=erasure.counts)
        _confirm_if_nobody_is_asked(erasure, now)
        # In the worker nobody acts: of the operator's staff only who acted for the company could ask for it.
        with under(Circumstances(is_support=erasure.requested_by.subscriber_id != erasure.subscriber_id)):
            record_audit(
                action="erasure.finished",
                at=now,
                actor=erasure.requested_by,
                subscriber=erasure.subscriber,
                target=str(erasure.uuid),
                contact=erasure.entry,
                messages=erasure.messages.count(),
            )
        # Which rows and threads show it is too much for one event each: every screen is loaded anew.
        record(subscriber_id=erasure.subscriber_id, kind=Kind.PHONEBOOK_CHANGED, at=now)
    logger.info("erasure %s: finished", erasure.uuid)
    return True


def _emptied(numbers: list[Contact]) -> dict[str, int]:
    """What colleagues wrote among themselves, and had not sent yet."""
    conversations = _conversations_of(numbers)
    notes = Note.objects.filter(conversation__in=conversations).exclude(body="")
    return {
        "notes": notes.update(body=""),
        "drafts": Draft.objects.filter(conversation__in=conversations).delete()[0],
    }


def _forget_contact(numbers: list[Contact], now: datetime) -> None:
    ids = [row.pk for row in numbers]
    Consent.objects.filter(contact__in=ids).delete()
    Contact.tags.through.objects.filter(contact__in=ids).delete()
    LegalHold.objects.filter(contact__in=ids).update(reason="")
    for row in numbers:
        _forget_wishes(row)
        Contact.objects.filter(pk=row.pk).update(
            number=_unused_form(row),
            name="",
            company="",
            note="",
            emails=[],
            language="",
            words="",
            blocked_at=None,
            erased_at=now,
        )


def _forget_wishes(row: Contact) -> None:
    """That a number wants to be left alone is kept, not what the number is."""
    form = erased_form(row.number, subscriber_id=row.subscriber_id)
    theirs = OptOut.objects.filter(line__subscriber=row.subscriber_id)
    # In force twice: before it was erased the last time, and since.
    known = theirs.filter(number=form, ended_at=None).values("line")
    theirs.filter(number=row.number, ended_at=None, line__in=known).delete()
    theirs.filter(number=row.number).update(number=form, words="", ended_because="")


def _unused_form(row: Contact) -> str:
    turn = 0
    while True:
        form = erased_form(row.number, subscriber_id=row.subscriber_id, turn=turn)
        if not Contact.objects.filter(subscriber=row.subscriber_id, number=form).exists():
            return form
        # They were erased before, and came back.
        turn += 1


def _forget_elsewhere(erasure: Erasure, numbers: list[Contact], since: datetime | None) -> None:
    conversations = _conversations_of(numbers)
    traces = forgetting.Traces(
        numbers=[row.number for row in numbers],
        line_ids=[*conversations.values_list("line", flat=True).distinct()],
        provider_message_ids=frozenset(ids_at_providers(erasure)),
        since=since,
    )
    _count(erasure, receipts=forgetting.forget_person(traces))


def _confirm_if_nobody_is_asked(erasure: Erasure, now: datetime) -> None:
    if not ProviderRedaction.objects.filter(erasure=erasure, confirmed_at=None).exists():
        Erasure.objects.filter(pk=erasure.pk).update(confirmed_at=now)


def _count(erasure: Erasure, **more: int) -> None:
    erasure.counts = erasure.counts | {name: erasure.counts.get(name, 0) + number for name, number in more.items()}
    _ours(erasure).update(counts=erasure.counts)


def _conversations_of(numbers: list[Contact]) -> QuerySet[Conversation]:
    return Conversation.objects.filter(contact__in=[row.pk for row in numbers])


def _ours(erasure: Erasure) -> QuerySet[Erasure]:
    return Erasure.objects.filter(pk=erasure.pk, state=ErasureState.RUNNING, worker=erasure.worker)
