"""The hub: hears the doorbell once for all viewers of a process, reads the log, draws, hands out.

    verb → event in the log → doorbell → Hub.hear → Feed → frames_for, once a language → every Viewer's wire

- A process joins one group per subscriber, not one per line or socket: a doorbell is a few bytes, and
  who may see what is decided here, on rows, each time.
- A Feed delivers strictly from the log: what it has not read there it does not know. So the order is
  the log's, a doorbell that rang twice is nothing new, one that got lost is made up for by the next
  one or by the heartbeat, and a person who comes back is told the same in the same way.
- Drawing and reading happen on one thread with one lasting database connection. Through Channels'
  usual way every delivery to every viewer would hop to a thread first: half the cost of fan-out.
- What isn't in the log (who is here, who is typing, who must go) is whispered, and expires.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from chatui.admission import LOGGED_OUT, NOT_ALLOWED, Person, Refused, admit
from chatui.attendance import Attendance
from chatui.rendering import RELOAD, Frame, frames_for, presence_frame, typing_frame
from chatui.wire import Parcel, Wire
from server.accounts.models import Subscriber
from server.events import doorbell
from server.events.log import missed_since
from server.events.models import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

logger = logging.getLogger(__name__)

# Closed because the same person opened an eleventh tab.
TOO_MANY_TABS = 4409
TABS_PER_PERSON = 10
# Events drawn into one frame: more would be too much for one go of a browser and of the backlog's cap.
BATCH = 50
TYPING_SECONDS = 6
# Somebody who is here is mentioned at each heartbeat; two may get lost.
HEARTBEATS_HERE = 2.5
REDIS_PATIENCE_SECONDS = 5
REJOIN_SECONDS = 2

# One thread for the whole process: its database connection lasts.
_drawing = ThreadPoolExecutor(1, thread_name_prefix="hub")


def position(number: int, **attributes: int | None) -> str:
    """The statement that tells a browser which event number it has now; None makes a bare attribute."""
    said = "".join(f" {name}" if value is None else f' {name}="{value}"' for name, value in attributes.items())
    return f'<live-position number="{number}"{said}></live-position>'


# --- Who looks ----------------------------------------------------------------------------------
@dataclass(eq=False, slots=True)
class Viewer:
    """One tab. `open_id` is the conversation it shows, on the line `open_line`."""

    person: Person
    session_key: str
    wire: Wire
    open_id: int | None = None
    open_line: int | None = None
    # A viewer is told its position only once it said where it stands: else it could believe to
    # have what happened between its page and its socket.
    is_placed: bool = False
    is_closing: bool = False
    write: Callable[[Parcel], bool] = field(init=False)

    def __post_init__(self) -> None:
        self.write = self.wire.write

    def may_see(self, frame: Frame) -> bool:
        return is_for(frame, self.person, self.open_id)

    def tell(self, text: str) -> bool:
        return self.hand(Parcel(text))

    def hand(self, parcel: Parcel) -> bool:
        """Write; who is too far behind is cut off, and comes back with the number it has."""
        if self.is_closing:
            return False
        if self.write(parcel):
            return True
        self.lose()
        return False

    def lose(self) -> None:
        """Cut off without a word."""
        self.is_closing = True
        self.wire.cut()

    def close(self, code: int) -> None:
        if not self.is_closing:
            self.is_closing = True
            _keep(asyncio.ensure_future(self.wire.close(code)))


def is_for(frame: Frame, person: Person, open_id: int | None) -> bool:
    """The one rule of who gets a frame."""
    return (
        (frame.line_id is None or frame.line_id in person.lines)
        and (frame.conversation_id is None or frame.conversation_id == open_id)
        and (frame.user_id is None or frame.user_id == person.user_id)
    )


def concerns_rights(event: Event, person: Person) -> bool:
    """Whether a page of the person that was drawn before this event may show too much, or lack something."""
    return event.kind == Kind.ACCESS_CHANGED and event.user_id in {None, person.user_id}


# --- What there is to see ------------------------------------------------------------------------
@dataclass(slots=True)
class Look:
    """A look into the log: events after a number (a batch of them at most), drawn in each language."""

    events: list[Event]
    upto: int
    must_reload: bool
    frames: dict[str, list[Frame]] = field(default_factory=dict)


def look(
    subscriber_id: int, since: int, languages: Iterable[str], *, opened: Collection[int] | None = None, upto: int | None = None
) -> Look:
    """Read and draw what happened after `since` (and not after `upto`), with the threads of `opened`; does database reads."""
    missed = missed_since(subscriber_id=subscriber_id, since=since)
    if missed.must_reload:
        return Look([], missed.last, must_reload=True)
    events = [event for event in missed.events if upto is None or event.number <= upto][:BATCH]
    reached = events[-1].number if events else since
    return Look(events, reached, must_reload=False, frames=draw(events, set(languages), opened))


def draw(events: list[Event], languages: Collection[str], opened: Collection[int] | None) -> dict[str, list[Frame]]:
    """The frames of these events; one that can't be drawn must not keep the others from being seen."""
    try:
        return frames_for(events, languages, opened)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        if len(events) == 1:
            logger.exception("event %s can't be drawn", events[0].number)
            return {language: [] for language in languages}
        one_by_one = [draw([event], languages, opened) for event in events]
        return {language: [frame for drawn in one_by_one for frame in drawn[language]] for language in languages}


