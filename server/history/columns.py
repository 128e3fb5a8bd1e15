"""What stands in a row of the history: the same on the screen and in a file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from server.contacts.erased import is_erased, said_number
from server.messaging.models import WENT_WRONG, Direction, Message, Origin, Status
from server.messaging.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.utils.functional import _StrPromise


class Kind(Enum):
    TEXT = "text"
    # An instant, shown on the wall clock of the subscriber's zone, or in UTC.
    LOCAL_TIME = "local time"
    UTC_TIME = "utc time"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what of a message it is made of (`paths`, as the ORM names them) and what it says.

    `say` gets the values of the paths, in the language that is active; a time says its instant.
    `width` is that of a sheet, in characters.
    """

    key: str
    heading: _StrPromise
    width: int
    paths: tuple[str, ...]
    say: Callable[..., Any]
    kind: Kind = Kind.TEXT
    # Whether many rows say the same, so that a file's writer had better remember it.
    repeats: bool = True

    def of(self, message: Message) -> Any:
        """What it says of a message that was read with its contact, line and author."""
        return self.say(*(_value(message, path) for path in self.paths))


def _value(message: Message, path: str) -> Any:
    if path == "author__name" and message.author_id is None:
        return None
    return attrgetter(path.replace("__", "."))(message)


def same(value: Any) -> Any:
    return value


def _number(number: str) -> str:
    # As a program takes it, without spaces.
    return said_number(number) if is_erased(number) else number


def name_of_origin(origin: str) -> str:
    """Who or what made a message, as its row says it."""
    return gettext("Automatic") if origin == Origin.RULE else str(Origin(origin).label)


def _who(origin: str, name: str | None) -> str:
    return gettext("Automatic") if origin == Origin.RULE else name or ""


def _state(status: str, reason: str) -> str:
    said = str(Status(status).label)
    if status not in WENT_WRONG:
        return said
    why = Reason(reason) if reason in Reason.values else Reason.OTHER
    return f"{said}: {why.label}"


def _text(body: str, media: object, redacted_at: object) -> str:
    if redacted_at:
        return gettext("Erased")
    if not media:
        return body
    picture = gettext("Picture")
    return f"{body} [{picture}]".strip()


COLUMNS = (
    Column("time", _("Time"), 19, ("created_at",), same, Kind.LOCAL_TIME),
    Column("utc", _("Time (UTC)"), 19, ("created_at",), same, Kind.UTC_TIME),
    Column("direction", _("Direction"), 11, ("direction",), lambda direction: str(Direction(direction).label)),
    Column("number", _("Number"), 17, ("conversation__contact__number",), _number, repeats=False),
    Column("name", _("Name"), 24, ("conversation__contact__name",), same),
    Column("line", _("Line"), 18, ("line__label",), same),
    Column("text", _("Message"), 80, ("body", "media", "redacted_at"), _text, repeats=False),
    Column("who", _("Who"), 18, ("origin", "author__name"), _who),
    Column("status", _("Status"), 22, ("status", "reason"), _state),
    Column("id", _("ID"), 38, ("uuid",), str, repeats=False),
)
RELATED = ("conversation__contact", "line", "author")


def headings(*, timezone: str) -> list[str]:
    """The columns' headings, in the language that is active; that of the local time names its zone."""
    return [f"{column.heading} ({timezone})" if column.kind is Kind.LOCAL_TIME else str(column.heading) for column in COLUMNS]
