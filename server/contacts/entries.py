"""Entries of the phone book: written, put together, taken apart, emptied. server/messaging/partners.py tells the screens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Q

from server import phone
from server.contacts.cleaning import one_line, several_lines
from server.contacts.models import Contact, Tag
from server.contacts.phonebook import contact_for, name_rows, rows_of_entry
from server.wording import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from server.accounts.models import Subscriber

MOST_NUMBERS, MOST_EMAILS, MOST_TAGS = 20, 10, 20
LONGEST_NAME, LONGEST_TAG, LONGEST_NOTE = 120, 40, 2000


class Reason(StrEnum):
    MISSING = "missing"
    TOO_LONG = "too long"
    TOO_MANY = "too many"
    NOT_VALID = "not valid"
    OF_ANOTHER = "of another"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a field, and with which of its values; `owner` is the entry that has the number already."""

    field: str
    reason: Reason
    value: str = ""
    owner: Contact | None = None


class EntryNotValid(ValueError):
    """Nothing was changed; `problems` say why, all of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(", ".join(f"{problem.field} {problem.reason}" for problem in problems))
        self.problems = problems


class GoneMeanwhile(Exception):
    """Somebody has merged or deleted the entry in this very moment."""


class OnLegalHold(Exception):
    """What there is of this person must be kept, their name and what is remarked of them, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What an entry shall say; None leaves a field as it is."""

    name: str
    company: str | None = None
    note: str | None = None
    numbers: Sequence[str] | None = None
    emails: Sequence[str] | None = None
    tags: Sequence[str] | None = None
    language: str | None = None


def write_entry(*, subscriber: Subscriber, entry: Contact | None, facts: Facts, now: datetime) -> Contact:
    """Make an entry of a name and its numbers, or change one; within a transaction. Raises EntryNotValid with every problem."""
    if entry is not None:
        entry = lock_entries([entry])[0]
    said, problems = _read(facts)
    numbers = None
    if facts.numbers is not None or entry is None:
        numbers = _numbers_in(facts.numbers or (), subscriber, entry, problems)
    if problems:
        raise EntryNotValid(problems)
    rows = _rows_for(subscriber, entry, numbers, now)
    main, others = rows[0], rows[1:]
    main.note, main.language = said.note if said.note is not None else main.note, _or(said.language, main.language)
    main.emails = list(said.emails) if said.emails is not None else main.emails
    main.save(update_fields=["note", "language", "emails", "main"])
    for row in others:
        row.main, row.blocked_at = main, main.blocked_at
        row.save(update_fields=["main", "blocked_at"])
    name_rows(rows, name=said.name, company=_or(said.company, main.company))
    if said.tags is not None:
        tag(main, said.tags)
    return main


def lock_entries(entries: Sequence[Contact]) -> list[Contact]:
    """The entries as they are now, locked in one order; raises GoneMeanwhile when one is another's number or erased by now."""
    rows = {
        row.pk: row
        for row in Contact.objects.select_for_update(no_key=True).filter(pk__in=[one.pk for one in entries]).order_by("pk")
    }
    if any(one.pk not in rows or rows[one.pk].main_id or rows[one.pk].erased_at for one in entries):
        raise GoneMeanwhile
    return [rows[one.pk] for one in entries]


def tag(entry: Contact, names: Sequence[str]) -> None:
    """Give an entry exactly these tags; one that differs from a known one only by case or accents is the known one."""
    known = {fold(each.name): each for each in Tag.objects.filter(subscriber_id=entry.subscriber_id)}
    wanted = []
    for name in names:
        if fold(name) not in known:
            known[fold(name)], _ = Tag.objects.get_or_create(subscriber_id=entry.subscriber_id, name=name)
        wanted.append(known[fold(name)])
    before = list(entry.tags.values_list("pk", flat=True))
    entry.tags.set(wanted)
    # What nothing is sorted by any more need not be offered.
    Tag.objects.filter(pk__in=before, contacts=None).delete()


def join(*, keep: Contact, other: Contact) -> list[Contact]:
    """Make the numbers of another entry further numbers of this one; both are locked. Returns the numbers that came."""
    rows = list(rows_of_entry(other))
    keep.emails = _each_once([*keep.emails, *other.emails])[:MOST_EMAILS]
    keep.note = "\n".join(note for note in (keep.note, other.note) if note)
    keep.language = keep.language or other.language
    keep.save(update_fields=["emails", "note", "language"])
    keep.tags.add(*other.tags.all())
    empty(other)
    for row in rows:
        row.main, row.blocked_at = keep, keep.blocked_at
        row.save(update_fields=["main", "blocked_at"])
    name_rows(rows, name=keep.name, company=keep.company)
    return rows


def separate(*, number: Contact, with_name: bool) -> None:
    """Let a further number stand for itself again: as an entry of the same name, or without a name."""
    if number.main is not None:
        _keep_on_hold(number, whole=number.main)
    number.main = None
    number.save(update_fields=["main"])
    if not with_name:
        name_rows([number], name="", company="")


def _keep_on_hold(number: Contact, *, whole: Contact) -> None:
    """A legal hold keeps all numbers of an entry: taken apart, each part stays on hold."""
    hold = number.legal_holds.model.objects.filter(contact__in=rows_of_entry(whole), ended_at=None).order_by("pk").first()
    if hold is None:
        return
    for part in (number, whole):
        if not part.legal_holds.filter(ended_at=None).exists():
            hold.pk, hold.contact = None, part
            hold.save(force_insert=True)


