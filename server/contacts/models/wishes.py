"""Who has asked a line to stop, and who has agreed to be written to."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from server.accounts.models import User
from server.contacts.models.phonebook import Contact
from server.lines.models import Line


class OptOut(models.Model):
    """A number asked a line to stop; `ended_at` when it asked to start again."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="opt_outs")
    number = models.CharField(max_length=20)
    source = models.CharField(max_length=24)
    words = models.CharField(max_length=200, blank=True)
    opted_out_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ended_because = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("opt-out")
        verbose_name_plural = _("opt-outs")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["line", "number"], condition=Q(ended_at__isnull=True), name="one_opt_out_in_force"),
        ]

    def __str__(self) -> str:
        # Not the number: the audit log and the admin's own keep what a row is called.
        return f"{self.pk} → {self.line_id} {self.opted_out_at:%Y-%m-%d}"


class Consent(models.Model):
    """A contact has agreed to be written to; `withdrawn_at` when they took it back."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="consents")
    purpose = models.CharField(max_length=80, help_text="What they agreed to, such as a newsletter")
    source = models.CharField(max_length=120, help_text="Where they said so: a form, a call, an SMS")
    given_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    recorded_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["contact", "purpose"], condition=Q(withdrawn_at__isnull=True), name="one_consent_in_force_per_purpose"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contact_id}: {self.purpose} {self.given_at:%Y-%m-%d}"