class Feed:
    """What happens at one subscriber, delivered in order to this process's viewers."""

    def __init__(self, subscriber_id: int, hub: Hub) -> None:
        self.subscriber_id = subscriber_id
        self.hub = hub
        self.position = 0
        self.viewers: set[Viewer] = set()
        # Those who are being told what they missed get nothing else meanwhile.
        self.replaying: set[Viewer] = set()
        self.is_joined = False
        # On their way in: until they are viewers the feed must not be taken for an empty one.
        self.arriving = 0
        self.circles: dict[tuple[str, frozenset[int], bool], list[Viewer]] | None = None
        self.here = Attendance()
        self.typing = Attendance()
        self._asked_lines: set[int] = set()
        self._heard = 0
        self._reading = asyncio.Lock()
        self._catching_up: asyncio.Task[None] | None = None

    async def enter(self, viewer: Viewer) -> None:
        async with self._reading:
            if not self.viewers:
                # Nobody looked until now: begin at the log's end.
                self.position = await ask(last_number, self.subscriber_id)
            self.viewers.add(viewer)
            self.circles = None
        if self._heard > self.position:
            self.hear(self._heard)

    def leave(self, viewer: Viewer) -> None:
        self.viewers.discard(viewer)
        self.replaying.discard(viewer)
        self.circles = None

    # A burst of doorbells is one look into the log, and what rings during it the next one.
    def hear(self, number: int) -> None:
        """The log has reached a number."""
        self._heard = max(self._heard, number)
        if self._heard > self.position and self.viewers and self._catching_up is None:
            self._catching_up = asyncio.create_task(self._catch_up())

    async def check(self) -> None:
        """Look whether the log went on unheard."""
        async with self._reading:
            last = await ask(last_number, self.subscriber_id)
            if last < self.position:
                # A restored backup: every number given out since is void.
                self.position = self._heard = last
                self.tell_all(RELOAD + position(last))
        self.hear(last)

    async def caught_up(self) -> None:
        """Wait until what was heard so far is delivered."""
        if self._catching_up is not None:
            await asyncio.shield(self._catching_up)

    async def _catch_up(self) -> None:
        try:
            while self.position < self._heard and self.viewers:
                async with self._reading:
                    if not await self._deliver_batch():
                        break
        except Exception as problem:
            # The heartbeat tries again.
            logger.warning("log of subscriber %s not read: %s", self.subscriber_id, type(problem).__name__)
        finally:
            self._catching_up = None

    async def _deliver_batch(self) -> bool:
        seen = await self._look()
        if seen.upto == self.position:
            self._heard = self.position
            return False
        await self._ask_access_anew(seen.events)
        self.position = seen.upto
        if seen.must_reload:
            self.tell_all(RELOAD + position(self.position))
        else:
            self.deliver(seen.frames, position(self.position))
        return True

    async def _look(self) -> Look:
        """The next batch, with every thread that somebody has open by the time it is drawn."""
        while True:
            languages = {viewer.person.language for viewer in self.viewers}
            opened = self._opened()
            seen = await ask(look, self.subscriber_id, self.position, languages, opened=opened)
            if not (self._opened() - opened) & {event.conversation_id for event in seen.events}:
                return seen

    def _opened(self) -> set[int]:
        return {viewer.open_id for viewer in self.viewers if viewer.open_id is not None}

    async def _ask_access_anew(self, events: list[Event]) -> None:
        """Before anything is delivered that somebody may no longer, or may now, see."""
        # A line that nobody here has: perhaps it is new, and supervisors see it from now on.
        unknown = {event.line_id for event in events if event.line_id} - self._asked_lines
        unknown -= frozenset().union(*{viewer.person.lines for viewer in self.viewers})
        concerned = [viewer for viewer in self.viewers if unknown or any(concerns_rights(event, viewer.person) for event in events)]
        if concerned:
            await self.hub.recheck(concerned)
        self._asked_lines |= unknown

    def deliver(self, frames: dict[str, list[Frame]], tail: str = "") -> None:
        """Hand each viewer the frames it may see, in one text; who sees the same gets the same bytes.

        This loop is what fan-out costs beside the system call: what is the same for many is asked once.
        """
        everything = [frame for batch in frames.values() for frame in batch]
        opened = {frame.conversation_id for frame in everything} - {None}
        named = {frame.user_id for frame in everything} - {None}
        for (language, _lines, is_placed), viewers in self._circles().items():
            # A language chosen this very moment is spoken from the next frame on.
            drawn, end = frames.get(language, everything), tail if is_placed else ""
            common = _parcel(drawn, viewers[0].person, None, end, named)
            for viewer in viewers:
                if viewer.is_closing or viewer in self.replaying:
                    continue
                parcel = common
                if viewer.open_id in opened or viewer.person.user_id in named:
                    parcel = _parcel(drawn, viewer.person, viewer.open_id, end)
                if parcel is not None and not viewer.write(parcel):
                    viewer.lose()

    def _circles(self) -> dict[tuple[str, frozenset[int], bool], list[Viewer]]:
        """The viewers by what they have in common, until somebody comes, goes or changes."""
        if self.circles is None:
            self.circles = defaultdict(list)
            for viewer in self.viewers:
                self.circles[viewer.person.language, viewer.person.lines, viewer.is_placed].append(viewer)
        return self.circles

    def tell_all(self, text: str) -> None:
        parcel = Parcel(text)
        for viewer in [*self.viewers]:
            viewer.hand(parcel)

    def beat(self) -> None:
        """Tell everybody the last number, so that a gap shows, and that the connection lives."""
        parcel = Parcel(position(self.position, heartbeat=None))
        self.circles = None
        for viewer in self.viewers - self.replaying:
            viewer.is_placed = True
            viewer.hand(parcel)

    async def replay(self, viewer: Viewer, since: int) -> None:
        """Tell one viewer what happened after the number it has, batch by batch as fast as it reads."""
        if since > self.position:
            await self.check()
            await self.caught_up()
        self.replaying.add(viewer)
        replayed = messages = 0
        try:
            while viewer in self.viewers and not viewer.is_closing:
                async with self._reading:
                    language = viewer.person.language
                    opened = {viewer.open_id} - {None}
                    seen = await ask(look, self.subscriber_id, since, [language], opened=opened, upto=self.position)
                    # Rights that changed while nobody looked: what the page was drawn with is not known.
                    if seen.must_reload or any(concerns_rights(event, viewer.person) for event in seen.events):
                        viewer.tell(RELOAD + position(self.position))
                        return
                    replayed += len(seen.events)
                    messages += sum(_is_new_message_for(viewer, event) for event in seen.events)
                    text = "".join(frame.text for frame in seen.frames[language] if viewer.may_see(frame))
                    since = seen.upto
                    if since >= self.position or not seen.events:
                        viewer.is_placed = True
                        self.circles = None
                        viewer.tell(text + position(self.position, replayed=replayed, messages=messages))
                        self.replaying.discard(viewer)
                        return
                    viewer.tell(text + position(since))
                if not await viewer.wire.drain():
                    viewer.lose()
        finally:
            self.replaying.discard(viewer)


