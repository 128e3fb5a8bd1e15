"""A night's work: what grew too old."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from server.accounts.models import Subscriber


class RetentionRun(models.Model):
    """One night of one company: how far it has got, what it took away; `reached` is the last conversation that is done with."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="retention_runs", db_index=False)
    night = models.DateField()
    before = models.DateTimeField(help_text="What is older goes")
    reached = models.BigIntegerField(default=0)
    counts = models.JSONField(default=dict)
    worker = models.CharField(max_length=40, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["subscriber", "night"], name="one_retention_run_per_night")]
        # Those that somebody must take up again.
        indexes: ClassVar = [models.Index("seen_at", condition=Q(finished_at__isnull=True), name="retention_unfinished")]

    def __str__(self) -> str:
        return f"{self.subscriber_id} {self.night:%Y-%m-%d}"