def empty(entry: Contact) -> None:
    """Take from an entry what only its main number has."""
    entry.note, entry.language, entry.emails = "", "", []
    entry.save(update_fields=["note", "language", "emails"])
    tag(entry, ())


# --- What was typed ---------------------------------------------------------------------------


def _read(facts: Facts) -> tuple[Facts, list[Problem]]:
    said = Facts(
        name=one_line(facts.name),
        company=None if facts.company is None else one_line(facts.company),
        note=None if facts.note is None else several_lines(facts.note),
        emails=None if facts.emails is None else _each_once([one_line(text).replace(" ", "") for text in facts.emails]),
        tags=None if facts.tags is None else _each_once([one_line(word) for text in facts.tags for word in re.split("[,;]", text)]),
        language=facts.language,
    )
    problems = [] if said.name else [Problem("name", Reason.MISSING)]
    lengths = (("name", said.name, LONGEST_NAME), ("company", said.company, LONGEST_NAME), ("note", said.note, LONGEST_NOTE))
    problems += [Problem(field, Reason.TOO_LONG) for field, text, longest in lengths if text and len(text) > longest]
    problems += [Problem("tags", Reason.TOO_LONG, name[:LONGEST_TAG]) for name in said.tags or () if len(name) > LONGEST_TAG]
    problems += [Problem("emails", Reason.NOT_VALID, address[:80]) for address in said.emails or () if not _is_email(address)]
    if len(said.tags or ()) > MOST_TAGS:
        problems.append(Problem("tags", Reason.TOO_MANY))
    if len(said.emails or ()) > MOST_EMAILS:
        problems.append(Problem("emails", Reason.TOO_MANY))
    if said.language and not re.fullmatch("[a-z]{2}", said.language):
        problems.append(Problem("language", Reason.NOT_VALID))
    return said, problems


def _numbers_in(typed: Sequence[str], subscriber: Subscriber, entry: Contact | None, problems: list[Problem]) -> list[str]:
    """The numbers as they are kept, each once; what is no number, or another entry's, is added to the problems."""
    numbers: list[str] = []
    for text in filter(None, (one_line(text) for text in typed)):
        try:
            number = phone.to_e164(text, country=subscriber.country)
        except phone.NumberNotValid:
            # A short code or a name can't be typed in; one that has written to us may have a name.
            known = Contact.objects.filter(subscriber=subscriber, number=text).first()
            if known is None:
                problems.append(Problem("numbers", Reason.NOT_VALID, text[:40]))
                continue
            number = text
        owner = _owner_of(number, subscriber)
        if owner is not None and (entry is None or owner.pk != entry.pk):
            problems.append(Problem("numbers", Reason.OF_ANOTHER, number, owner))
        elif number not in numbers:
            numbers.append(number)
    if not numbers and not problems:
        problems.append(Problem("numbers", Reason.MISSING))
    if len(numbers) > MOST_NUMBERS:
        problems.append(Problem("numbers", Reason.TOO_MANY))
    return numbers


def _owner_of(number: str, subscriber: Subscriber) -> Contact | None:
    """The entry that has the number; a number that nobody has named yet is nobody's."""
    row = Contact.objects.select_related("main").filter(subscriber=subscriber, number=number).first()
    if row is None or not (row.main_id or row.name or row.others.exists()):
        return None
    return row.whole


def _rows_for(subscriber: Subscriber, entry: Contact | None, numbers: list[str] | None, now: datetime) -> list[Contact]:
    """The rows of the entry's numbers, the main one first; those that it shall not have any longer stand for themselves."""
    before = list(rows_of_entry(entry)) if entry is not None else []
    if numbers is None:
        return before
    rows = _locked([contact_for(subscriber=subscriber, number=number, now=now) for number in numbers], entry)
    if entry is None:
        return rows
    wanted = {row.pk for row in rows}
    main = next((row for row in rows if row.pk == entry.pk), rows[0])
    if main.pk != entry.pk:
        _take_over(main, entry)
    for row in before:
        if row.pk not in wanted:
            separate(number=row, with_name=False)
    return [main, *(row for row in rows if row.pk != main.pk)]


def _locked(rows: list[Contact], entry: Contact | None) -> list[Contact]:
    """The same rows, which nobody else gives to another entry now; raises GoneMeanwhile when somebody just has."""
    pk = entry.pk if entry is not None else None
    locked = {
        row.pk: row for row in Contact.objects.select_for_update(no_key=True).filter(pk__in=[row.pk for row in rows]).order_by("pk")
    }
    if any(row.main_id != pk if row.main_id else row.name and row.pk != pk for row in locked.values()):
        raise GoneMeanwhile
    return [locked[row.pk] for row in rows]


def _take_over(main: Contact, entry: Contact) -> None:
    """Another number becomes the main one."""
    _keep_on_hold(main, whole=entry)
    main.main, main.blocked_at = None, entry.blocked_at
    main.name, main.company = entry.name, entry.company
    main.note, main.language, main.emails = entry.note, entry.language, entry.emails
    main.save()
    main.tags.set(entry.tags.all())
    Contact.objects.filter(main=entry).exclude(pk=main.pk).update(main=main)
    empty(entry)


def _or[Value](said: Value | None, before: Value) -> Value:
    return before if said is None else said


def _each_once(texts: Iterable[str]) -> list[str]:
    return list({fold(text): text for text in reversed([text for text in texts if text])}.values())[::-1]


def _is_email(address: str) -> bool:
    try:
        validate_email(address)
    except ValidationError:
        return False
    return len(address) <= 254


def in_phone_book() -> Q:
    """Entries, not numbers without a name, nor further numbers of others."""
    return Q(main=None, erased_at=None) & ~Q(name="")
