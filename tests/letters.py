"""The task worker of letters: does what waits, and hands over what came into people's mailboxes."""

from __future__ import annotations

from django.core import mail
from django_tasks_db.models import DBTaskResult


def letters_sent() -> list[mail.EmailMessage]:
    """Run the tasks that wait, oldest first; returns the letters that they sent."""
    before = len(mail.outbox)
    for waiting in DBTaskResult.objects.ready().order_by("enqueued_at"):
        waiting.task.func(*waiting.args_kwargs["args"], **waiting.args_kwargs["kwargs"])
        waiting.delete()
    return mail.outbox[before:]
