"""Subscribers, and the services they have."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Language(models.TextChoices):
    HUNGARIAN = "hu", "Magyar"
    ENGLISH = "en", "English"


def usual_hours() -> dict[str, list[list[str]]]:
    """Monday to Friday, eight to five."""
    return {str(day): [["08:00", "17:00"]] for day in range(1, 6)}


class Subscriber(models.Model):
    """A company that has its SMS from us; nothing of one is ever shown to another."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(unique=True)
    country = models.CharField(
        max_length=2, default="HU", help_text=_("Two letters; numbers without a country are read as this one's.")
    )
    timezone = models.CharField(max_length=64, default="Europe/Budapest")
    language = models.CharField(max_length=5, choices=Language, default=Language.HUNGARIAN)
    saves_accents = models.BooleanField(default=False, help_text=_("Texts go out without accents unless their writer wants them."))
    # ISO weekday → the times of a day, such as {"1": [["08:00", "12:00"], ["13:00", "17:00"]]}; a day without one is closed.
    opening_hours = models.JSONField(default=usual_hours, blank=True)
    is_closed_on_holidays = models.BooleanField(default=True)
    stop_words = models.JSONField(default=list, blank=True, help_text=_("Besides those that every line knows."))
    keeps_messages_days = models.PositiveIntegerField(null=True, blank=True, help_text=_("Empty: for ever."))
    colleagues_may_export = models.BooleanField(default=False, help_text=_("Else only supervisors and administrators."))
    last_event = models.BigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("subscriber")
        verbose_name_plural = _("subscribers")

    def __str__(self) -> str:
        return self.name

    @property
    def has_sms(self) -> bool:
        activation = getattr(self, "activation", None)
        return bool(activation and activation.sms_since)

    @property
    def has_chat(self) -> bool:
        activation = getattr(self, "activation", None)
        return bool(activation and activation.chat_since)


class Activation(models.Model):
    """The services that the operator has switched on for a subscriber."""

    subscriber = models.OneToOneField(Subscriber, on_delete=models.CASCADE, related_name="activation")
    sms_since = models.DateTimeField(null=True, blank=True)
    chat_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(chat_since__isnull=True) | Q(sms_since__isnull=False),
                name="chat_needs_sms",
                violation_error_message=_("Chat is a supplement of SMS: switch SMS on first."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber}: SMS {self.sms_since or '–'}, chat {self.chat_since or '–'}"


class Service(models.TextChoices):
    SMS = "sms", "SMS"
    CHAT = "chat", _("Chat")


class ServiceRequest(models.Model):
    """A company asks for a service; the operator's staff settle it by switching it on, or say no."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="service_requests")
    service = models.CharField(max_length=8, choices=Service)
    remark = models.CharField(max_length=500, blank=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    settled_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    settled_at = models.DateTimeField(null=True, blank=True)
    is_granted = models.BooleanField(default=False)
    answer = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subscriber", "service"], condition=Q(settled_at__isnull=True), name="one_open_request_per_service"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber}: {self.service}"


class ClosedDay(models.Model):
    """A day on which a company is closed, besides public holidays and its usual days off."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="closed_days")
    day = models.DateField()
    name = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["subscriber", "day"], name="one_closed_day_per_date")]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d} {self.name}"
