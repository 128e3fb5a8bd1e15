"""Who looks: one tab with its person and its wire, and the one rule of who gets what."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chatui.wire import Parcel, Wire
from server.events.models import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from chatui.admission import Person
    from chatui.rendering import Frame

logger = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Viewer:
    """One tab. `open_id` is the conversation it shows, on the line `open_line`."""

    person: Person
    session_key: str
    wire: Wire
    drawn_with: str
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
        person.has_view
        and (frame.line_id is None or frame.line_id in person.lines)
        and (frame.conversation_id is None or frame.conversation_id == open_id)
        and (frame.user_id is None or frame.user_id == person.user_id)
    )


def concerns_rights(event: Event, person: Person) -> bool:
    """Whether a page of the person that was drawn before this event may show too much, or lack something."""
    # Every page says that automatic sending is stopped.
    is_switch = event.kind == Kind.CALL_LOGIC_CHANGED and event.message_id is None
    return is_switch or (event.kind == Kind.ACCESS_CHANGED and event.user_id in {None, person.user_id})


_kept: set[asyncio.Future[Any]] = set()


def _keep(task: asyncio.Future[Any]) -> None:
    """Hold a task until it is done: the loop itself forgets those that nobody holds."""
    _kept.add(task)
    task.add_done_callback(_let_go)


def _let_go(task: asyncio.Future[Any]) -> None:
    _kept.discard(task)
    if not task.cancelled() and (problem := task.exception()):
        logger.debug("live: %s", type(problem).__name__)
