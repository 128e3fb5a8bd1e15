"""What entries of a file would change in the phone book: worked out in memory, written by nobody.

The dry run shows it; the import works it out again, within the transaction that writes it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Q

from server.contacts.importing.columns import Mode
from server.contacts.importing.entries import Fault
from server.contacts.importing.problems import Reason
from server.contacts.models import Contact
from server.wording import fold

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from server.accounts.models import Subscriber
    from server.contacts.importing.entries import Entry


class Outcome(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    ERROR = "error"


@dataclass(slots=True)
class Draft:
    """A contact as it is to be: what was there before, and the tags that are added."""

    contact: Contact
    before: dict[str, Any] = field(default_factory=dict)
    added_tags: list[str] = field(default_factory=list)

    @property
    def is_new(self) -> bool:
        return self.contact.pk is None

    @property
    def is_touched(self) -> bool:
        return self.is_new or bool(self.before or self.added_tags)

    def put(self, name: str, value: Any) -> bool:
        """Set a field; whether that changed anything."""
        old = getattr(self.contact, name)
        if old == value:
            return False
        if not self.is_new:
            self.before.setdefault(name, old)
        setattr(self.contact, name, value)
        return True


@dataclass(frozen=True, slots=True)
class Step:
    """What one row comes to."""

    row: int
    outcome: Outcome
    fault: Fault | None = None
    number: str = ""
    name: str = ""
    # Field, before, after: for the dry run's preview.
    changes: tuple[tuple[str, str, str], ...] = ()


class Plan:
    """The steps of some entries, one after the other, and the drafts that they come to."""

    def __init__(self, *, subscriber: Subscriber, mode: str, seen: dict[str, int], now: datetime) -> None:
        self.drafts: list[Draft] = []
        self.steps: list[Step] = []
        self._subscriber, self._mode, self._seen, self._now = subscriber, mode, seen, now
        self._by_number: dict[str, Draft] = {}
        self._by_pk: dict[int, Draft] = {}
        self._of_whole: dict[int, list[Draft]] = defaultdict(list)
        self._tags: dict[int, list[str]] = defaultdict(list)

    def make(self, entries: Sequence[Entry]) -> Plan:
        self._read({number for entry in entries for number in entry.numbers})
        for entry in entries:
            try:
                self.steps.append(self._step(entry))
            except Fault as fault:
                self.steps.append(Step(entry.row, Outcome.ERROR, fault))
            for number in entry.numbers:
                self._seen.setdefault(number, entry.row)
        return self

    def touched(self) -> list[Draft]:
        return [draft for draft in self.drafts if draft.is_touched]

    # --- What is known already

    def _read(self, numbers: set[str]) -> None:
        known = _locked(Contact.objects.filter(subscriber=self._subscriber, erased_at=None))
        met = list(known.filter(number__in=numbers))
        wholes = {contact.main_id or contact.pk for contact in met}
        families = known.filter(Q(pk__in=wholes) | Q(main_id__in=wholes)) if wholes else Contact.objects.none()
        for contact in {contact.pk: contact for contact in [*met, *families]}.values():
            self._know(Draft(contact))
        tagged = Contact.tags.through.objects.filter(contact_id__in=wholes).values_list("contact_id", "tag__name")
        for pk, name in tagged:
            self._tags[pk].append(name)

    def _know(self, draft: Draft) -> None:
        contact = draft.contact
        self.drafts.append(draft)
        self._by_number[contact.number] = draft
        if contact.pk:
            self._by_pk[contact.pk] = draft
            self._of_whole[contact.main_id or contact.pk].append(draft)

    # --- One entry

    def _step(self, entry: Entry) -> Step:
        self._require_first_mention(entry)
        known = [self._by_number[number] for number in entry.numbers if number in self._by_number]
        for number, fault in entry.doubts.items():
            if number not in self._by_number:
                raise fault
        whole = self._whole_of(entry, known)
        if whole is None:
            return self._add(entry)
        if not (entry.name or whole.contact.name):
            raise Fault(entry.row, Reason.NO_NAME)
        was_named = bool(whole.contact.name)
        changes = () if was_named and self._mode == Mode.SKIP else self._merge(entry, whole)
        outcome = Outcome.CHANGED if changes else Outcome.SAME
        return Step(entry.row, outcome, number=whole.contact.number, name=whole.contact.name, changes=tuple(changes))

    def _require_first_mention(self, entry: Entry) -> None:
        for number in entry.numbers:
            if number in self._seen:
                raise Fault(entry.row, Reason.TWICE, value=number, where=str(self._seen[number]))

    def _whole_of(self, entry: Entry, known: list[Draft]) -> Draft | None:
        """The entry of the phone book that is meant; None for one that is not there yet."""
        named = {self._whole_pk(draft): draft for draft in known if draft.contact.name}
        if len(named) > 1:
            raise Fault(entry.row, Reason.TWO_CONTACTS, value=", ".join(draft.contact.number for draft in named.values()))
        wholes = [self._by_pk.get(pk, draft) for pk, draft in named.items()] or known
        whole = wholes[0] if wholes else None
        if whole is not None and any(bool(draft.contact.blocked_at) != bool(whole.contact.blocked_at) for draft in known):
            # Threads would have to be hidden, or shown again.
            raise Fault(entry.row, Reason.TWO_CONTACTS, value=", ".join(draft.contact.number for draft in known))
        return whole

    @staticmethod
    def _whole_pk(draft: Draft) -> int:
        return draft.contact.main_id or draft.contact.pk

    def _add(self, entry: Entry) -> Step:
        if not entry.name:
            raise Fault(entry.row, Reason.NO_NAME)
        first = Contact(
            subscriber=self._subscriber,
            number=entry.numbers[0],
            name=entry.name,
            company=entry.company,
            note=entry.note,
            emails=entry.emails,
            language=entry.language,
            created_at=self._now,
        )
        self._know(Draft(first, added_tags=list(entry.tags)))
        for number in entry.numbers[1:]:
            self._add_number(number, first)
        return Step(entry.row, Outcome.NEW, number=first.number, name=first.name)

    def _add_number(self, number: str, main: Contact) -> None:
        other = Contact(
            subscriber=self._subscriber, number=number, main=main, name=main.name, company=main.company, created_at=self._now
        )
        other.blocked_at = main.blocked_at
        self._know(Draft(other))

    def _merge(self, entry: Entry, whole: Draft) -> list[tuple[str, str, str]]:
        contact, changes = whole.contact, []
        family = self._of_whole[contact.pk] or [whole]
        for name in ("name", "company", "note", "emails", "language"):
            old, new = getattr(contact, name), getattr(entry, name)
            if not new or (old and self._mode != Mode.OVERWRITE):
                continue
            if whole.put(name, new):
                changes.append((name, _shown(old), _shown(new)))
        for draft in family:
            draft.put("name", contact.name)
            draft.put("company", contact.company)
        changes += self._tag(entry, whole)
        changes += self._join(entry, whole)
        return changes

    def _tag(self, entry: Entry, whole: Draft) -> list[tuple[str, str, str]]:
        there = self._tags[whole.contact.pk]
        known = {fold(name) for name in there}
        added = [name for name in entry.tags if fold(name) not in known]
        if not added:
            return []
        before = ", ".join(there)
        there.extend(added)
        whole.added_tags.extend(added)
        return [("tags", before, ", ".join(there))]

    def _join(self, entry: Entry, whole: Draft) -> list[tuple[str, str, str]]:
        """Further numbers of the same contact: new ones, and those that have texted and had no name."""
        joined = []
        for number in entry.numbers:
            draft = self._by_number.get(number)
            if draft is None:
                self._add_number(number, whole.contact)
            elif draft is whole or draft.contact.main_id == whole.contact.pk:
                continue
            else:
                draft.put("main_id", whole.contact.pk)
                draft.put("name", whole.contact.name)
                draft.put("company", whole.contact.company)
            joined.append(("number", "", number))
        return joined


def _locked(contacts: QuerySet[Contact]) -> QuerySet[Contact]:
    """In a transaction nobody else may change them meanwhile; the dry run is in none."""
    return contacts.select_for_update(no_key=True).order_by("pk") if connection.in_atomic_block else contacts


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
