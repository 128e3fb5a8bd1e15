"""What the pages about privacy show: a person's wishes, the company's opt-outs, a certificate."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server.contacts import numbering, phonebook
from server.contacts.erased import forms_of
from server.contacts.models import Contact, OptOut
from server.contacts.optout import Source
from server.lines.models import Line
from server.phone import NumberNotValid, to_e164
from server.privacy.holds import is_on_hold
from server.privacy.models import Erasure, LegalHold
from server.privacy.provider_redactions import ACCOUNT_REFUSED, LINE_HELD, NO_PROVIDER, OTHER_ACCOUNT
from server.privacy.wishes import consents_of, opt_outs_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from server.accounts.models import Subscriber, User
    from server.privacy.models import ProviderRedaction

MOST_FOUND = 20
SOURCES = {
    Source.SMS: gettext_lazy("SMS"),
    Source.PROVIDER: gettext_lazy("the provider"),
    Source.PERSON: gettext_lazy("a colleague"),
}
PROBLEMS = {
    ACCOUNT_REFUSED: gettext_lazy("the provider refuses the account: give the line's credentials anew"),
    OTHER_ACCOUNT: gettext_lazy("it was sent from an account that is no longer the line's: ask that provider yourself"),
    NO_PROVIDER: gettext_lazy("the line's provider is not known any more"),
    LINE_HELD: gettext_lazy("the line is held: it is asked once that is over"),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """An opt-out as people read it."""

    row: OptOut

    @property
    def source(self) -> str:
        return str(SOURCES.get(self.row.source, self.row.source))

    @property
    def number(self) -> str:
        return self.row.number


def contact_to_look_after(user: User, contact_id: int) -> Contact:
    """The main number of an entry of the administrator's own company."""
    chosen = Contact.objects.select_related("main", "subscriber").filter(subscriber=user.subscriber_id, pk=contact_id).first()
    if chosen is None:
        raise Http404
    return chosen.whole


def privacy_of(contact: Contact, user: User) -> dict[str, Any]:
    """What stands on the contact's page."""
    lines = Line.objects.visible_to(user)
    entry = contact.whole
    return {
        "entry": entry,
        "wishes": [Wish(row) for row in opt_outs_of(entry, lines=lines)],
        "consents": consents_of(entry).order_by("-given_at", "-pk"),
        "lines": lines.order_by("label"),
        "may_override": user.sees_all_lines and not user.only_reads,
        "may_write": not user.only_reads and not entry.erased_at,
        "holds": LegalHold.objects.on(entry).in_force().select_related("placed_by", "contact"),
        "erasure": Erasure.objects.filter(entry=entry.pk).order_by("-requested_at").first() if user.administers else None,
        "is_on_hold": is_on_hold(entry),
        "zone": user.subscriber.timezone,
    }


def opt_outs_like(subscriber: Subscriber, text: str) -> QuerySet[OptOut]:
    """The company's opt-outs, newest first; with a part of a number, those of numbers that have it."""
    found = OptOut.objects.filter(line__subscriber=subscriber).select_related("line", "recorded_by", "ended_by")
    found = found.order_by("-opted_out_at", "-pk")
    if not text:
        return found
    known = Contact.objects.filter(subscriber=subscriber)
    parts = numbering.parts_meant(text, country=subscriber.country)
    numbers = list(known.filter(words__have=parts[:1]).values_list("number", flat=True)[:5000]) if parts else []
    with suppress(NumberNotValid):
        # Also of a number that was erased since: who has the number may ask what is known of it.
        numbers += forms_of(to_e164(text, country=subscriber.country), subscriber_id=subscriber.pk)
    return found.filter(number__in=numbers)


def people_like(subscriber: Subscriber, text: str) -> list[Contact]:
    """Whose data somebody may ask for: for a company that has no phone book to find them in, as its SMS is switched off."""
    rows = phonebook.matching(subscriber=subscriber, text=text).filter(erased_at=None).select_related("main")
    return list({row.whole.pk: row.whole for row in rows[:MOST_FOUND]}.values())


def problem_in_words(redaction: ProviderRedaction) -> str:
    if not redaction.problem:
        return _("being asked")
    return str(PROBLEMS.get(redaction.problem, _("no answer yet: it is asked again")))


def counts_in_words(erasure: Erasure) -> list[tuple[str, int]]:
    """What an erasure took away, besides messages."""
    names = {
        "numbers": _("Telephone numbers"),
        "conversations": _("Conversations"),
        "notes": _("Internal notes"),
        "drafts": _("Drafts"),
        "calls": _("Calls"),
        "receipts": _("Records of what the provider posted"),
        "files": _("Downloaded files taken back"),
        "filters": _("Saved filters"),
        "imports": _("Records of imports"),
    }
    return [(name, erasure.counts[key]) for key, name in names.items() if erasure.counts.get(key)]
