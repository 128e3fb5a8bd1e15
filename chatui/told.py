"""Notices of calls as a person sees them: cards that stay until they are read or put away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.timezone import now

from server.calls import notices
from server.calls.models import UNANSWERED, Call

if TYPE_CHECKING:
    from collections.abc import Collection

    from server.accounts.models import User
    from server.calls.models import Telling

SHOWN_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Notice:
    """A telling as a card; `address` is where its call is seen, or why they were told if they may not see the line."""

    telling: Telling
    may_see_call: bool

    @property
    def address(self) -> str:
        call = self.telling.run.event.call
        if not self.may_see_call:
            return reverse("why", args=[self.telling.uuid])
        if call.conversation_id and call.subscriber.has_chat:
            return f"{reverse('conversation', args=[call.conversation_id])}#entry-{call.uuid}"
        return reverse("call", args=[call.uuid])

    @property
    def is_missed(self) -> bool:
        return self.telling.run.event.kind in UNANSWERED

    @property
    def conversation_id(self) -> int | None:
        return self.telling.run.event.call.conversation_id if self.may_see_call else None

    @property
    def zone(self) -> str:
        return self.telling.run.event.call.subscriber.timezone


def waiting_for(user: User) -> list[Notice]:
    """What waits to be seen by a person, newest first."""
    if user.subscriber_id is None or not user.subscriber.has_sms:
        return []
    return notices_for(user, notices.unseen_by(user, now=now(), most=SHOWN_AT_ONCE))


def notices_for(user: User, tellings: Collection[Telling]) -> list[Notice]:
    about = {telling.run.event.call_id for telling in tellings}
    seen = set(Call.objects.visible_to(user).filter(pk__in=about).values_list("pk", flat=True)) if about else set()
    return [Notice(telling, may_see_call=telling.run.event.call_id in seen) for telling in tellings]
