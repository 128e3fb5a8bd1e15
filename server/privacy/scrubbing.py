"""What people have typed or made that tells of a person who is erased: filters, files of messages, files of contacts."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from django.contrib.admin.models import LogEntry
from django.db.models import Q

from server.contacts.models import ContactImport, ImportedContact
from server.history.export_log import tell
from server.history.filter import ABOUT_PEOPLE
from server.history.looking_after import make_again
from server.history.models import UNFINISHED, Export, ExportStatus, SavedFilter
from server.messaging.models import Conversation
from server.wording import words_in

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from server.accounts.models import Subscriber
    from server.contacts.models import Contact

# A number typed without its country, or with 06, ends the same.
_DIGITS = 8


class Person:
    """Whom to look for in texts: by the end of a number in any format, or by the whole name in any order."""

    def __init__(self, numbers: Collection[Contact]) -> None:
        digits = [re.sub(r"\D", "", row.number) for row in numbers]
        self._ends = [each[-_DIGITS:] for each in digits if len(each) >= _DIGITS]
        self._senders = [words_in(row.number) for row in numbers if not row.number.startswith("+")]
        names = {row.name for row in numbers if row.name}
        emails = {str(email) for row in numbers for email in row.emails}
        self._phrases = [words for words in map(words_in, [*names, *emails]) if words]

    def is_told_of_in(self, text: str) -> bool:
        digits = re.sub(r"\D", "", text)
        words = {*words_in(text)}
        named = [*self._phrases, *self._senders]
        return any(end in digits for end in self._ends) or any(words.issuperset(phrase) for phrase in named if phrase)


def scrub_files_and_filters(*, subscriber: Subscriber, numbers: Collection[Contact], now: datetime) -> dict[str, int]:
    """Delete or empty what tells of these numbers' person; returns how much of each. Within a transaction."""
    person = Person(numbers)
    _lock_files(subscriber)
    return {
        "filters": _forget_filters(subscriber, person),
        "files": _take_back_files(subscriber, numbers, person, now),
        "imports": _forget_imports(subscriber, numbers, person),
        "admin_log": _forget_admin_log(person),
    }


def _lock_files(subscriber: Subscriber) -> None:
    """All of them before the first is told of: the number of an event is locked last, by who works on one of them, too."""
    for files in (Export.objects.filter(subscriber=subscriber), ContactImport.objects.filter(subscriber=subscriber)):
        list(files.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))


def _forget_filters(subscriber: Subscriber, person: Person) -> int:
    told = [
        saved.pk
        for saved in SavedFilter.objects.filter(subscriber=subscriber)
        if any(person.is_told_of_in(text) for text in [saved.name, *_typed(saved.values)])
    ]
    return SavedFilter.objects.filter(pk__in=told).delete()[0]


def _typed(values: dict[str, Any]) -> list[str]:
    return [str(values.get(name, "")) for name in ABOUT_PEOPLE]


def _take_back_files(subscriber: Subscriber, numbers: Collection[Contact], person: Person, now: datetime) -> int:
    """Files that may hold what was written are deleted, those in the making are begun anew; nothing is left of the wording."""
    lines = {*Conversation.objects.filter(contact__in=[row.pk for row in numbers]).values_list("line", flat=True)}
    taken = 0
    current = Q(status__in=[*UNFINISHED, ExportStatus.FINISHED])
    for export in Export.objects.filter(current, subscriber=subscriber).select_related("subscriber", "user"):
        if not lines & {*export.line_ids}:
            continue
        # Whoever makes it says so all the time: it may have gone on since we looked.
        while export.is_unfinished and not make_again(export, now=now):
            export.refresh_from_db(fields=["status", "file", "seen_at", "attempts"])
        if Export.objects.filter(pk=export.pk, status=ExportStatus.FINISHED).update(status=ExportStatus.EXPIRED):
            # The file itself goes with the next look after exports, which finds that no export knows it any more.
            tell(export, now)
        taken += 1
    for export in Export.objects.filter(subscriber=subscriber).exclude(values={}):
        if any(person.is_told_of_in(text) for text in _typed(export.values)):
            kept = {name: value for name, value in export.values.items() if name not in ABOUT_PEOPLE}
            Export.objects.filter(pk=export.pk).update(values=kept)
    return taken


def _forget_imports(subscriber: Subscriber, numbers: Collection[Contact], person: Person) -> int:
    theirs = ImportedContact.objects.filter(contact__in=[row.pk for row in numbers])
    forgotten = theirs.update(before={}, after={})
    for one in ContactImport.objects.filter(subscriber=subscriber):
        samples, errors = (json.dumps(part, ensure_ascii=False) for part in (one.columns, one.errors))
        if person.is_told_of_in(one.file_name) or person.is_told_of_in(samples) or person.is_told_of_in(errors):
            ContactImport.objects.filter(pk=one.pk).update(file_name="", columns=[], errors=[])
            forgotten += 1
    return forgotten


def _forget_admin_log(person: Person) -> int:
    told = [pk for pk, called in LogEntry.objects.values_list("pk", "object_repr") if person.is_told_of_in(called)]
    return LogEntry.objects.filter(pk__in=told).update(object_repr="")
