"""Where a conversation stands: what its row in the list says of its messages.

Rows are locked in one order everywhere, or two transactions could wait for each other for ever:
line → contact → message that exists already → conversation → opt-out → usage of a line → subscriber (the event's number, last).
Locks are FOR NO KEY UPDATE: a foreign key that is checked at commit must not have to wait for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from server.contacts.optout import opt_out
from server.messaging.models import WENT_WRONG, Activity, ActivityKind, Conversation, Message

if TYPE_CHECKING:
    from datetime import datetime


def lock_conversation(pk: int) -> Conversation:
    """The conversation as it is now; nobody else writes into it until we commit (SQLite has one writer anyway)."""
    return Conversation.objects.select_for_update(no_key=True).get(pk=pk)


def as_latest(conversation: Conversation, message: Message) -> dict[str, Any]:
    """The changes that make a new message the row's text and time; none when it is older than the one there (a recovered one)."""
    if conversation.latest_message_id is not None and message.created_at < conversation.latest_at:
        is_older = conversation.latest_at != conversation.call_at or _is_before(message, conversation.latest_message)
        # A call may be the newest: then the message need only be later than the one before.
        return {} if is_older else {"latest_message": message}
    return {"latest_message": message, "latest_at": message.created_at}


def _is_before(message: Message, latest: Message | None) -> bool:
    return latest is not None and message.created_at < latest.created_at


def refresh_standing(conversation_id: int) -> None:
    """Work out the latest message and the red mark anew, after a message went wrong, was tried again or was taken away."""
    conversation = lock_conversation(conversation_id)
    shown = Message.objects.filter(conversation=conversation, deleted_at=None)
    latest = shown.order_by("-created_at", "-id").first()
    newest_outbound = shown.outbound().order_by("-id").first()
    Conversation.objects.filter(pk=conversation_id).update(
        latest_message=latest,
        latest_at=max((at for at in (latest and latest.created_at, conversation.call_at) if at), default=conversation.latest_at),
        has_failed=newest_outbound is not None and newest_outbound.status in WENT_WRONG,
    )


def record_opt_out(message: Message, *, at: datetime) -> None:
    """The provider says that this message's contact has asked the line to stop."""
    conversation = lock_conversation(message.conversation_id)
    if opt_out(line=conversation.line, number=conversation.contact.number, source="provider", at=at):
        Activity.objects.create(conversation=conversation, kind=ActivityKind.OPTED_OUT, at=at)
    # There is nobody left to answer.
    Conversation.objects.filter(pk=conversation.pk).update(waiting_since=None)
