"""The phone book, and who has asked a line to stop."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from server import phone
from server.accounts.models import Subscriber
from server.contacts import numbering
from server.lines.models import Line
from server.word_index import WordsField


class Contact(models.Model):
    """An outside party, by number; one without a name is not in the phone book."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="contacts")
    number = models.CharField(max_length=20, help_text="E.164, or the raw sender when it is a short code or a name")
    name = models.CharField(max_length=120, blank=True)
    company = models.CharField(max_length=120, blank=True)
    note = models.TextField(blank=True)
    words = WordsField(of="said_of_it")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["subscriber", "number"], name="one_contact_per_number")]
        # Looking a name up in the new-message dialog.
        indexes: ClassVar = [models.Index(fields=["subscriber", "name"], name="contacts_by_name")]

    def __str__(self) -> str:
        return self.name or self.display_number

    @property
    def said_of_it(self) -> str:
        """What it is found by: the name, the company, and every end of the number, so that a part of it is a beginning."""
        return " ".join([self.name, self.company, *numbering.ends_of(self.number)])

    @property
    def display_number(self) -> str:
        return phone.display(self.number)

    @property
    def can_be_answered(self) -> bool:
        """A name such as INFO has no number to send to."""
        return self.number.startswith("+")


class OptOut(models.Model):
    """A number asked a line to stop; `ended_at` when it asked to start again."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="opt_outs")
    number = models.CharField(max_length=20)
    source = models.CharField(max_length=24)
    words = models.CharField(max_length=200, blank=True)
    opted_out_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("opt-out")
        verbose_name_plural = _("opt-outs")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["line", "number"], condition=Q(ended_at__isnull=True), name="one_opt_out_in_force"),
        ]

    def __str__(self) -> str:
        return f"{self.number} → {self.line_id} {self.opted_out_at:%Y-%m-%d}"
