"""Where a call puts its conversation: on the list, by its time, waiting for somebody or not any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from server.calls.models import UNANSWERED, Call, CallDirection, CallState
from server.messaging.models import Conversation, Origin
from server.messaging.standing import refresh_standing

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Before:
    """How a call stood before the event."""

    state: str
    began_at: datetime
    ended_at: datetime | None


def bring_up(*, conversation: Conversation, call: Call, before: Before | None) -> None:
    """Make the row of the conversation, which is locked, say what the call has come to; `before`: None for a new one."""
    began_earlier = before is not None and call.began_at < before.began_at
    changes = _newest_of_all(conversation) if began_earlier else _as_newest(conversation, call)
    # A blocked caller's is news to nobody: their thread is kept where it belongs, and nobody has to call back.
    if conversation.hidden_at is None:
        changes |= _reopened(call, before) | _waiting(conversation, call, before)
    if changes:
        Conversation.objects.filter(pk=conversation.pk).update(**changes)
    if began_earlier:
        refresh_standing(conversation.pk)


def _as_newest(conversation: Conversation, call: Call) -> dict[str, Any]:
    if conversation.call_at is not None and call.began_at < conversation.call_at:
        return {}
    is_first = conversation.latest_message_id is None and conversation.call_at is None
    is_latest = is_first or call.began_at > conversation.latest_at
    return _said_of(call) | ({"latest_at": call.began_at} if is_latest else {})


def _newest_of_all(conversation: Conversation) -> dict[str, Any]:
    """The ringing was told after the end: now another call may be the newest."""
    return _said_of(Call.objects.filter(conversation=conversation).order_by("-began_at", "-pk")[0])


def _said_of(call: Call) -> dict[str, Any]:
    return {"call_at": call.began_at, "call_state": call.standing}


def _reopened(call: Call, before: Before | None) -> dict[str, Any]:
    """Back on the list: by a call that was not there, or one that nobody answered after all."""
    is_news = before is None or (call.was_missed and before.state != call.state)
    return {"done_at": None} if is_news else {}


def _waiting(conversation: Conversation, call: Call, before: Before | None) -> dict[str, Any]:
    waiting = conversation.waiting_since
    if call.was_missed and (before is None or before.state not in UNANSWERED):
        missed_at = call.ended_at or call.began_at
        return {} if _was_seen_to(conversation, missed_at) else {"waiting_since": min(waiting or missed_at, missed_at)}
    if waiting is not None and _answers(call) and waiting <= _spoken_at(call, before):
        return {"waiting_since": None}
    return {}


def _answers(call: Call) -> bool:
    return call.direction == CallDirection.OUT or call.state == CallState.ANSWERED


def _spoken_at(call: Call, before: Before | None) -> datetime:
    """A call that was missed by one and answered by another waits since the first, which may have been told with a later time."""
    moments = [call.began_at, call.answered_at, before.ended_at if before else None]
    return max(at for at in moments if at is not None)


def _was_seen_to(conversation: Conversation, missed_at: datetime) -> bool:
    """Whether somebody of ours has written or spoken with them since; only a call that is told late can have been."""
    if conversation.latest_at <= missed_at:
        return False
    written = conversation.messages.outbound().filter(origin=Origin.PERSON, deleted_at=None, created_at__gt=missed_at)
    spoken = Call.objects.filter(conversation=conversation, began_at__gt=missed_at)
    return written.exists() or any(_answers(other) for other in spoken.only("direction", "state"))
