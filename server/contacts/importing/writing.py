"""Writing what was planned, with what an undo needs, in the transaction of the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from server.contacts.models import Contact, ImportedContact, Tag
from server.wording import fold, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from server.contacts.importing.planning import Draft
    from server.contacts.models import ContactImport

# What an import may give a contact.
FIELDS = ("name", "company", "note", "emails", "language", "main_id")
BATCH = 300


def write(source: ContactImport, drafts: Sequence[Draft]) -> None:
    new = {id(draft) for draft in drafts if draft.is_new}
    mains = [draft.contact for draft in drafts if id(draft) in new and draft.contact.main is None]
    Contact.objects.bulk_create(mains, batch_size=BATCH)
    others = [draft.contact for draft in drafts if id(draft) in new and draft.contact.main is not None]
    for contact in others:
        # It has its id only now.
        contact.main = contact.main
    Contact.objects.bulk_create(others, batch_size=BATCH)
    changed = [draft.contact for draft in drafts if id(draft) not in new and draft.before]
    save_changed(changed)
    tags = _add_tags(source, drafts)
    _remember(source, drafts, new, tags)


def save_changed(contacts: Sequence[Contact]) -> None:
    for contact in contacts:
        # Updating many at once does not work them out.
        contact.words = words_of(contact.said_of_it)
    Contact.objects.bulk_update(contacts, [*FIELDS[:-1], "main", "words"], batch_size=100)


def _add_tags(source: ContactImport, drafts: Sequence[Draft]) -> dict[str, Tag]:
    wanted = {fold(name): name for draft in drafts for name in draft.added_tags}
    if not wanted:
        return {}
    tags = _tags_named(source, wanted)
    Tag.objects.bulk_create(
        [Tag(subscriber_id=source.subscriber_id, name=name) for folded, name in wanted.items() if folded not in tags],
        ignore_conflicts=True,
    )
    tags = _tags_named(source, wanted)
    through = Contact.tags.through
    links = {(draft.contact.pk, tags[fold(name)].pk) for draft in drafts for name in draft.added_tags}
    through.objects.bulk_create([through(contact_id=contact, tag_id=tag) for contact, tag in sorted(links)], ignore_conflicts=True)
    return tags


def _tags_named(source: ContactImport, wanted: dict[str, str]) -> dict[str, Tag]:
    """A tag that differs in capitals only is the same one."""
    return {fold(tag.name): tag for tag in Tag.objects.filter(subscriber=source.subscriber_id) if fold(tag.name) in wanted}


def _remember(source: ContactImport, drafts: Sequence[Draft], new: set[int], tags: dict[str, Tag]) -> None:
    # Two rows of a file may be of the same contact.
    known = {
        row.contact_id: row for row in ImportedContact.objects.filter(source=source, contact__in=[d.contact.pk for d in drafts])
    }
    rows, again = [], []
    for draft in drafts:
        before, after = _told(draft, id(draft) in new, tags)
        row = known.get(draft.contact.pk)
        if row is None:
            rows.append(ImportedContact(source=source, contact=draft.contact, before=before, after=after))
            continue
        if row.before:
            row.before = before | row.before
        row.after = row.after | after | {"tags": [*row.after.get("tags", []), *after.get("tags", [])]}
        again.append(row)
    ImportedContact.objects.bulk_create(rows, batch_size=BATCH)
    ImportedContact.objects.bulk_update(again, ["before", "after"], batch_size=100)


def _told(draft: Draft, is_new: bool, tags: dict[str, Tag]) -> tuple[dict[str, Any], dict[str, Any]]:
    contact = draft.contact
    names = [name for name in FIELDS if getattr(contact, name)] if is_new else list(draft.before)
    after = {name: getattr(contact, name) for name in names}
    if draft.added_tags:
        after["tags"] = [tags[fold(name)].pk for name in draft.added_tags]
    # `before` is empty for one that was made only.
    before = {} if is_new else draft.before | ({"tags": []} if draft.added_tags else {})
    return before, after
