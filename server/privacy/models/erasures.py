"""A person who was erased: who asked for it, what it took away, and what the provider says."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from server.accounts.models import Subscriber, User
from server.contacts.models import Contact
from server.lines.models import Line
from server.messaging.models import Direction


class ErasureState(models.TextChoices):
    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Being erased")
    # A message is just on its way to the provider.
    SETTLING = "settling", _("Waiting for messages on their way")
    HELD = "held", _("Stopped by a legal hold")
    FINISHED = "finished", _("Erased")


UNFINISHED = (ErasureState.QUEUED, ErasureState.RUNNING, ErasureState.SETTLING, ErasureState.HELD)


class AskedHow(models.TextChoices):
    LETTER = "letter", _("By letter")
    EMAIL = "email", _("By e-mail")
    SMS = "sms", _("By SMS")
    PHONE = "phone", _("On the phone")
    IN_PERSON = "in_person", _("In person")
    OURSELVES = "ourselves", _("Nobody asked: the company decided it")


class Erasure(models.Model):
    """One person's erasure, with nothing in it that tells who it was.

        queued → running → finished
        running → settling → running      (a message is on its way to the provider)
        running → held → queued           (a legal hold came in between)

    `worker` is the name of who does it, `seen_at` its sign of life: who is silent for a minute has lost it.
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="erasures")
    # Empty once retention has taken what was left of the contact.
    contact = models.ForeignKey(Contact, null=True, on_delete=models.SET_NULL, related_name="erasures")
    entry = models.BigIntegerField(help_text="The id that the contact had")
    asked_how = models.CharField(max_length=12, choices=AskedHow)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=ErasureState, default=ErasureState.QUEUED)
    worker = models.CharField(max_length=40, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    counts = models.JSONField(default=dict, help_text="What was taken away besides messages")
    finished_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True, help_text="When the last provider had confirmed")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["entry"], condition=~Q(state="finished"), name="one_unfinished_erasure_per_contact"),
        ]
        indexes: ClassVar = [models.Index("subscriber", models.F("requested_at").desc(), name="erasures_newest_first")]

    def __str__(self) -> str:
        return f"{self.uuid} {self.state}"

    @property
    def is_unfinished(self) -> bool:
        return self.state in UNFINISHED


class ErasedMessage(models.Model):
    """A message that lost its words: all that the certificate says of it."""

    erasure = models.ForeignKey(Erasure, on_delete=models.CASCADE, related_name="messages", db_index=False)
    uuid = models.UUIDField()
    direction = models.CharField(max_length=3, choices=Direction)
    written_at = models.DateTimeField()
    erased_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["erasure", "uuid"], name="one_row_per_erased_message")]

    def __str__(self) -> str:
        return str(self.uuid)


class ProviderRedaction(models.Model):
    """A provider is asked to forget one message, until it says that it has.

    `problem` is why it has not yet; those of an account that is refused, or is the line's no more, wait and are shown.
    """

    erasure = models.ForeignKey(Erasure, on_delete=models.CASCADE, related_name="redactions", db_index=False)
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="+")
    message = models.UUIDField(help_text="Ours")
    provider_account = models.CharField(max_length=96)
    provider_message_id = models.CharField(max_length=64)
    has_media = models.BooleanField(default=False)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    problem = models.CharField(max_length=40, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["erasure", "provider_account", "provider_message_id"], name="one_redaction_per_message"
            ),
        ]
        indexes: ClassVar = [
            # What is due, asked for all the time: nothing, nearly always.
            models.Index("next_attempt_at", condition=Q(confirmed_at__isnull=True), name="redactions_due"),
        ]

    def __str__(self) -> str:
        return f"{self.provider_message_id} {'confirmed' if self.confirmed_at else self.problem or 'asked'}"
