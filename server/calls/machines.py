"""Whether a machine seems to answer at the other end: two of them would write to each other for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Count

from server.messaging.models import Origin

if TYPE_CHECKING:
    from datetime import datetime

    from server.messaging.models import Conversation

# Nobody reads a text and types an answer to it faster, twice.
AT_ONCE = timedelta(seconds=30)
IN_A_ROW = 2
# The same text so often within so long.
SAME_TEXT, WITHIN = 3, timedelta(minutes=5)
# Tomorrow it may be looked at anew, or a number would be silenced for ever.
LOOKS_BACK = timedelta(days=1)


def answers_by_itself(conversation: Conversation, now: datetime) -> bool:
    return _repeats_itself(conversation, now) or _answers_at_once(conversation, now)


def _repeats_itself(conversation: Conversation, now: datetime) -> bool:
    lately = conversation.messages.inbound().filter(created_at__gt=now - WITHIN).order_by()
    return lately.values("body").annotate(times=Count("pk")).filter(times__gte=SAME_TEXT).exists()


def _answers_at_once(conversation: Conversation, now: datetime) -> bool:
    ours = conversation.messages.outbound().filter(origin=Origin.RULE, sent_at__gt=now - LOOKS_BACK)
    sent = list(ours.order_by("-created_at", "-id").values_list("attempted_at", "sent_at")[:IN_A_ROW])
    return len(sent) == IN_A_ROW and all(_is_answered(conversation, attempted or at, at) for attempted, at in sent if at)


def _is_answered(conversation: Conversation, attempted_at: datetime, sent_at: datetime) -> bool:
    # The answer of a machine may be here before the provider's word that it was sent.
    answers = conversation.messages.inbound().filter(created_at__gte=attempted_at, created_at__lte=sent_at + AT_ONCE)
    return answers.exists()
