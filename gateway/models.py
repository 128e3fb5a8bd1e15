"""What providers posted, as it came; the dispatchers' own book-keeping; and the simulated network."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from server.lines.models import Line
from server.messaging.models import Direction, Status


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
        verbose_name = _("webhook receipt")
        verbose_name_plural = _("webhook receipts")
        indexes: ClassVar = [
            # Dropping old ones by age.
            models.Index(fields=["received_at"], name="receipts_by_age"),
            # A line's last good signature, and what was refused lately.
            models.Index(fields=["line_id", "received_at"], condition=Q(signature_ok=True), name="receipts_proved"),
            models.Index(fields=["line_id", "received_at"], condition=Q(signature_ok=False), name="receipts_refused"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.kind} {self.outcome}"


class Chore(models.Model):
    """A recurring job of the dispatchers; the row is claimed, so that only one of them does it."""

    name = models.CharField(max_length=40, unique=True)
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, help_text="When it last succeeded")

    def __str__(self) -> str:
        return f"{self.name} {self.due_at:%H:%M:%S}"


class InboundLook(models.Model):
    """When a line's list of received messages was last read to its end; what came since may be missing here."""

    line = models.OneToOneField(Line, on_delete=models.CASCADE, related_name="+")
    looked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.line_id} {self.looked_at:%Y-%m-%d %H:%M}"


class Pulse(models.Model):
    """The heartbeat of a running process, for /health/."""

    name = models.CharField(max_length=40, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.at:%H:%M:%S}"


class ReportOrder(models.TextChoices):
    NORMAL = "normal", _("In order")
    REVERSED = "reversed", _("Delivered before sent")
    DUPLICATE = "duplicate", _("Every report twice")
    NEVER = "never", _("No reports")


class SimulatedPhone(models.Model):
    """A customer's phone on the simulated network; one that nobody has touched has no row and is on."""

    number = models.CharField(max_length=20, unique=True)
    is_on = models.BooleanField(default=True)
    report_order = models.CharField(max_length=12, choices=ReportOrder, default=ReportOrder.NORMAL)

    def __str__(self) -> str:
        return f"{self.number} {'on' if self.is_on else 'off'}"


class SimulatedSms(models.Model):
    """An SMS as the simulated provider knows it; `direction` is ours: `in` came from the phone."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="+")
    number = models.CharField(max_length=20, help_text="The customer's")
    direction = models.CharField(max_length=3, choices=Direction)
    body = models.TextField(blank=True)
    uuid = models.UUIDField(null=True, help_text="Of our message, when we sent it")
    provider_message_id = models.CharField(max_length=64, unique=True)
    status = models.CharField(max_length=12, choices=Status)
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            # A phone's screen, and the list by which unconfirmed messages are found.
            models.Index(fields=["number", "created_at"], name="simulated_sms_of_phone"),
            models.Index(fields=["line", "created_at"], name="simulated_sms_of_line"),
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.provider_message_id}"

    @property
    def has_arrived(self) -> bool:
        """Whether the phone shows it."""
        return self.status in {Status.RECEIVED, Status.DELIVERED}


class SimulatedReport(models.Model):
    """A delivery report that the simulated provider still has to post."""

    sms = models.ForeignKey(SimulatedSms, on_delete=models.CASCADE, related_name="reports_to_post")
    status = models.CharField(max_length=24, help_text="The simulated provider's word")
    due_at = models.DateTimeField()

    class Meta:
        # The dispatcher asks for what is due, twice a second.
        indexes: ClassVar = [models.Index(fields=["due_at"], name="simulated_reports_due")]

    def __str__(self) -> str:
        return f"{self.status} of {self.sms_id}"
