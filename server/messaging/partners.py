"""What is done to a partner as a whole, and shows in their threads: named, merged, taken apart, forgotten, blocked.

The phone book's own part stands in server/contacts/entries.py; here the conversations follow, and every screen hears of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from server.accounts.models import record_audit
from server.contacts import entries
from server.contacts.entries import Facts
from server.contacts.models import Contact
from server.contacts.phonebook import name_rows, rows_of_entry
from server.events.log import record
from server.events.models import Kind
from server.messaging.conversations import announce_conversation
from server.messaging.models import Conversation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from server.accounts.models import Subscriber, User

# Of more conversations at once each screen is better loaded anew.
MOST_ANNOUNCED = 50


class SameEntry(ValueError):
    """An entry can't be merged with itself."""


@transaction.atomic
def save_entry(*, subscriber: Subscriber, entry: Contact | None = None, facts: Facts, now: datetime) -> Contact:
    """Put somebody into the phone book, or change their entry; returns it: another row, if its main number was taken away.

    Raises EntryNotValid with what is wrong with which field, and GoneMeanwhile when it was merged or deleted just now.
    """
    before = [row.pk for row in rows_of_entry(entry)] if entry is not None else []
    saved = entries.write_entry(subscriber=subscriber, entry=entry, facts=facts, now=now)
    rows = {*before, *rows_of_entry(saved).values_list("pk", flat=True)}
    _hide_as_blocked(rows, now=now)
    _drop_unused({*before} - {*rows_of_entry(saved).values_list("pk", flat=True)})
    _tell(subscriber.pk, rows, {saved.pk, *([entry.pk] if entry is not None else [])}, now=now)
    return saved


@transaction.atomic
def rename_contact(*, contact: Contact, name: str, company: str = "", note: str = "", now: datetime) -> Contact:
    """Give the entry of a number its name; its threads are drawn anew on every open screen."""
    facts = Facts(name=name, company=company, note=note)
    return save_entry(subscriber=contact.subscriber, entry=contact.whole, facts=facts, now=now)


@transaction.atomic
def merge_contacts(*, keep: Contact, other: Contact, by: User, now: datetime) -> Contact:
    """Make the numbers of `other` further numbers of `keep`; e-mail addresses, tags and remarks are put together.

    No thread moves and no message changes: only whom they are with. Whether it is blocked is up to `keep`.
    Raises SameEntry, and GoneMeanwhile when one of them is no entry any longer.
    """
    if keep.subscriber_id != other.subscriber_id or keep.pk == other.pk:
        raise SameEntry
    keep, other = entries.lock_entries([keep, other])
    came = entries.join(keep=keep, other=other)
    rows = {row.pk for row in came}
    _hide_as_blocked(rows, now=now)
    record_audit(
        action="contacts.merged",
        at=now,
        actor=by,
        subscriber=keep.subscriber,
        target=str(keep.pk),
        contact=keep.pk,
        other=other.pk,
        numbers=sorted(rows),
    )
    _tell(keep.subscriber_id, {*rows, keep.pk}, {keep.pk, other.pk}, now=now)
    return keep


@transaction.atomic
def separate_number(*, number: Contact, by: User, now: datetime) -> Contact:
    """Undo a merge for one number: it is an entry of its own again, of the same name. Raises GoneMeanwhile."""
    locked = Contact.objects.select_for_update(no_key=True).filter(pk=number.pk).exclude(main=None).first()
    if locked is None or locked.main_id is None:
        raise entries.GoneMeanwhile
    whole = locked.main_id
    entries.separate(number=locked, with_name=True)
    record_audit(
        action="contacts.separated",
        at=now,
        actor=by,
        subscriber=locked.subscriber,
        target=str(whole),
        contact=whole,
        number=locked.pk,
    )
    _tell(locked.subscriber_id, {locked.pk, whole}, {locked.pk, whole}, now=now)
    return locked


