"""In which order call logic locks rows: the call's conversation first, then what belongs to the call, the subscriber last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.messaging.models import Conversation

if TYPE_CHECKING:
    from collections.abc import Iterable


def lock_thread(conversation_ids: Iterable[int | None]) -> None:
    """The conversation of a call, if it has one: what else is told of the call, and who erases it, waits for us."""
    ids = [pk for pk in conversation_ids if pk is not None]
    list(Conversation.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk").values_list("pk"))
