"""The phone book."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext

from server import phone
from server.accounts.models import Subscriber
from server.contacts import numbering
from server.contacts.ordering import Folded
from server.word_index import WordsField


class Tag(models.Model):
    """A word that a company sorts its contacts by."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=40)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["subscriber", "name"], name="one_tag_per_name")]

    def __str__(self) -> str:
        return self.name


class Contact(models.Model):
    """An outside party, by number; one without a name is not in the phone book.

    A contact with several numbers is a row for each: the others point to the first, `main`, which alone has
    e-mail addresses, tags, language and remark; name and company are the same on all, as every list reads them there.
    """

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="contacts")
    number = models.CharField(max_length=20, help_text="E.164, or the raw sender when it is a short code or a name")
    name = models.CharField(max_length=120, blank=True)
    company = models.CharField(max_length=120, blank=True)
    note = models.TextField(blank=True)
    main = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="others")
    emails = models.JSONField(default=list, blank=True)
    language = models.CharField(max_length=5, blank=True, help_text="Two letters: what to write to them in")
    tags = models.ManyToManyField(Tag, blank=True, related_name="contacts")
    blocked_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True, help_text="The number is a salted hash since")
    words = WordsField(of="said_of_it")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["subscriber", "number"], name="one_contact_per_number")]
        # Looking a name up in the new-message dialog.
        indexes: ClassVar = [
            models.Index(fields=["subscriber", "name"], name="contacts_by_name"),
            # The pages of the phone book. Numbers without an entry of their own do not pay for it.
            models.Index("subscriber", Folded("name"), "id", condition=models.Q(main__isnull=True), name="contacts_in_order"),
            # The further numbers of an entry: most have none, and a database may think little of an index of nothing but those.
            models.Index("main", condition=models.Q(main__isnull=False), name="contacts_of_entry"),
            # The few that are blocked.
            models.Index("subscriber", condition=models.Q(blocked_at__isnull=False), name="contacts_blocked"),
        ]

    def __str__(self) -> str:
        return self.name or self.display_number

    @property
    def whole(self) -> Contact:
        """The entry that this number belongs to."""
        return self.main or self

    @property
    def country(self) -> str:
        """The two letters of the number's country; empty for a short code or a name."""
        return phone.country_of(self.number)

    @property
    def said_of_it(self) -> str:
        """What it is found by: the name, the company, and every end of the number, so that a part of it is a beginning."""
        return " ".join([self.name, self.company, *numbering.ends_of(self.number)])

    @property
    def display_number(self) -> str:
        return gettext("Erased contact") if self.erased_at else phone.display(self.number)

    @property
    def can_be_answered(self) -> bool:
        """A name such as INFO has no number to send to."""
        return self.number.startswith("+")
