"""What has gone out by itself: counted where a message is claimed, so that any number of dispatchers keep to the limits."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from server.accounts.models import Subscriber
from server.calls.models.rules import CallRule


class NumberUsage(models.Model):
    """How many automatic messages a number has had from a company on a day (the company's)."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="+", db_index=False)
    number = models.CharField(max_length=20)
    day = models.DateField()
    sent_on_day = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["subscriber", "number"], name="one_usage_per_number")]

    def __str__(self) -> str:
        return f"{self.day} {self.sent_on_day}"


class RuleUsage(models.Model):
    """When a rule last wrote to a number."""

    rule = models.ForeignKey(CallRule, on_delete=models.CASCADE, related_name="+", db_index=False)
    number = models.CharField(max_length=20)
    sent_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["rule", "number"], name="one_usage_per_rule_and_number")]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.sent_at:%Y-%m-%d %H:%M}"


class DayUsage(models.Model):
    """How many automatic messages a company has sent on a day (its own)."""

    subscriber = models.OneToOneField(Subscriber, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    sent_on_day = models.PositiveIntegerField(default=0)
    told_on = models.DateField(null=True, help_text="When the administrators were last told that all of it is used up")

    def __str__(self) -> str:
        return f"{self.subscriber_id} {self.day} {self.sent_on_day}"


class MinuteUsage(models.Model):
    """How many automatic messages a company has sent in a minute."""

    subscriber = models.OneToOneField(Subscriber, on_delete=models.CASCADE, related_name="+")
    minute = models.DateTimeField()
    sent_in_minute = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.subscriber_id} {self.sent_in_minute}"
