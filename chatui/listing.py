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
    from server.accounts.models import User

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


def page_of(user: User, listing: Listing, after: str = "") -> ListPage:
    """The page of 40 that begins after a cursor ("milliseconds_id"), and the cursor of the next one."""
    found = conversations_in(user, listing).with_row()
    if listing.longest_waiting_first:
        found = found.filter(waiting_since__isnull=False).order_by("waiting_since", "id")
    else:
        found = found.order_by("-latest_at", "-id")
    cursor = read_cursor(after)
    if cursor is not None:
        found = found.filter(
            beyond(cursor, newest_first=False, at="waiting_since")
            if listing.longest_waiting_first
            else beyond(cursor, newest_first=True, at="latest_at")
        )
    conversations = list(found[: PAGE + 1])
    has_more, conversations = len(conversations) > PAGE, conversations[:PAGE]
    last = conversations[-1] if has_more else None
    return ListPage(conversations, _cursor(last, listing) if last else "")


def counts_of(user: User, listing: Listing) -> dict[str, int]:
    """How many conversations each view would show, counted by the same query, up to 1,000."""
    return {
        view: len(conversations_in(user, listing.with_view(view)).values_list("pk")[:COUNTED_UP_TO])
        for view in ("all", "mine", "waiting", "free")
    }


def _cursor(conversation: Conversation, listing: Listing) -> str:
    at = conversation.waiting_since if listing.longest_waiting_first else conversation.latest_at
    return write_cursor(at, conversation.pk)
