"""A conversation of the demo company on its way into the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import datetime

    from simulator.words import Persona

ZONE = ZoneInfo("Europe/Budapest")


@dataclass(slots=True)
class Told:
    """One message or note of a thread; `fate` is a reason word, `sent`, `unconfirmed`, or empty for delivered."""

    kind: str
    at: datetime
    text: str
    author: str = ""
    fate: str = ""
    recovered: bool = False
    media: list[dict[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Thread:
    """A conversation as it will stand in the database."""

    line: str
    persona: Persona
    told: list[Told]
    assignee: str = ""
    done_by: str = ""
    reopened_by: str = ""
    drafts: dict[str, str] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)
    note: str = ""

    @property
    def messages(self) -> list[Told]:
        return [told for told in self.told if told.kind != "note"]
