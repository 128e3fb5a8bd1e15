"""The conversation list: which ones, in which order, page by page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from server import sms
from server.cursor import read_cursor, write_cursor
from server.history.searching import words_of_search
from server.history.threads import in_threads
from server.keyset import beyond
from server.messaging.models import Conversation

if TYPE_CHECKING:
    from datetime import datetime

    from server.accounts.models import User
    from server.messaging.models import ConversationQuerySet

PAGE = 40
VIEWS = ("all", "mine", "waiting", "free", "done")
COUNTED_UP_TO = 1000


@dataclass(frozen=True, slots=True)
class Listing:
    """What the list shows; the same thing as its address."""

    view: str = "all"
    text: str = ""
    longest_waiting_first: bool = False

    @classmethod
    def from_query(cls, query) -> Listing:
        view = query.get("view", "all")
        return cls(
            view=view if view in VIEWS else "all",
            text=sms.storable(query.get("q", "").strip()[:200]),
            longest_waiting_first=query.get("sort") == "waiting",
        )

    @property
    def query(self) -> str:
        parts = {
            "view": self.view if self.view != "all" else "",
            "q": self.text,
            "sort": "waiting" if self.longest_waiting_first else "",
        }
        return urlencode({key: value for key, value in parts.items() if value})

    @property
    def words(self) -> list[str]:
        """The beginnings to mark in what was found."""
        return words_of_search(self.text)

    def with_view(self, view: str) -> Listing:
        return replace(self, view=view)


@dataclass(frozen=True, slots=True)
class ListPage:
    conversations: list[Conversation]
    after: str


def conversations_in(user: User, listing: Listing):
    """All conversations of a listing that the person may see, unordered."""
    seen = Conversation.objects.visible_to(user).shown()
    if listing.text:
        # A search looks everywhere, also among what is done.
        seen = seen.filter(in_threads(user.subscriber, listing.text))
    elif listing.view != "done":
        seen = seen.open()
    if listing.view == "done":
        seen = seen.filter(done_at__isnull=False)
    elif listing.view == "mine":
        seen = seen.filter(assignee=user)
    elif listing.view == "free":
        seen = seen.filter(assignee=None)
    elif listing.view == "waiting":
        seen = seen.filter(waiting_since__isnull=False)
    return seen


def page_of(user: User, listing: Listing, after: str = "", *, now: datetime) -> ListPage:
    """The page of 40 that begins after a cursor, and the cursor of the next one.

    Whom we promised to call back before `now` stand first, in every view and order, the longest overdue at the top.
    """
    found = conversations_in(user, listing).with_row()
    overdue = [] if read_cursor(after) else _overdue(found, after, now)
    room = PAGE + 1 - len(overdue)
    conversations = [*overdue, *_others(found, listing, after, now)[:room]] if room else overdue
    if len(conversations) <= PAGE:
        return ListPage(conversations, "")
    last = conversations[PAGE - 1]
    return ListPage(conversations[:PAGE], _cursor(last, listing, is_overdue=len(overdue) >= PAGE))


def counts_of(user: User, listing: Listing) -> dict[str, int]:
    """How many conversations each view would show, counted by the same query, up to 1,000."""
    return {
        view: len(conversations_in(user, listing.with_view(view)).values_list("pk")[:COUNTED_UP_TO])
        for view in ("all", "mine", "waiting", "free")
    }


# Before the cursor of a page that ends among the overdue ones.
_AMONG_OVERDUE = "overdue-"


def _overdue(found: ConversationQuerySet, after: str, now: datetime) -> list[Conversation]:
    late = found.filter(promised_until__lte=now).order_by("promised_until", "id")
    cursor = read_cursor(after.removeprefix(_AMONG_OVERDUE))
    if cursor is not None:
        late = late.filter(beyond(cursor, newest_first=False, at="promised_until"))
    return list(late[: PAGE + 1])


def _others(found: ConversationQuerySet, listing: Listing, after: str, now: datetime) -> ConversationQuerySet:
    others = found.exclude(promised_until__lte=now)
    if listing.longest_waiting_first:
        others = others.filter(waiting_since__isnull=False).order_by("waiting_since", "id")
    else:
        others = others.order_by("-latest_at", "-id")
    cursor = read_cursor(after)
    if cursor is None:
        return others
    if listing.longest_waiting_first:
        return others.filter(beyond(cursor, newest_first=False, at="waiting_since"))
    return others.filter(beyond(cursor, newest_first=True, at="latest_at"))


def _cursor(conversation: Conversation, listing: Listing, *, is_overdue: bool) -> str:
    if is_overdue:
        return _AMONG_OVERDUE + write_cursor(conversation.promised_until, conversation.pk)
    at = conversation.waiting_since if listing.longest_waiting_first else conversation.latest_at
    return write_cursor(at, conversation.pk)