@transaction.atomic
def forget_entry(*, entry: Contact, by: User, now: datetime) -> None:
    """Take somebody out of the phone book; threads stay, with the bare numbers. Raises GoneMeanwhile and OnLegalHold."""
    (entry,) = entries.lock_entries([entry])
    if entry.legal_holds.model.objects.on(entry).in_force().exists():
        raise entries.OnLegalHold
    rows = list(rows_of_entry(entry))
    entries.empty(entry)
    for row in rows:
        if row.main_id:
            entries.separate(number=row, with_name=True)
    name_rows(rows, name="", company="")
    record_audit(action="contact.deleted", at=now, actor=by, subscriber=entry.subscriber, target=str(entry.pk), contact=entry.pk)
    pk = entry.pk
    _drop_unused({row.pk for row in rows})
    _tell(entry.subscriber_id, {row.pk for row in rows}, {pk}, now=now)


@transaction.atomic
def block_sender(*, entry: Contact, by: User, now: datetime) -> bool:
    """Hide all threads with a contact, those that will come, too; they hear nothing of it. False when it was so already.

    Raises GoneMeanwhile.
    """
    (whole,) = entries.lock_entries([entry.whole])
    if not rows_of_entry(whole).filter(blocked_at=None).update(blocked_at=now):
        return False
    _note_block("contact.blocked", whole, by, now)
    return True


@transaction.atomic
def unblock_sender(*, entry: Contact, by: User, now: datetime) -> bool:
    """Show the threads of a contact again, where they belong; nothing of it is unread. False when it was not blocked.

    Raises GoneMeanwhile.
    """
    (whole,) = entries.lock_entries([entry.whole])
    if not rows_of_entry(whole).exclude(blocked_at=None).update(blocked_at=None):
        return False
    _note_block("contact.unblocked", whole, by, now)
    return True


def _note_block(action: str, entry: Contact, by: User, now: datetime) -> None:
    rows = [row.pk for row in rows_of_entry(entry)]
    _hide_as_blocked(rows, now=now)
    record_audit(action=action, at=now, actor=by, subscriber=entry.subscriber, target=str(entry.pk), contact=entry.pk)
    _tell(entry.subscriber_id, rows, {entry.pk}, now=now)


def _hide_as_blocked(rows: Collection[int], *, now: datetime) -> None:
    """Conversations are hidden exactly while their contact is blocked."""
    ours = Conversation.objects.filter(contact__in=rows)
    # In one order, whoever else has several of them in hand.
    list(ours.select_for_update(no_key=True, of=("self",)).order_by("pk").values_list("pk", flat=True))
    ours.filter(hidden_at=None, contact__blocked_at__isnull=False).update(hidden_at=now)
    ours.filter(hidden_at__isnull=False, contact__blocked_at=None).update(hidden_at=None)


def _tell(subscriber_id: int, rows: Collection[int], changed: Iterable[int], *, now: datetime) -> None:
    """Have every screen draw the threads of these numbers anew, and the phone book the entries."""
    conversations = list(Conversation.objects.filter(contact__in=rows).order_by("pk")[: MOST_ANNOUNCED + 1])
    if len(conversations) > MOST_ANNOUNCED:
        record(subscriber_id=subscriber_id, kind=Kind.PHONEBOOK_CHANGED, at=now)
        return
    for pk in sorted(changed):
        # The id of the entry: only what shows it is to be drawn anew.
        record(subscriber_id=subscriber_id, kind=Kind.PHONEBOOK_CHANGED, at=now, message_id=pk)
    for conversation in conversations:
        announce_conversation(conversation, now=now)


def _drop_unused(rows: Collection[int]) -> None:
    """A number that was taken away, never had a thread, and is of no other use, is not kept."""
    # Nobody texts one for the first time between the look at it and its end: a thread needs its contact's row.
    list(Contact.objects.select_for_update().filter(pk__in=rows).order_by("pk").values_list("pk", flat=True))
    Contact.objects.filter(
        pk__in=rows,
        main=None,
        name="",
        blocked_at=None,
        erased_at=None,
        conversations=None,
        consents=None,
        others=None,
        legal_holds=None,
    ).delete()
