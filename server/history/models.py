"""What people keep of the history: filters under a name, and files that were made of it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from server.accounts.models import Subscriber, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class SavedFilterQuerySet(models.QuerySet["SavedFilter"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """A person's own, and those of the whole company."""
        if not isinstance(user, User) or user.subscriber_id is None:
            return self.none()
        return self.filter(Q(owner=user) | Q(owner=None), subscriber_id=user.subscriber_id)


class SavedFilter(models.Model):
    """A filter under a name: a person's own, or the whole company's when it has no owner.

    `values` are those of HistoryFilter.values. Whoever opens it sees through it only what they may see.
    """

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="saved_filters")
    owner = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="saved_filters")
    name = models.CharField(max_length=60)
    values = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    objects = SavedFilterQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved filter")
        verbose_name_plural = _("saved filters")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["subscriber", "name"], condition=Q(owner=None), name="one_shared_filter_per_name"),
            models.UniqueConstraint(fields=["owner", "name"], condition=Q(owner__isnull=False), name="one_own_filter_per_name"),
            models.CheckConstraint(condition=~Q(name=""), name="saved_filter_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_shared(self) -> bool:
        return self.owner_id is None


class ExportStatus(models.TextChoices):
    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Being made")
    FINISHED = "finished", _("Ready")
    CANCELLED = "cancelled", _("Cancelled")
    FAILED = "failed", _("Failed")
    EXPIRED = "expired", _("Expired")


UNFINISHED = (ExportStatus.QUEUED, ExportStatus.RUNNING)


class ExportProblem(models.TextChoices):
    """Why one failed, where its person can do something about it; the labels say what."""

    NOT_ALLOWED = "not allowed", _("You may no longer download all that was to be in it.")
    TOO_LARGE = "too large", _("It is too much at once: choose a shorter period.")
    NO_ROOM = "no room", _("The server has no room for files. Tell its operator, or try it again later.")


class ExportFormat(models.TextChoices):
    XLSX = "xlsx", "Excel (.xlsx)"
    CSV = "csv", "CSV (.csv)"


class Export(models.Model):
    """Messages as a file: which ones, for whom, how far it has got.

        queued → running → finished → expired      (the file is deleted after 24 hours)
        queued | running → cancelled | failed

    `line_ids` are the lines that the person might see when it was asked for: whoever loses one of
    them loses the file. `seen_at` is the sign of life of whoever makes it, `file` the name that nobody
    else writes to: each attempt has its own.
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="exports")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="exports")
    values = models.JSONField(default=dict, help_text="HistoryFilter.values")
    format = models.CharField(max_length=4, choices=ExportFormat, default=ExportFormat.XLSX)
    language = models.CharField(max_length=5)
    timezone = models.CharField(max_length=64, blank=True, help_text="The company's when its rows were written")
    line_ids = models.JSONField(default=list)
    status = models.CharField(max_length=12, choices=ExportStatus, default=ExportStatus.QUEUED)
    problem = models.CharField(max_length=12, choices=ExportProblem, blank=True)
    file = models.CharField(max_length=80, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    rows_expected = models.PositiveIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, help_text="Of the data rows")
    file_sha256 = models.CharField(max_length=64, blank=True)
    file_size = models.PositiveBigIntegerField(default=0)
    first_at = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user"], condition=Q(status__in=["queued", "running"]), name="one_export_at_a_time"),
        ]
        # A person's own, newest first.
        indexes: ClassVar = [models.Index("user", models.F("created_at").desc(), name="exports_of_person")]

    def __str__(self) -> str:
        return str(self.uuid)

    @property
    def is_unfinished(self) -> bool:
        return self.status in UNFINISHED
