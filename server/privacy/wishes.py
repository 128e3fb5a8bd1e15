"""What people want: to be left alone, or to be written to; put down by hand, with where it was said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from server import sms
from server.accounts.models import record_audit
from server.contacts.erased import forms_of
from server.contacts.models import Consent, Contact, OptOut
from server.contacts.optout import Source, opt_out
from server.lines.models import Line
from server.messaging.conversations import announce_conversation
from server.messaging.models import Activity, ActivityKind, Conversation
from server.privacy.holds import reason_in

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from django.db.models import QuerySet

    from server.accounts.models import User


class NotAllowed(Exception):
    """The person may only read, or may not override what a customer asked for."""


class NotSaid(ValueError):
    """It lacks what it is for, or where it was said."""


class AlreadyGiven(Exception):
    """The same consent is in force."""


@transaction.atomic
def record_opt_out(*, contact: Contact, lines: Collection[Line], remark: str, by: User, now: datetime) -> int:
    """A customer has said so on the phone, in a letter …: none of their numbers is written to from these lines.

    Returns how many opt-outs that made. Raises NotAllowed.
    """
    if by.only_reads or set(lines) - set(Line.objects.visible_to(by)):
        raise NotAllowed
    said = " ".join(sms.storable(remark).split())[:200]
    numbers = numbers_of(contact)
    stopped = []
    for line in sorted(lines, key=lambda each: each.pk):
        for number in numbers:
            conversation = _locked(line, number)
            if opt_out(line=line, number=number.number, source=Source.PERSON, words=said, at=now, recorded_by=by):
                stopped.append((line, conversation))
    for _, conversation in stopped:
        _tell_thread(conversation, ActivityKind.OPTED_OUT, by, now)
    if stopped:
        record_audit(
            action="optout.recorded",
            at=now,
            actor=by,
            subscriber=contact.subscriber,
            target=str(contact.whole.pk),
            contact=contact.whole.pk,
            lines=sorted({str(line) for line, _ in stopped}),
        )
    for _, conversation in stopped:
        if conversation is not None:
            announce_conversation(conversation, now=now)
    return len(stopped)


@transaction.atomic
def override_opt_out(*, wish: OptOut, reason: str, by: User, now: datetime) -> bool:
    """Write to a number again though it asked to be left alone, since it has said otherwise; the reason stays beside it.

    For supervisors and administrators only. False when it was ended already. Raises NotAllowed, ReasonMissing.
    """
    if by.only_reads or not by.sees_all_lines or by.subscriber_id != wish.line.subscriber_id:
        raise NotAllowed
    said = reason_in(reason)[:200]
    contact = Contact.objects.filter(subscriber=wish.line.subscriber, number=wish.number).first()
    conversation = _locked(wish.line, contact) if contact else None
    if not OptOut.objects.filter(pk=wish.pk, ended_at=None).update(ended_at=now, ended_by=by, ended_because=said):
        return False
    _tell_thread(conversation, ActivityKind.OPTED_IN, by, now)
    record_audit(
        action="optout.overridden",
        at=now,
        actor=by,
        subscriber=by.subscriber,
        target=str(contact.whole.pk) if contact else "",
        line=str(wish.line),
        contact=contact.whole.pk if contact else None,
    )
    if conversation is not None:
        announce_conversation(conversation, now=now)
    return True


def give_consent(*, contact: Contact, purpose: str, source: str, given_at: datetime, by: User, now: datetime) -> Consent:
    """Put down that a contact has agreed to be written to. Raises NotAllowed, NotSaid, AlreadyGiven."""
    if by.only_reads or by.subscriber_id != contact.subscriber_id:
        raise NotAllowed
    what, where = (" ".join(sms.storable(text).split()) for text in (purpose, source))
    if not what or not where or given_at > now:
        raise NotSaid
    try:
        with transaction.atomic():
            consent = Consent.objects.create(
                contact=contact.whole, purpose=what[:80], source=where[:120], given_at=given_at, recorded_by=by
            )
            _write_down("consent.given", consent, by, now)
            return consent
    except IntegrityError:
        raise AlreadyGiven from None


@transaction.atomic
def withdraw_consent(*, consent: Consent, by: User, now: datetime) -> bool:
    """The contact has taken it back; False when that was known already. Raises NotAllowed."""
    if by.only_reads or by.subscriber_id != consent.contact.subscriber_id:
        raise NotAllowed
    withdrawn = Consent.objects.filter(pk=consent.pk, withdrawn_at=None).update(withdrawn_at=max(now, consent.given_at))
    if withdrawn:
        _write_down("consent.withdrawn", consent, by, now)
    return bool(withdrawn)


def opt_outs_of(contact: Contact, *, lines: QuerySet[Line]) -> QuerySet[OptOut]:
    """Every wish of the entry's numbers on these lines, those in force first, then newest first."""
    numbers = [form for row in numbers_of(contact) for form in forms_of(row.number, subscriber_id=row.subscriber_id)]
    found = OptOut.objects.filter(line__in=lines, number__in=numbers).select_related("line", "recorded_by", "ended_by")
    return found.order_by(F("ended_at").desc(nulls_first=True), "-opted_out_at", "-pk")


def consents_of(contact: Contact) -> QuerySet[Consent]:
    """What they agreed to, at whichever of the entry's numbers: before a merge each had its own."""
    return Consent.objects.filter(contact__in=numbers_of(contact).values("pk")).select_related("recorded_by")


def numbers_of(contact: Contact) -> QuerySet[Contact]:
    """All numbers of the contact's entry, its main number first."""
    main = contact.main_id or contact.pk
    return Contact.objects.filter(Q(pk=main) | Q(main=main)).order_by(F("main_id").asc(nulls_first=True), "pk")


def _locked(line: Line, number: Contact) -> Conversation | None:
    return Conversation.objects.select_for_update(no_key=True).filter(line=line, contact=number).first()


def _tell_thread(conversation: Conversation | None, kind: ActivityKind, by: User, now: datetime) -> None:
    if conversation is None:
        return
    Activity.objects.create(conversation=conversation, kind=kind, actor=by, at=now)
    if kind is ActivityKind.OPTED_OUT:
        # There is nobody left to answer.
        Conversation.objects.filter(pk=conversation.pk).update(waiting_since=None)


def _write_down(action: str, consent: Consent, by: User, now: datetime) -> None:
    record_audit(
        action=action,
        at=now,
        actor=by,
        subscriber=by.subscriber,
        target=str(consent.contact_id),
        contact=consent.contact_id,
    )
