"""Conversations and their messages: the truth that every screen is drawn from."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual
from django.utils.translation import gettext_lazy as _

import server.among  # noqa: F401 (line__among)
from server.accounts.models import Subscriber, User
from server.contacts.models import Contact
from server.lines.models import Line, secrets_of
from server.word_index import WordsField

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class Direction(models.TextChoices):
    IN = "in", _("Incoming")
    OUT = "out", _("Outgoing")


class Status(models.TextChoices):
    RECEIVED = "received", _("Received")
    QUEUED = "queued", _("Waiting to be sent")
    HELD = "held", _("Held back")
    SENDING = "sending", _("Being sent")
    UNCONFIRMED = "unconfirmed", _("Unconfirmed")
    SENT = "sent", _("Sent")
    DELIVERED = "delivered", _("Delivered")
    UNDELIVERED = "undelivered", _("Not delivered")
    FAILED = "failed", _("Not sent")


# A status only moves forward by rank; two of the same rank: the first one stays.
RANK = {
    Status.QUEUED: 10,
    Status.HELD: 10,
    Status.SENDING: 20,
    Status.UNCONFIRMED: 25,
    Status.SENT: 30,
    Status.UNDELIVERED: 40,
    Status.FAILED: 40,
    Status.DELIVERED: 50,
}
FINAL = frozenset({Status.DELIVERED, Status.UNDELIVERED, Status.FAILED})
WENT_WRONG = frozenset({Status.FAILED, Status.UNDELIVERED})
ON_ITS_WAY = (Status.QUEUED, Status.HELD, Status.SENDING, Status.UNCONFIRMED)


class Origin(models.TextChoices):
    PERSON = "person", _("Person")
    RULE = "rule", _("Rule")
    RECOVERED = "recovered", _("Recovered from the provider")


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        if not isinstance(user, User) or not user.is_active or user.subscriber_id is None:
            return self.none()
        # Whoever sees all lines needs no look at each conversation's.
        lines = {} if user.sees_all_lines else {"line__among": Line.objects.visible_to(user)}
        return self.filter(subscriber_id=user.subscriber_id, **lines)

    def open(self) -> Self:
        return self.filter(done_at__isnull=True)

    def shown(self) -> Self:
        """Without those of blocked contacts."""
        return self.filter(hidden_at__isnull=True)

    def with_row(self) -> Self:
        """Everything that a row of the list shows, in a fixed number of queries."""
        rows = self.select_related("contact", "line", "assignee", "latest_message__author").prefetch_related("markers")
        return rows.defer(*secrets_of("line"))


class Conversation(models.Model):
    """Everything between one line and one contact, for ever.

    unread of a colleague = inbound_count - their read marker; `waiting_since` is the team's own
    mark: set by the first unanswered inbound, cleared by a reply, Done or an opt-out.
    `latest_message` is the last of the thread by time; `latest_at` its time or that of the newest call,
    whichever is later, and before either when the conversation was opened.
    """

    # db_index=False, here and below: another index begins with the same column, and each one makes a webhook dearer.
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="conversations", db_index=False)
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="conversations", db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="conversations")
    assignee = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="assigned")
    done_at = models.DateTimeField(null=True, blank=True)
    latest_message = models.ForeignKey("Message", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    latest_at = models.DateTimeField()
    waiting_since = models.DateTimeField(null=True, blank=True)
    inbound_count = models.PositiveIntegerField(default=0)
    has_failed = models.BooleanField(default=False, help_text="The newest outgoing message went wrong")
    hidden_at = models.DateTimeField(null=True, blank=True, help_text="The contact is blocked since")
    # The newest call with the contact, for the row of the list: call logic (server/calls) writes it.
    call_at = models.DateTimeField(null=True, blank=True)
    call_state = models.CharField(max_length=12, blank=True, help_text="in or out, and how it ended, such as in:missed")
    promised_until = models.DateTimeField(null=True, blank=True, help_text="They were told that we call back by then")
    created_at = models.DateTimeField()

    objects = ConversationQuerySet.as_manager()

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        constraints: ClassVar = [models.UniqueConstraint(fields=["line", "contact"], name="one_conversation_per_contact")]
        indexes: ClassVar = [
            # The list, newest first, by keyset.
            models.Index("subscriber", models.F("latest_at").desc(), models.F("id").desc(), name="conversations_newest_first"),
            # "Needs reply", longest waiting first.
            models.Index("subscriber", "waiting_since", condition=Q(waiting_since__isnull=False), name="conversations_waiting"),
            # The few of blocked contacts, for leaving them out.
            models.Index("subscriber", condition=Q(hidden_at__isnull=False), name="conversations_hidden"),
            # Call-backs that were promised: those overdue stand first in the list.
            models.Index("subscriber", "promised_until", condition=Q(promised_until__isnull=False), name="conversations_promised"),
            # "Mine".
            models.Index("assignee", models.F("latest_at").desc(), name="conversations_of_assignee"),
        ]

    def __str__(self) -> str:
        return f"{self.contact} · {self.line}"


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        if not isinstance(user, User) or not user.is_active or user.subscriber_id is None:
            return self.none()
        ours = self.filter(subscriber_id=user.subscriber_id, deleted_at__isnull=True)
        return ours if user.sees_all_lines else ours.filter(line__among=Line.objects.visible_to(user))

    def inbound(self) -> Self:
        return self.filter(direction=Direction.IN)

    def outbound(self) -> Self:
        return self.filter(direction=Direction.OUT)


class Message(models.Model):
    """One SMS as people see it.

    One uuid, four jobs: DOM id, idempotency key of the composer's POST, token in the
    status-callback address, reference in exports.

        queued → sending → sent → delivered | undelivered | failed
        queued → held                (the line is paused)
        sending → unconfirmed        (we do not know whether the provider took it)
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="+", db_index=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages", db_index=False)
    # Its conversation's: pages of ten million rows are filtered by it, and by who may see what.
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="+", db_index=False)
    direction = models.CharField(max_length=3, choices=Direction)
    status = models.CharField(max_length=12, choices=Status)
    body = models.TextField(blank=True)
    words = WordsField(of="body")
    author = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    origin = models.CharField(max_length=12, choices=Origin, default=Origin.PERSON)
    encoding = models.CharField(max_length=5, default="GSM-7")
    segments = models.PositiveSmallIntegerField(default=1)
    plain_segments = models.PositiveSmallIntegerField(default=0, help_text="What it costs without accents; 0 of an inbound one")
    media = models.JSONField(default=list, blank=True, help_text="[{url, content_type}]: noted, not fetched")
    provider_account = models.CharField(max_length=96, blank=True)
    provider_message_id = models.CharField(max_length=64, blank=True)
    reason = models.CharField(max_length=32, blank=True, help_text="Our word for why it failed")
    provider_code = models.CharField(max_length=16, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    absences = models.PositiveSmallIntegerField(default=0, help_text="How often the provider's list lacked it")
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_by = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField()
    attempted_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    redacted_at = models.DateTimeField(null=True, blank=True, help_text="Its words were erased at the wish of the contact")

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["provider_account", "provider_message_id"],
                condition=~Q(provider_message_id=""),
                name="one_message_per_provider_id",
            ),
            models.CheckConstraint(
                condition=(Q(direction="in") & Q(status="received")) | (Q(direction="out") & ~Q(status="received")),
                name="only_inbound_is_received",
            ),
            models.CheckConstraint(
                condition=Q(direction="in") | ~Q(body="") | Q(redacted_at__isnull=False),
                name="outbound_has_a_body",
            ),
        ]
        indexes: ClassVar = [
            # A thread's page, by keyset, at any depth.
            models.Index("conversation", models.F("created_at").desc(), models.F("id").desc(), name="messages_of_thread"),
            # The Messages page, newest first, by keyset. Partial: so a count up to 10,000 is read from it alone.
            models.Index(
                "subscriber",
                models.F("created_at").desc(),
                models.F("id").desc(),
                condition=Q(deleted_at__isnull=True),
                name="messages_newest_first",
            ),
            # Those of one line: of a quiet one there may be a page in a hundred thousand of all.
            models.Index(
                "subscriber",
                "line",
                models.F("created_at").desc(),
                models.F("id").desc(),
                condition=Q(deleted_at__isnull=True),
                name="messages_of_line",
            ),
            # What one colleague wrote. Inbound ones, which nobody of ours wrote, do not pay for it.
            models.Index(
                "author",
                models.F("created_at").desc(),
                models.F("id").desc(),
                condition=Q(author__isnull=False),
                name="messages_of_author",
            ),
            # "Only failed": one in a hundred, not to be looked for among all. Written with OR: so SQLite, too, sees
            # that one of the two statuses is meant by it.
            models.Index(
                "subscriber",
                models.F("created_at").desc(),
                models.F("id").desc(),
                condition=Q(deleted_at__isnull=True) & (Q(status="failed") | Q(status="undelivered")),
                name="messages_gone_wrong",
            ),
            # What a rule sent, or what was recovered: as seldom.
            models.Index(
                "subscriber",
                "origin",
                models.F("created_at").desc(),
                models.F("id").desc(),
                condition=Q(deleted_at__isnull=True) & (Q(origin="rule") | Q(origin="recovered")),
                name="messages_of_no_person",
            ),
            # The dispatcher's claim and reaping, several times a second: a handful of rows of millions.
            models.Index(
                "status",
                "id",
                condition=Q(status="queued") | Q(status="held") | Q(status="sending") | Q(status="unconfirmed"),
                name="messages_by_status",
            ),
            # The order within a conversation: only what is still on its way.
            models.Index(
                "conversation",
                "id",
                condition=Q(status__in=["queued", "held", "sending", "unconfirmed"]),
                name="messages_on_their_way",
            ),
        ]

    def __str__(self) -> str:
        return str(self.uuid)

    @property
    def is_inbound(self) -> bool:
        return self.direction == Direction.IN

    @property
    def went_wrong(self) -> bool:
        return self.status in WENT_WRONG

    @property
    def position(self) -> str:
        """Where it stands in a thread, as text that sorts like the thread."""
        return place_in_thread(self.created_at, "", self.pk)


