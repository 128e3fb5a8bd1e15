"""What happens at one subscriber, read from its log and handed to this process's viewers.

A feed delivers strictly from the log: what it has not read there it does not know. So the order is
the log's, a doorbell that rang twice is nothing new, one that got lost is made up for by the next
one or by the heartbeat, and a person who comes back is told the same in the same way.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import InterfaceError, OperationalError

from chatui.attendance import Attendance
from chatui.drawing import ask, last_number
from chatui.rendering import RELOAD, Frame, frames_for
from chatui.viewer import Viewer, concerns_rights, is_for
from chatui.wire import Parcel
from server.events.log import missed_since
from server.events.models import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from chatui.admission import Person
    from chatui.hub import Hub

logger = logging.getLogger(__name__)

# Events drawn into one frame: more would be too much for one go of a browser and of the backlog's cap.
BATCH = 50


def position(number: int, **attributes: int | None) -> str:
    """The statement that tells a browser which event number it has now; None makes a bare attribute."""
    said = "".join(f" {name}" if value is None else f' {name}="{value}"' for name, value in attributes.items())
    return f'<live-position number="{number}"{said}></live-position>'


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
    if not languages:
        # Nobody here has a view.
        return {}
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
            languages = {viewer.person.language for viewer in self.viewers if viewer.person.has_view}
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
                    language, has_view = viewer.person.language, viewer.person.has_view
                    opened = {viewer.open_id} - {None}
                    languages = [language] if has_view else []
                    seen = await ask(look, self.subscriber_id, since, languages, opened=opened, upto=self.position)
                    # Rights that changed while nobody looked: what the page was drawn with is not known.
                    if seen.must_reload or any(concerns_rights(event, viewer.person) for event in seen.events):
                        viewer.tell(RELOAD + position(self.position))
                        return
                    replayed += len(seen.events)
                    messages += sum(_is_new_message_for(viewer, event) for event in seen.events)
                    text = "".join(frame.text for frame in seen.frames.get(language, []) if viewer.may_see(frame))
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