def _is_new_message_for(viewer: Viewer, event: Event) -> bool:
    return event.kind == Kind.MESSAGE_CREATED and event.line_id in viewer.person.lines


def _parcel(frames: list[Frame], person: Person, open_id: int | None, end: str, named: Collection[int] = ()) -> Parcel | None:
    """What a person with this conversation open gets of these frames; without those for the people in `named`."""
    texts = [frame.text for frame in frames if is_for(frame, person, open_id) and frame.user_id not in named]
    return Parcel("".join([*texts, end])) if texts else None


# --- The process's one hub -----------------------------------------------------------------------
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
        """Ask anew whether each person may look, and at what; sessions are read once for all their tabs."""
        by_session: dict[str, list[Viewer]] = defaultdict(list)
        for viewer in [viewer for feed in self.feeds.values() for viewer in feed.viewers] if viewers is None else viewers:
            by_session[viewer.session_key].append(viewer)
        for session_key, tabs in by_session.items():
            try:
                person = await database_sync_to_async(admit, thread_sensitive=False)(session_key)
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
            viewer.close(LOGGED_OUT)
            return
        viewer.person = person
        if (feed := self.feeds.get(person.subscriber_id)) is not None:
            feed.circles = None
        if before.lines - person.lines:
            # The page still shows what was taken away: load it anew, whatever the tab makes of the close.
            viewer.tell(RELOAD)
            viewer.close(NOT_ALLOWED)
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
_kept: set[asyncio.Future[Any]] = set()


def current_hub() -> Hub:
    """The hub of this process's running loop."""
    global _hub, _hub_loop
    loop = asyncio.get_running_loop()
    if _hub is None or _hub_loop is not loop:
        _hub, _hub_loop = Hub(), loop
        doorbell.hang_on(loop, _hub.hear)
    return _hub


# --- The drawing thread -------------------------------------------------------------------------
async def ask(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run a reading function on the drawing thread; a connection that broke is replaced once."""
    return await asyncio.get_running_loop().run_in_executor(_drawing, _with_connection, partial(function, *args, **kwargs))


def _with_connection(function: Callable[[], Any]) -> Any:
    try:
        return function()
    except (OperationalError, InterfaceError):
        connection.close()
        return function()
    except Exception:
        connection.close()
        raise


def last_number(subscriber_id: int) -> int:
    return Subscriber.objects.values_list("last_event", flat=True).get(pk=subscriber_id)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _keep(task: asyncio.Future[Any]) -> None:
    """Hold a task until it is done: the loop itself forgets those that nobody holds."""
    _kept.add(task)
    task.add_done_callback(_let_go)


def _let_go(task: asyncio.Future[Any]) -> None:
    _kept.discard(task)
    if not task.cancelled() and (problem := task.exception()):
        logger.debug("live: %s", type(problem).__name__)
