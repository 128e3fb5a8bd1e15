"""The event log: every change that a screen could show, numbered without a gap per subscriber."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from server.accounts.models import Subscriber


class Kind(models.TextChoices):
    MESSAGE_CREATED = "message_created"
    MESSAGE_CHANGED = "message_changed"
    NOTE_CREATED = "note_created"
    CONVERSATION_CHANGED = "conversation_changed"
    READ = "read"
    # Many names at once; with `message_id`, which is the contact's then, only that entry.
    PHONEBOOK_CHANGED = "phonebook_changed"
    # How far an import of contacts has got.
    IMPORT_CHANGED = "import_changed"
    # How far somebody's export has got, or what became of it.
    EXPORT_CHANGED = "export_changed"
    # A call, what the rules made of it, or its promise; `message_id` is the call's id then, the conversation may be none.
    CALL_CHANGED = "call_changed"
    # A person is told of a call in the browser; `message_id` is the telling's id then.
    TOLD = "told"
    # How call logic stands as a whole: the red switch, the limits; with `message_id`, only that rule or message node.
    CALL_LOGIC_CHANGED = "call_logic_changed"
    # Who may see what, or how a line stands.
    ACCESS_CHANGED = "access_changed"


class Event(models.Model):
    """A hint that something changed, by id; the rows as they are now are the truth.

    `user_id` names the only person who needs to hear it; empty means everyone who may see the line;
    no line means everyone of the subscriber.
    """

    # one_event_per_number begins with it already.
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="events", db_index=False)
    number = models.BigIntegerField()
    kind = models.CharField(max_length=24, choices=Kind)
    line_id = models.BigIntegerField(null=True)
    conversation_id = models.BigIntegerField(null=True)
    message_id = models.BigIntegerField(null=True)
    user_id = models.BigIntegerField(null=True)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["subscriber", "number"], name="one_event_per_number")]
        # Events older than a week are dropped by age.
        indexes: ClassVar = [models.Index(fields=["at"], name="events_by_age")]

    def __str__(self) -> str:
        return f"{self.number} {self.kind}"

    @property
    def renames_many(self) -> bool:
        """Which rows and threads show the names is not in the log."""
        return self.kind == Kind.PHONEBOOK_CHANGED and self.message_id is None
