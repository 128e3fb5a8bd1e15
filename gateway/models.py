"""What providers posted, as it came."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class WebhookReceipt(models.Model):
    """One webhook request, kept raw, with what we made of it."""

    provider = models.CharField(max_length=24)
    line_id = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=12)
    provider_message_id = models.CharField(max_length=64, blank=True)
    raw = models.JSONField(default=dict)
    signature_ok = models.BooleanField()
    outcome = models.CharField(max_length=40)
    received_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            # Dropping old ones by age.
            models.Index(fields=["received_at"], name="receipts_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.kind} {self.outcome}"


class Chore(models.Model):
    """A recurring job of the dispatchers; the row is claimed, so that only one of them does it."""

    name = models.CharField(max_length=40, unique=True)
    due_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.due_at:%H:%M:%S}"
