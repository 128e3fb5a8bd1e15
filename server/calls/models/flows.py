"""What a caller hears on a line whose provider carries the voice, too: who rings, the menu, and the last words."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from server.accounts.models import Language
from server.lines.models import Line


class CallFlow(models.Model):
    """The way of a call on a line: greeting, menu, ringing, and what is said when nobody answers.

    `keys`: the menu, each a MenuKey of server/calls/flows.py; without keys there is no menu.
    """

    line = models.OneToOneField(Line, on_delete=models.CASCADE, related_name="call_flow")
    is_active = models.BooleanField(default=True)
    language = models.CharField(max_length=5, choices=Language, default=Language.HUNGARIAN)
    greeting = models.CharField(max_length=500, blank=True)
    keys = models.JSONField(default=list, blank=True)
    rings = models.JSONField(default=list, blank=True, help_text=_("Numbers that ring at once, E.164."))
    ring_seconds = models.PositiveSmallIntegerField(default=20)
    when_missed = models.CharField(max_length=500, blank=True, help_text=_("What a caller hears whom nobody answered."))
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(ring_seconds__gte=5) & Q(ring_seconds__lte=60), name="rings_5_to_60_seconds"),
        ]

    def __str__(self) -> str:
        return f"call flow of {self.line_id}"