class DeliveryReport(models.Model):
    """What a provider said of a message, kept raw; the same thing said twice is one row."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="reports")
    status = models.CharField(max_length=12, choices=Status)
    provider_message_id = models.CharField(max_length=64, blank=True)
    provider_status = models.CharField(max_length=24)
    provider_code = models.CharField(max_length=16, blank=True)
    raw = models.JSONField(default=dict)
    received_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["message", "provider_message_id", "provider_status", "provider_code"], name="one_report_per_status"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider_status} {self.provider_code}"


class ReadMarker(models.Model):
    """How many of a conversation's inbound messages a colleague has read."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="markers")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    inbound_read = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["conversation", "user"], name="one_marker_per_reader")]

    def __str__(self) -> str:
        return f"{self.user_id} read {self.inbound_read}"


class Draft(models.Model):
    """What a person has typed into a conversation and not sent yet."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="drafts")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    body = models.TextField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["conversation", "user"], name="one_draft_per_writer")]

    def __str__(self) -> str:
        return f"draft of {self.user_id}"


class Note(models.Model):
    """An internal remark among colleagues; it has no way to leave by SMS."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    body = models.TextField()
    mentions = models.ManyToManyField(User, related_name="mentioned_in", blank=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["conversation", "created_at"], name="notes_of_thread")]

    def __str__(self) -> str:
        return f"note {self.uuid}"

    @property
    def position(self) -> str:
        return place_in_thread(self.created_at, "n", self.pk)


