"""What must not be deleted, since a court or an authority may ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Q

from server.accounts.models import Subscriber, User
from server.contacts.models import Contact

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Self


class LegalHoldQuerySet(models.QuerySet["LegalHold"]):
    def in_force(self) -> Self:
        return self.filter(ended_at=None)

    def on(self, contact: Contact) -> Self:
        """Those that keep this entry of the phone book: its own, and its company's."""
        numbers = Contact.objects.filter(Q(pk=contact.whole.pk) | Q(main=contact.whole.pk))
        return self.filter(Q(contact=None) | Q(contact__in=numbers), subscriber=contact.subscriber_id)

    def held_among(self, contacts: Collection[Contact]) -> set[int]:
        """The same for many at once: of these numbers the ids of those that must be kept."""
        entries = {contact.main_id or contact.pk for contact in contacts}
        ours = self.filter(subscriber__in={contact.subscriber_id for contact in contacts})
        companies = set(ours.filter(contact=None).values_list("subscriber", flat=True))
        named = ours.filter(Q(contact__in=entries) | Q(contact__main__in=entries))
        held = {main or pk for main, pk in named.values_list("contact__main", "contact")}
        return {contact.pk for contact in contacts if contact.subscriber_id in companies or (contact.main_id or contact.pk) in held}


class LegalHold(models.Model):
    """Nothing of this contact, or of the whole company when it names none, is erased or grows too old while it is in force."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="legal_holds")
    contact = models.ForeignKey(Contact, null=True, blank=True, on_delete=models.PROTECT, related_name="legal_holds")
    reason = models.CharField(max_length=300, blank=True, help_text="Empty once the contact was erased")
    placed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    placed_at = models.DateTimeField()
    ended_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = LegalHoldQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["contact"], condition=Q(ended_at__isnull=True, contact__isnull=False), name="one_hold_in_force_per_contact"
            ),
            models.UniqueConstraint(
                fields=["subscriber"],
                condition=Q(ended_at__isnull=True, contact__isnull=True),
                name="one_hold_in_force_per_company",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contact_id or 'company'} since {self.placed_at:%Y-%m-%d}"
