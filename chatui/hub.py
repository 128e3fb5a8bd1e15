"""The hub: hears the doorbell once for all viewers of a process, and keeps their feeds, presence and rights.

    verb → event in the log → doorbell → Hub.hear → Feed → frames_for, once a language → every Viewer's wire

- A process joins one group per subscriber, not one per line or socket: a doorbell is a few bytes, and
  who may see what is decided here, on rows, each time.
- What is in the log goes by a Feed (chatui/feed.py), read and drawn on one thread (chatui/drawing.py).
- What isn't in the log (who is here, who is typing, who must go) is whispered, and expires.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import InterfaceError, OperationalError

from chatui.admission import Person, Refused, admit
from chatui.drawing import ask, last_number
from chatui.feed import Feed
from chatui.rendering import RELOAD, presence_frame, typing_frame
from chatui.wire import Parcel
from server.events import doorbell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from chatui.viewer import Viewer

logger = logging.getLogger(__name__)

# Closed because the same person opened an eleventh tab.
TOO_MANY_TABS = 4409
TABS_PER_PERSON = 10
TYPING_SECONDS = 6
# Somebody who is here is mentioned at each heartbeat; two may get lost.
HEARTBEATS_HERE = 2.5
REDIS_PATIENCE_SECONDS = 5
REJOIN_SECONDS = 2


class Hub:
    """All feeds of this process, and its ear at the door."""

    def __init__(self) -> None:
        self.process = uuid.uuid4().hex
        self.feeds: dict[int, Feed] = {}
        self.viewers_of: dict[int, list[Viewer]] = defaultdict(list)
        self._channel: str | None = None
        self._running: list[asyncio.Task[None]] = []
        self._handlers: dict[str, Callable[[Feed, dict[str, Any]], None]] = {
            "dismiss": self._on_dismiss,
            "presence": self._on_presence,
            "typing": self._on_typing,
        }

    async def enter(self, viewer: Viewer) -> Feed:
        """Take a new tab in; the oldest of more than ten tabs of a person (in this process) must go."""
        self._start()
        feed = self.feeds.get(viewer.person.subscriber_id)
        is_new = feed is None
        if feed is None:
            feed = self.feeds[viewer.person.subscriber_id] = Feed(viewer.person.subscriber_id, self)
        feed.arriving += 1
        try:
            if is_new:
                await self._join(feed)
            await feed.enter(viewer)
        finally:
            feed.arriving -= 1
        tabs = self.viewers_of[viewer.person.user_id]
        tabs.append(viewer)
        for oldest in tabs[:-TABS_PER_PERSON]:
            oldest.close(TOO_MANY_TABS)
        return feed

    def leave(self, viewer: Viewer) -> None:
        viewer.is_closing = True
        feed = self.feeds.get(viewer.person.subscriber_id)
        if feed is None:
            return
        feed.leave(viewer)
        tabs = self.viewers_of[viewer.person.user_id]
        if viewer in tabs:
            tabs.remove(viewer)
        if not tabs:
            del self.viewers_of[viewer.person.user_id]
        self.stop_typing(feed, viewer)
        self._leave_conversation(feed, viewer)

    def hear(self, statement: dict[str, Any]) -> None:
        """A doorbell or a whisper, from this process or through the layer, perhaps twice."""
        feed = self.feeds.get(statement.get("subscriber", 0))
        if feed is None or statement.get("process") == self.process:
            return
        if statement["type"] == "doorbell":
            feed.hear(statement["number"])
        elif statement["type"] == "whisper" and statement.get("kind") in self._handlers:
            self._handlers[statement["kind"]](feed, statement)

    # --- Who is here, who is typing ---
    def open_conversation(self, feed: Feed, viewer: Viewer, conversation_id: int | None, line_id: int | None) -> None:
        """A tab shows another conversation; everyone who has it open sees who is here."""
        if conversation_id != viewer.open_id:
            self.stop_typing(feed, viewer)
            self._leave_conversation(feed, viewer)
        viewer.open_id, viewer.open_line = conversation_id, line_id
        if conversation_id is None:
            return
        if self._say_here(feed, viewer):
            self._show_presence(feed, conversation_id)
        else:
            self._show_presence(feed, conversation_id, only=viewer)

    def type_in(self, feed: Feed, viewer: Viewer, conversation_id: int, line_id: int) -> None:
        statement = self._of(viewer, "typing", conversation_id) | {"line": line_id}
        self._on_typing(feed, statement)
        doorbell.whisper(feed.subscriber_id, statement)

    def stop_typing(self, feed: Feed, viewer: Viewer) -> None:
        for conversation_id in feed.typing.conversations_of(process=self.process, user_id=viewer.person.user_id):
            line_id = viewer.open_line if viewer.open_id == conversation_id else None
            if line_id is not None:
                statement = self._of(viewer, "typing", conversation_id) | {"line": line_id, "gone": True}
                self._on_typing(feed, statement)
                doorbell.whisper(feed.subscriber_id, statement)

    def _say_here(self, feed: Feed, viewer: Viewer) -> bool:
        statement = self._of(viewer, "presence", viewer.open_id)
        doorbell.whisper(feed.subscriber_id, statement)
        return self._note_here(feed, statement)

    def _leave_conversation(self, feed: Feed, viewer: Viewer) -> None:
        conversation_id, viewer.open_id, viewer.open_line = viewer.open_id, None, None
        others = self.viewers_of.get(viewer.person.user_id, [])
        if conversation_id is None or any(other.open_id == conversation_id for other in others):
            return
        statement = self._of(viewer, "presence", conversation_id) | {"gone": True}
        if self._note_here(feed, statement):
            self._show_presence(feed, conversation_id)
        doorbell.whisper(feed.subscriber_id, statement)

    def _of(self, viewer: Viewer, kind: str, conversation_id: int | None) -> dict[str, Any]:
        person = viewer.person
        return {"kind": kind, "process": self.process, "conversation": conversation_id, "user": person.user_id, "name": person.name}

    def _note_here(self, feed: Feed, statement: dict[str, Any]) -> bool:
        whom = {"process": statement["process"], "user_id": statement["user"]}
        if statement.get("gone"):
            return feed.here.go(statement["conversation"], **whom)
        until = _now() + settings.LIVE_HEARTBEAT_SECONDS * HEARTBEATS_HERE
        return feed.here.come(statement["conversation"], name=statement["name"], until=until, **whom)

    def _on_presence(self, feed: Feed, statement: dict[str, Any]) -> None:
        if not self._note_here(feed, statement):
            return
        self._show_presence(feed, statement["conversation"])
        if not statement.get("gone"):
            # The newcomer's process may not know yet who is here.
            for viewer in feed.viewers:
                if viewer.open_id == statement["conversation"]:
                    self._say_here(feed, viewer)

    def _on_typing(self, feed: Feed, statement: dict[str, Any]) -> None:
        conversation_id, line_id = statement["conversation"], statement["line"]
        whom = {"process": statement["process"], "user_id": statement["user"]}
        if statement.get("gone"):
            changed = feed.typing.go(conversation_id, **whom)
        else:
            changed = feed.typing.come(conversation_id, name=statement["name"], until=_now() + TYPING_SECONDS, **whom)
            asyncio.get_running_loop().call_later(TYPING_SECONDS + 0.05, self._expire_typing, feed, conversation_id, line_id)
        if changed:
            self._show_typing(feed, conversation_id, line_id)

    def _expire_typing(self, feed: Feed, conversation_id: int, line_id: int) -> None:
        if conversation_id in feed.typing.expire(_now(), only=conversation_id):
            self._show_typing(feed, conversation_id, line_id)

    def _show_presence(self, feed: Feed, conversation_id: int, only: Viewer | None = None) -> None:
        parcel = Parcel(presence_frame(conversation_id, feed.here.people(conversation_id)).text)
        for viewer in [only] if only else [viewer for viewer in feed.viewers if viewer.open_id == conversation_id]:
            viewer.hand(parcel)

    def _show_typing(self, feed: Feed, conversation_id: int, line_id: int) -> None:
        frame = typing_frame(conversation_id, line_id, feed.typing.people(conversation_id))
        parcel = Parcel(frame.text)
        for viewer in [viewer for viewer in feed.viewers if viewer.may_see(frame)]:
            viewer.hand(parcel)

    # --- Who must go ---
    def _on_dismiss(self, feed: Feed, statement: dict[str, Any]) -> None:
        for viewer in [*self.viewers_of.get(statement["user"], [])]:
            if not statement.get("session") or viewer.session_key == statement["session"]:
                viewer.close(statement["code"])

    async def recheck(self, viewers: Iterable[Viewer] | None = None) -> None:
        """Ask anew whether each person may look, and at what; sessions are read once for all their tabs of a kind."""
        by_session: dict[tuple[str, str], list[Viewer]] = defaultdict(list)
        for viewer in [viewer for feed in self.feeds.values() for viewer in feed.viewers] if viewers is None else viewers:
            by_session[viewer.session_key, viewer.drawn_with].append(viewer)
        for session, tabs in by_session.items():
            try:
                person = await database_sync_to_async(admit, thread_sensitive=False)(*session)
            except Refused as refusal:
                for viewer in tabs:
                    viewer.close(refusal.code)
                continue
            for viewer in tabs:
                self._update(viewer, person)

    def _update(self, viewer: Viewer, person: Person) -> None:
        before = viewer.person
        if (before.user_id, before.subscriber_id) != (person.user_id, person.subscriber_id):
            # Leaves as who it was: from the old company's feed, and from the threads where it was seen.
            viewer.close(doorbell.LOGGED_OUT)
            return
        viewer.person = person
        if (feed := self.feeds.get(person.subscriber_id)) is not None:
            feed.circles = None
        if before.lines - person.lines:
            # The page still shows what was taken away: load it anew, whatever the tab makes of the close.
            viewer.tell(RELOAD)
            viewer.close(doorbell.NOT_ALLOWED)
        elif (before.lines, before.surroundings) != (person.lines, person.surroundings):
            viewer.tell(RELOAD)

    # --- The clock ---
    async def beat(self) -> None:
        """One heartbeat: make up for lost doorbells, say where everybody stands, mention who is here."""
        for feed in [*self.feeds.values()]:
            if not feed.viewers and not feed.arriving:
                await self._part(feed)
                continue
            await self._join(feed)
            try:
                await feed.check()
                await feed.caught_up()
            except Exception as problem:
                # No heartbeat without the database: better that screens show they may be stale.
                logger.warning("no heartbeat for subscriber %s: %s", feed.subscriber_id, type(problem).__name__)
                continue
            feed.beat()
            for conversation_id in feed.here.expire(_now()):
                self._show_presence(feed, conversation_id)
            said: set[tuple[int, int]] = set()
            for viewer in feed.viewers:
                if viewer.open_id is not None and not viewer.is_closing and (viewer.person.user_id, viewer.open_id) not in said:
                    said.add((viewer.person.user_id, viewer.open_id))
                    self._say_here(feed, viewer)

    async def _every(self, seconds: float, act: Callable[[], Any]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await act()
            except (OperationalError, InterfaceError) as problem:
                logger.warning("the hub goes on later, the database is away: %s", type(problem).__name__)
            except Exception:
                logger.exception("the hub stumbled")

    def _start(self) -> None:
        if not self._running:
            self._running = [
                asyncio.create_task(self._pump()),
                asyncio.create_task(self._every(settings.LIVE_HEARTBEAT_SECONDS, self.beat)),
                asyncio.create_task(self._every(REJOIN_SECONDS, self._join_missing)),
                asyncio.create_task(self._every(settings.LIVE_RECHECK_SECONDS, self.recheck)),
            ]

    # --- The layer: how other processes' doorbells come in ---
    async def _pump(self) -> None:
        """Receive for ever; when the layer breaks, begin anew, and ask the log what was missed."""
        while True:
            try:
                layer = doorbell.layer_between_processes()
                if layer is None:
                    return
                self._channel = await asyncio.wait_for(layer.new_channel(), REDIS_PATIENCE_SECONDS)
                for feed in [*self.feeds.values()]:
                    await self._join(feed)
                    feed.hear(await ask(last_number, feed.subscriber_id))
                while True:
                    self.hear(await layer.receive(self._channel))
            except Exception as problem:
                logger.warning("channel layer away: %s", type(problem).__name__)
                self._channel = None
                for feed in self.feeds.values():
                    feed.is_joined = False
                await asyncio.sleep(1)

    async def _join_missing(self) -> None:
        if self._channel is None:
            return
        for feed in [*self.feeds.values()]:
            if not feed.is_joined:
                await self._join(feed)
                if feed.is_joined:
                    await feed.check()

    async def _join(self, feed: Feed) -> None:
        """Join the subscriber's group, or, being in it, stay in it (Redis forgets idle members)."""
        layer = doorbell.layer_between_processes()
        if layer is None or self._channel is None:
            return
        try:
            await asyncio.wait_for(layer.group_add(doorbell.group_of(feed.subscriber_id), self._channel), REDIS_PATIENCE_SECONDS)
            feed.is_joined = True
        except Exception as problem:
            feed.is_joined = False
            logger.warning("group of subscriber %s not joined: %s", feed.subscriber_id, type(problem).__name__)

    async def _part(self, feed: Feed) -> None:
        self.feeds.pop(feed.subscriber_id, None)
        layer = doorbell.layer_between_processes()
        if layer is not None and self._channel is not None:
            with contextlib.suppress(Exception):
                group = doorbell.group_of(feed.subscriber_id)
                await asyncio.wait_for(layer.group_discard(group, self._channel), REDIS_PATIENCE_SECONDS)
        # Somebody came meanwhile: what was left was their group, too.
        if (successor := self.feeds.get(feed.subscriber_id)) is not None:
            successor.is_joined = False


_hub: Hub | None = None
_hub_loop: asyncio.AbstractEventLoop | None = None


def current_hub() -> Hub:
    """The hub of this process's running loop."""
    global _hub, _hub_loop
    loop = asyncio.get_running_loop()
    if _hub is None or _hub_loop is not loop:
        _hub, _hub_loop = Hub(), loop
        doorbell.hang_on(loop, _hub.hear)
    return _hub


def _now() -> float:
    return asyncio.get_running_loop().time()