class ActivityKind(models.TextChoices):
    ASSIGNED = "assigned", _("assigned")
    RELEASED = "released", _("released")
    DONE = "done", _("done")
    REOPENED = "reopened", _("reopened")
    OPTED_OUT = "opted_out", _("opted out")
    OPTED_IN = "opted_in", _("opted in")


class Activity(models.Model):
    """Something that happened to a conversation and is no SMS: it was assigned, done, opted out."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="activities")
    kind = models.CharField(max_length=12, choices=ActivityKind)
    actor = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "activities"
        indexes: ClassVar = [models.Index(fields=["conversation", "at"], name="activities_of_thread")]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"

    @property
    def position(self) -> str:
        return place_in_thread(self.at, "a", self.pk)


class CannedTextQuerySet(models.QuerySet["CannedText"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """A person's own, and those of the whole company."""
        if not isinstance(user, User):
            return self.none()
        return self.filter(Q(owner=user) | Q(owner=None), subscriber_id=user.subscriber_id)


class CannedText(models.Model):
    """A text written once and used in many answers: a person's own, or the whole company's when it has no owner."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="canned_texts")
    owner = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="canned_texts")
    title = models.CharField(max_length=60)
    body = models.TextField()
    updated_at = models.DateTimeField()

    objects = CannedTextQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subscriber", "title"], condition=Q(owner=None), name="one_shared_canned_text_per_title"
            ),
            models.UniqueConstraint(
                fields=["owner", "title"], condition=Q(owner__isnull=False), name="one_own_canned_text_per_title"
            ),
            models.CheckConstraint(condition=~Q(title="") & ~Q(body=""), name="canned_text_has_title_and_body"),
            models.CheckConstraint(condition=LessThanOrEqual(Length("body"), 1000), name="canned_text_of_1000_characters_at_most"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_shared(self) -> bool:
        return self.owner_id is None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def place_in_thread(at: datetime, letter: str, pk: int) -> str:
    """Where something stands in a thread, as text that sorts like the thread; `letter` tells messages from what is none."""
    # Whole numbers, as exact as the database's order: rounded ones could tie where the rows do not.
    return f"{(at - _EPOCH) // timedelta(microseconds=1):017d}-{letter}{pk:0{12 - len(letter)}d}"
