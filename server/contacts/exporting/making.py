"""Contacts into a file, batch by batch: however many there are, few of them are in memory."""

from __future__ import annotations

import itertools
from collections import defaultdict
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from django.db import models
from django.db.models import Count
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from server.accounts.models import record_audit
from server.contacts.exporting.card import Card
from server.contacts.exporting.formats import write_cards, write_delimited, write_sheet
from server.contacts.models import Contact
from server.contacts.ordering import Folded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django.db.models import QuerySet

    from server.accounts.models import User

BATCH = 1000


class ContactsFormat(models.TextChoices):
    XLSX = "xlsx", _("Workbook (.xlsx)")
    CSV = "csv", _("CSV")
    VCF = "vcf", _("vCard (.vcf)")


class NotAllowedToExport(Exception):
    """The person may not take contacts away."""


def export_contacts(*, user: User, entries: QuerySet[Contact], format: ContactsFormat, now: datetime) -> IO[bytes]:  # noqa: A002
    """These entries of the phone book as a file of the language that is active. Raises NotAllowedToExport."""
    if not user.may_export:
        raise NotAllowedToExport
    file = TemporaryFile()  # noqa: SIM115 (whoever hands it out closes it)
    try:
        rows = _write(entries.exclude(name=""), format, file)
        record_audit(action="contacts.exported", at=now, actor=user, subscriber=user.subscriber, rows=rows, format=format.value)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _write(entries: QuerySet[Contact], format: ContactsFormat, file: IO[bytes]) -> int:  # noqa: A002
    cards = _Counted(_cards(entries))
    if format == ContactsFormat.VCF:
        write_cards(file, cards)
    else:
        width = _most_numbers(entries)
        if format == ContactsFormat.XLSX:
            write_sheet(file, cards, numbers=width)
        else:
            write_delimited(file, cards, numbers=width, language=get_language() or "")
    return cards.count


class _Counted:
    def __init__(self, cards: Iterator[Card]) -> None:
        self._cards, self.count = cards, 0

    def __iter__(self) -> Iterator[Card]:
        for card in self._cards:
            self.count += 1
            yield card


def _most_numbers(entries: QuerySet[Contact]) -> int:
    others = Contact.objects.filter(main__in=entries.order_by().values("pk")).values("main").annotate(count=Count("pk"))
    return 1 + (others.order_by("-count").values_list("count", flat=True).first() or 0)


def _cards(entries: QuerySet[Contact]) -> Iterator[Card]:
    fields = ("pk", "name", "company", "number", "emails", "note", "language")
    ordered = entries.order_by(Folded("name"), "pk").values_list(*fields)
    # The order is one moment's: somebody may be renamed while the file is made.
    pks = list(ordered.values_list("pk", flat=True))
    for batch in itertools.batched(pks, BATCH, strict=False):
        rows = {row[0]: row for row in Contact.objects.filter(pk__in=batch).values_list(*fields)}
        numbers, tags = defaultdict[int, list[str]](list), defaultdict[int, list[str]](list)
        for main, number in Contact.objects.filter(main__in=batch).order_by("pk").values_list("main_id", "number"):
            numbers[main].append(number)
        through = Contact.tags.through.objects.filter(contact__in=batch).order_by("tag__name")
        for pk, tag in through.values_list("contact_id", "tag__name"):
            tags[pk].append(tag)
        for pk in batch:
            if pk in rows:
                _pk, name, company, number, emails, note, language = rows[pk]
                yield Card(name, company, [number, *numbers[pk]], emails, note, tags[pk], language)
