"""Telephone calls, as an exchange told them: one row for each call, one for each thing that happened in it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

import server.among  # noqa: F401 (line__among)
from server.accounts.models import Subscriber, User
from server.lines.models import Line
from server.messaging.models import Conversation, place_in_thread

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AnonymousUser


class CallDirection(models.TextChoices):
    IN = "in", _("Incoming")
    OUT = "out", _("Outgoing")


class CallState(models.TextChoices):
    RINGING = "ringing", _("Ringing")
    MISSED = "missed", _("Missed")
    BUSY = "busy", _("Busy")
    FAILED = "failed", _("Failed")
    ANSWERED = "answered", pgettext_lazy("call", "Answered")


# A state only moves forward by rank: an exchange may tell things in any order, and who was answered was answered.
STATE_RANK = {CallState.RINGING: 10, CallState.MISSED: 20, CallState.BUSY: 20, CallState.FAILED: 20, CallState.ANSWERED: 30}
UNANSWERED = (CallState.MISSED, CallState.BUSY, CallState.FAILED)


class CallQuerySet(models.QuerySet["Call"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """The calls on the lines that a person may see."""
        if not isinstance(user, User) or not user.is_active or user.subscriber_id is None:
            return self.none()
        ours = self.filter(subscriber_id=user.subscriber_id)
        return ours if user.sees_all_lines else ours.filter(line__among=Line.objects.visible_to(user))


class Call(models.Model):
    """One telephone call on one of our lines.

        ringing → missed | busy | failed → answered      (a state only moves forward by rank)

    `partner` is the other party: the caller of an incoming call; E.164, or as the exchange says it; empty when it is
    withheld. Only a number has a conversation. `called` is what an incoming call dialled.
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="+", db_index=False)
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="calls", db_index=False)
    conversation = models.ForeignKey(
        Conversation, null=True, blank=True, on_delete=models.CASCADE, related_name="calls", db_index=False
    )
    exchange_id = models.CharField(max_length=128, help_text="The exchange's own name for the call")
    direction = models.CharField(max_length=3, choices=CallDirection, default=CallDirection.IN)
    state = models.CharField(max_length=8, choices=CallState, default=CallState.RINGING)
    partner = models.CharField(max_length=32, blank=True)
    called = models.CharField(max_length=32, blank=True)
    queue = models.CharField(max_length=80, blank=True)
    agent = models.CharField(max_length=80, blank=True, help_text="Who answered, in the exchange's words")
    parameters = models.JSONField(default=dict, blank=True, help_text="Whatever else the exchange sent: name → text")
    began_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    duration = models.PositiveIntegerField(null=True, blank=True, help_text="Seconds talked")
    told_at = models.DateTimeField(help_text="When we first heard of it")
    # A person has texted or called the number since, or it has been answered when it called again.
    followed_up_at = models.DateTimeField(null=True, blank=True)
    followed_up_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    redacted_at = models.DateTimeField(null=True, blank=True)

    objects = CallQuerySet.as_manager()

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["line", "exchange_id"], name="one_call_per_id"),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True) | Q(state="answered"), name="only_answered_calls_were_answered"
            ),
        ]
        indexes: ClassVar = [
            # A thread's calls between two of its messages.
            models.Index("conversation", "began_at", name="calls_of_thread"),
            # The list of calls, newest first, by keyset.
            models.Index("subscriber", models.F("began_at").desc(), models.F("id").desc(), name="calls_newest_first"),
            # Who has not been called back yet: settled by the next message or call to the number.
            models.Index(
                "conversation",
                condition=Q(followed_up_at__isnull=True) & (Q(state="missed") | Q(state="busy") | Q(state="failed")),
                name="calls_not_followed_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.state} {self.uuid}"

    @property
    def is_inbound(self) -> bool:
        return self.direction == CallDirection.IN

    @property
    def is_anonymous(self) -> bool:
        return self.partner == ""

    @property
    def was_missed(self) -> bool:
        """Whether somebody called and nobody answered."""
        return self.is_inbound and self.state in UNANSWERED

    @property
    def has_ended_in_menu(self) -> bool:
        """Whether a machine said all that there was to say: neither answered nor missed."""
        return self.state == CallState.RINGING and self.ended_at is not None

    @property
    def standing(self) -> str:
        """Direction and how it stands, such as in:missed; what the thread's row says of its newest call."""
        return f"{self.direction}:{'menu' if self.has_ended_in_menu else self.state}"

    @property
    def at(self) -> datetime:
        """When it stands in its thread."""
        return self.began_at

    @property
    def position(self) -> str:
        return place_in_thread(self.began_at, "c", self.pk)


class CallEventKind(models.TextChoices):
    RINGING = "ringing", _("Ringing")
    ANSWERED = "answered", pgettext_lazy("call", "Answered")
    MISSED = "missed", _("Missed")
    BUSY = "busy", _("Busy")
    FAILED = "failed", _("Failed")
    KEY = "key", _("Key pressed")
    NODE = "node", _("Message node")


class CallEvent(models.Model):
    """Something that happened in a call; told twice it is one row.

    `due_at` is when the rules are to look at it, empty once they have (`decided_at`), or when there is nothing to look at:
    told more than fifteen minutes late (`is_late`), a call of ours, or no rule that could fire.
    """

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="events", db_index=False)
    kind = models.CharField(max_length=8, choices=CallEventKind)
    detail = models.CharField(max_length=64, blank=True, help_text="The keys pressed, or the node's key")
    node = models.ForeignKey("MessageNode", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    at = models.DateTimeField()
    told_at = models.DateTimeField()
    is_late = models.BooleanField(default=False)
    due_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["call", "kind", "detail"], name="one_call_event_per_kind")]
        # What the rules still have to look at, twice a second: a handful of rows.
        indexes: ClassVar = [models.Index("due_at", condition=Q(due_at__isnull=False), name="call_events_due")]

    def __str__(self) -> str:
        return f"{self.kind} {self.detail}".strip()


class CallParameter(models.Model):
    """A free parameter that a company's exchange has sent: what texts may use, with its longest value for the preview."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="call_parameters", db_index=False)
    name = models.CharField(max_length=40)
    longest = models.CharField(max_length=200, blank=True)
    seen_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["subscriber", "name"], name="one_call_parameter_per_name")]

    def __str__(self) -> str:
        return self.name
