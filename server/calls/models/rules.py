"""Rules, their earlier versions, message nodes, and how a company's call logic stands as a whole."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from server.accounts.models import Subscriber, User
from server.calls.definition import Definition

if TYPE_CHECKING:
    from datetime import datetime


class CallLogic(models.Model):
    """How a company's call logic stands as a whole: the red switch, and the limits over all rules."""

    subscriber = models.OneToOneField(Subscriber, on_delete=models.CASCADE, related_name="call_logic")
    stopped_at = models.DateTimeField(null=True, blank=True, help_text="The red switch: nothing goes out by itself since")
    stopped_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # Over all rules; a customer's phone, and one of our people's.
    per_number_per_day = models.PositiveSmallIntegerField(default=3)
    per_colleague_per_day = models.PositiveSmallIntegerField(default=50)
    per_minute = models.PositiveSmallIntegerField(default=20)
    # Whoever makes our exchange ring for stranger after stranger does not send texts to all of them at our cost.
    per_day = models.PositiveIntegerField(default=500)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(per_number_per_day__gte=1) & Q(per_number_per_day__lte=10), name="one_to_ten_automatic_texts_a_day"
            ),
            models.CheckConstraint(
                condition=Q(per_colleague_per_day__gte=1) & Q(per_colleague_per_day__lte=500),
                name="colleagues_get_1_to_500_automatic_texts",
            ),
            models.CheckConstraint(
                condition=Q(per_minute__gte=1) & Q(per_minute__lte=600), name="automatic_texts_1_to_600_a_minute"
            ),
            models.CheckConstraint(condition=Q(per_day__gte=1) & Q(per_day__lte=20_000), name="automatic_texts_1_to_20000_a_day"),
        ]

    def __str__(self) -> str:
        return f"call logic of {self.subscriber_id}"

    @property
    def is_stopped(self) -> bool:
        return self.stopped_at is not None


class MessageNode(models.Model):
    """A place in an exchange's call flow at which messages go out: one HTTP request with its key fires the rules of it."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="message_nodes")
    name = models.CharField(max_length=80)
    key = models.UUIDField(unique=True, default=uuid.uuid4, help_text=_("The secret part of the node's address."))
    created_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subscriber", "name"], condition=Q(deleted_at__isnull=True), name="one_message_node_per_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CallRule(models.Model):
    """When this happens in a call, and this holds, these people hear of it (server/calls/definition.py)."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="call_rules")
    name = models.CharField(max_length=80)
    position = models.PositiveIntegerField(default=0, help_text="Rules are looked at in this order")
    is_active = models.BooleanField(default=True)
    definition = models.JSONField()
    version = models.PositiveIntegerField(default=1)
    rehearses_until = models.DateTimeField(null=True, blank=True, help_text="Decides and notes, but sends nothing, until then")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("call rule")
        verbose_name_plural = _("call rules")
        constraints: ClassVar = [models.CheckConstraint(condition=~Q(name=""), name="call_rule_has_a_name")]
        # The rules of a company in their order: at each call event.
        indexes: ClassVar = [
            models.Index("subscriber", "position", "id", condition=Q(deleted_at__isnull=True), name="call_rules_in_order"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def says(self) -> Definition:
        """What it says, read."""
        return Definition.from_json(self.definition)

    def is_rehearsing(self, now: datetime) -> bool:
        return self.rehearses_until is not None and now < self.rehearses_until


class RuleVersion(models.Model):
    """What a rule said, and who made it say so: for undoing, and for understanding what it did then."""

    rule = models.ForeignKey(CallRule, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    definition = models.JSONField()
    is_active = models.BooleanField()
    by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["rule", "number"], name="one_rule_version_per_number")]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"
