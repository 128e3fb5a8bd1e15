"""Call-back promises: what a caller was told, and whether it was kept."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from server.accounts.models import Subscriber, User
from server.calls.models.calls import Call
from server.calls.models.rules import CallRule
from server.messaging.models import Conversation, place_in_thread

if TYPE_CHECKING:
    from datetime import datetime


class KeptBy(models.TextChoices):
    MESSAGE = "message", _("a message")
    CALL = "call", _("a call")
    ANSWERED = "answered", _("they called again and were answered")
    SAID_DONE = "said_done", _("marked as done")


class Promise(models.Model):
    """ "We call you back by 14:00": open until somebody of ours has called or texted the number."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="+", db_index=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="promises", db_index=False)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="promises")
    rule = models.ForeignKey(CallRule, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()
    kept_at = models.DateTimeField(null=True, blank=True)
    kept_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    kept_how = models.CharField(max_length=12, choices=KeptBy, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["conversation"], condition=Q(kept_at__isnull=True), name="one_open_promise_per_conversation"
            ),
        ]
        indexes: ClassVar = [
            # A thread's, between two of its messages.
            models.Index("conversation", "made_at", name="promises_of_thread"),
            # Those that are open, the most urgent first: for the list and for escalating.
            models.Index("subscriber", "due_at", condition=Q(kept_at__isnull=True), name="promises_open"),
            # The figure: kept and not, by day.
            models.Index("subscriber", "made_at", name="promises_by_day"),
        ]

    def __str__(self) -> str:
        return f"call back by {self.due_at:%Y-%m-%d %H:%M}"

    @property
    def at(self) -> datetime:
        """When it stands in its thread."""
        return self.made_at

    @property
    def position(self) -> str:
        return place_in_thread(self.made_at, "p", self.pk)
