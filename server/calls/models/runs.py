"""What the rules made of a call: which held, who was told and how, who was not and why."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from server.accounts.models import Subscriber, User
from server.calls.definition import Channel, Definition
from server.calls.models.calls import CallEvent
from server.calls.models.rules import CallRule, RuleVersion
from server.messaging.models import Message


class Outcome(models.TextChoices):
    """What a rule came to when a call event was looked at."""

    MATCHED = "matched", _("It applies")
    NOT_MATCHED = "not_matched", _("A condition does not hold")
    STOPPED_BEFORE = "stopped_before", _("An earlier rule ends the list")
    ANSWERED_MEANWHILE = "answered_meanwhile", _("The call was answered after all")


class RuleRun(models.Model):
    """One rule looked at one call event; `checks` says each condition, what was found, and whether it held."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="+")
    rule = models.ForeignKey(CallRule, on_delete=models.CASCADE, related_name="runs")
    version = models.PositiveIntegerField()
    event = models.ForeignKey(CallEvent, on_delete=models.CASCADE, related_name="runs")
    outcome = models.CharField(max_length=20, choices=Outcome)
    checks = models.JSONField(default=list)
    is_dry = models.BooleanField(default=False, help_text="The rule was being tried out: nothing went out")
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["rule", "event"], name="one_run_per_rule_and_event")]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.outcome}"

    @property
    def says(self) -> Definition:
        """What the rule said when it fired."""
        if self.version == self.rule.version:
            return self.rule.says
        return Definition.from_json(RuleVersion.objects.get(rule=self.rule_id, number=self.version).definition)


class StepOutcome(models.TextChoices):
    DONE = "done", _("Done")
    SOMEBODY_THERE = "somebody_there", _("Somebody was there")
    FOLLOWED_UP = "followed_up", _("Somebody had seen to it by then")
    STOPPED = "stopped", _("Automatic sending is switched off")
    RULE_OFF = "rule_off", _("The rule was switched off by then")
    BROKEN = "broken", _("It could not be worked out")


class RuleStep(models.Model):
    """A step of a rule that applies: at once, or after some minutes; who hears of it is worked out when it is due."""

    run = models.ForeignKey(RuleRun, on_delete=models.CASCADE, related_name="steps")
    number = models.PositiveSmallIntegerField(help_text="Its place in the definition, from 0")
    due_at = models.DateTimeField(null=True, blank=True, help_text="Empty once it is settled")
    done_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=16, choices=StepOutcome, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "number"], name="one_rule_step_per_number")]
        # What is due, twice a second: a handful of rows.
        indexes: ClassVar = [models.Index("due_at", condition=Q(due_at__isnull=False), name="rule_steps_due")]

    def __str__(self) -> str:
        return f"step {self.number} of {self.run_id}"


class TellingState(models.TextChoices):
    PLANNED = "planned", _("Planned")
    SENDING = "sending", _("Being sent")
    TOLD = "told", _("Sent")
    SKIPPED = "skipped", _("Not sent")
    DRY = "dry", _("Only tried out")


class Skipped(models.TextChoices):
    """Why somebody was not told."""

    ANONYMOUS = "anonymous", _("the caller withheld the number")
    NO_NUMBER = "no_number", _("this is no number that could be texted")
    OWN_LINE = "own_line", _("it is one of our own lines")
    BLOCKED = "blocked", _("the number is blocked")
    OPTED_OUT = "opted_out", _("this number asked us to stop")
    NOT_ALLOWED = "not_allowed", _("this line may not text that number")
    LINE_OFF = "line_off", _("the line can't send")
    COOL_DOWN = "cool_down", _("this rule has written to the number a short while ago")
    PER_DAY = "per_day", _("the number has had its automatic messages for today")
    COMPANY_DAY = "company_day", _("the company has had its automatic messages for today")
    LETTERS = "letters", _("they have had their letters of calls for today")
    PER_MINUTE = "per_minute", _("too many automatic messages in this minute")
    LINE_LIMIT = "line_limit", _("the line's limit of the day was reached")
    ANSWERS_BY_ITSELF = "answers_by_itself", _("a machine seems to answer there")
    STOPPED = "stopped", _("automatic sending is switched off")
    SERVICE_OFF = "service_off", _("the company has no SMS service")
    AWAY = "away", _("away")
    NO_PHONE = "no_phone", _("no phone number of their own")
    NO_EMAIL = "no_email", _("no e-mail address")
    CHOSE_NOTHING = "chose_nothing", _("does not want to be told of calls")
    INACTIVE = "inactive", _("has left")
    NOBODY = "nobody", _("there is nobody to tell")
    NO_TEXT = "no_text", _("the text is empty")
    TOO_LONG = "too_long", _("the text is too long")
    NOT_SENT = "not_sent", _("it could not be sent")


class Telling(models.Model):
    """One person told in one way of one call, or not, and why; an SMS has this uuid as its own, so it can't go out twice.

    planned → told | skipped          planned → sending → told     (e-mail: the lease says who is at it)
    dry                               (tried out only)
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    run = models.ForeignKey(RuleRun, on_delete=models.CASCADE, related_name="tellings")
    step = models.PositiveSmallIntegerField()
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="+", help_text="Empty: the caller")
    channel = models.CharField(max_length=10, choices=Channel)
    address = models.CharField(max_length=254, blank=True, help_text="The number or e-mail address it went to")
    language = models.CharField(max_length=5, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField(blank=True)
    segments = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=8, choices=TellingState, default=TellingState.PLANNED)
    reason = models.CharField(max_length=20, choices=Skipped, blank=True)
    message = models.ForeignKey(Message, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    planned_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Of an SMS: when it was counted for the limits, and when a person wished that it is sent again.
    counted_at = models.DateTimeField(null=True, blank=True)
    retried_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True, help_text="A browser notice that was read or put away")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["run", "step", "channel", "user"], condition=Q(user__isnull=False), name="a_person_is_told_once"
            ),
            models.UniqueConstraint(
                fields=["run", "step", "channel"], condition=Q(user__isnull=True), name="the_caller_is_told_once"
            ),
            models.CheckConstraint(condition=~Q(state="skipped") | ~Q(reason=""), name="who_is_skipped_knows_why"),
        ]
        indexes: ClassVar = [
            # What has to go out, twice a second: a handful of rows.
            models.Index("state", "id", condition=Q(state="planned") | Q(state="sending"), name="tellings_to_do"),
            # A person's notices in the browser that wait to be seen.
            models.Index(
                "user", "id", condition=Q(channel="browser") & Q(state="told") & Q(seen_at__isnull=True), name="tellings_unseen"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.state} {self.reason}".strip()
