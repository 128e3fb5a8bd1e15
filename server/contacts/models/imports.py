"""Files of contacts on their way into the phone book."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from server.accounts.models import Subscriber, User
from server.contacts.models.phonebook import Contact


class ImportState(models.TextChoices):
    """uploaded → read → checking → checked → running → done → undoing → undone; failed or cancelled from anywhere before done."""

    UPLOADED = "uploaded", _("Uploaded")
    READ = "read", _("Columns to be chosen")
    CHECKING = "checking", _("Being checked")
    CHECKED = "checked", _("Checked")
    RUNNING = "running", _("Being imported")
    DONE = "done", _("Done")
    UNDOING = "undoing", _("Being undone")
    UNDONE = "undone", _("Undone")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class ContactImport(models.Model):
    """One file that somebody imports: what it holds, how its columns are read, how far it is, what was wrong with it."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="contact_imports")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField(max_length=200, help_text="As the person calls it")
    kept_as = models.CharField(max_length=80, help_text="In the folder of imports; empty when it is gone")
    format = models.CharField(max_length=8)
    columns = models.JSONField(default=list, blank=True, help_text="The headings, with a few samples")
    mapping = models.JSONField(default=dict, blank=True, help_text="Field → column")
    tag = models.CharField(max_length=40, blank=True, help_text="Given to every contact of the file")
    state = models.CharField(max_length=12, choices=ImportState, default=ImportState.UPLOADED)
    rows_total = models.PositiveIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    new_count = models.PositiveIntegerField(default=0)
    changed_count = models.PositiveIntegerField(default=0)
    same_count = models.PositiveIntegerField(default=0)
    error_count = models.PositiveIntegerField(default=0)
    errors = models.JSONField(default=list, blank=True, help_text="[{row, column, value, reason}], the first thousand")
    problem = models.CharField(max_length=40, blank=True, help_text="Why the whole file failed")
    worker = models.CharField(max_length=40, blank=True)
    alive_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subscriber"],
                condition=Q(state__in=["running", "undoing"]),
                name="one_import_at_a_time_per_subscriber",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} {self.state}"


class ImportedContact(models.Model):
    """What an import did to one contact, so that it can be undone; `before` is empty for one that it made."""

    source = models.ForeignKey(ContactImport, on_delete=models.CASCADE, related_name="contacts")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["source", "contact"], name="one_imported_contact_per_import")]

    def __str__(self) -> str:
        return f"{self.source_id} → {self.contact_id}"
