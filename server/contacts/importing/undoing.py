"""Taking an import back, as far as nobody has worked with what it brought.

What it made is deleted, unless somebody has texted or changed it since: then only that is taken back which still says
what the import wrote. What it changed gets back what was there before, on the same condition.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef

from server.contacts.importing.writing import FIELDS, save_changed
from server.contacts.models import Contact, ImportedContact, Tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

    from server.contacts.models import ContactImport

_EMPTY: dict[str, Any] = {"emails": [], "main_id": None}


def take_back(rows: Sequence[ImportedContact]) -> Counter[str]:
    """Undo these in the transaction of the caller; how many were deleted, restored and kept."""
    # Nobody texts one for the first time between the look at it and its end: a thread needs its contact's row.
    locked = Contact.objects.select_for_update().filter(pk__in=[row.contact_id for row in rows]).order_by("pk")
    there = set(locked.values_list("pk", flat=True))
    rows = [row for row in rows if row.contact_id in there]
    if not rows:
        return Counter()
    contacts = {contact.pk: contact for contact in _with_uses([row.contact_id for row in rows], rows[0].source_id)}
    tagged = _tags_of(contacts)
    done: Counter[str] = Counter()
    doomed, changed = [], []
    people = [*contacts.values()]
    held = people[0].legal_holds.model.objects.in_force().held_among(people)
    for row in rows:
        contact = contacts[row.contact_id]
        if contact.pk in held:
            done["kept"] += 1
            continue
        if not row.before and _is_untouched(contact, row.after, tagged.get(contact.pk, set())):
            doomed.append(contact.pk)
            done["deleted"] += 1
            continue
        taken = _restore(contact, row)
        if taken:
            changed.append(contact)
        done["restored" if row.before else "kept"] += 1
    _remove_tags([row for row in rows if row.contact_id not in held], set(doomed))
    ImportedContact.objects.filter(pk__in=[row.pk for row in rows]).delete()
    save_changed(changed)
    Contact.objects.filter(pk__in=doomed).delete()
    return done


def drop_unused_tags(source: ContactImport, tag_ids: set[int]) -> None:
    """Those that came with an import and that nobody has now."""
    Tag.objects.filter(subscriber=source.subscriber_id, pk__in=tag_ids, contacts=None).delete()


def _with_uses(ids: Sequence[int], source_id: int) -> QuerySet[Contact]:
    brought = ImportedContact.objects.filter(source=source_id, contact=OuterRef("pk"))
    added_since = Contact.objects.filter(main=OuterRef("pk")).filter(~Exists(brought))
    contacts = Contact.objects.filter(pk__in=ids).annotate(has_others=Exists(added_since))
    for at, related in enumerate(_uses()):
        named = {related.field.name: OuterRef("pk")}
        contacts = contacts.annotate(**{f"use_{at}": Exists(related.related_model._base_manager.filter(**named))})
    return contacts


def _uses() -> list[Any]:
    """Everything that may stand on a contact: threads, consents, and what later rooms add; its own numbers apart."""
    ours = {Contact, ImportedContact, Contact.tags.through}
    return [related for related in Contact._meta.related_objects if related.related_model not in ours]


def _is_untouched(contact: Contact, after: dict[str, Any], tags: set[int]) -> bool:
    seen: Any = contact
    is_used = (
        contact.blocked_at or contact.erased_at or seen.has_others or any(getattr(seen, f"use_{at}") for at in range(len(_uses())))
    )
    is_changed = any(getattr(contact, name) != after.get(name, _EMPTY.get(name, "")) for name in FIELDS if name != "main_id")
    return not is_used and not is_changed and not _was_given_away(contact, after) and tags <= set(after.get("tags", []))


def _was_given_away(contact: Contact, after: dict[str, Any]) -> bool:
    """Whether somebody has made it a number of another entry. (Of a contact that is gone the other numbers have no main one.)"""
    return contact.main_id not in {None, after.get("main_id")}


def _restore(contact: Contact, row: ImportedContact) -> bool:
    """Whether anything of it changed."""
    taken = False
    seen: Any = contact
    # The name is that of all numbers of an entry: of those that somebody has put together it stays as it is.
    kept = {"name", "company"} if seen.has_others else {*FIELDS} if _was_given_away(contact, row.after) else set()
    for name in FIELDS:
        if name in kept:
            continue
        if name in row.after and getattr(contact, name) == row.after[name]:
            setattr(contact, name, row.before.get(name, _EMPTY.get(name, "")))
            taken = True
    return taken


def _tags_of(ids: dict[int, Contact]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for contact, tag in Contact.tags.through.objects.filter(contact_id__in=ids).values_list("contact_id", "tag_id"):
        found.setdefault(contact, set()).add(tag)
    return found


def _remove_tags(rows: Sequence[ImportedContact], doomed: set[int]) -> None:
    added = {(row.contact_id, tag) for row in rows if row.contact_id not in doomed for tag in row.after.get("tags", [])}
    through = Contact.tags.through
    links = through.objects.filter(contact_id__in={contact for contact, _ in added}, tag_id__in={tag for _, tag in added})
    through.objects.filter(pk__in=[link.pk for link in links if (link.contact_id, link.tag_id) in added]).delete()
