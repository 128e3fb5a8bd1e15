"""What stands beside the rows of a file: where they are from, and how to find out that nobody changed them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from server.accounts.models import Subscriber, User
    from server.history.models import Export

UUID_WRITTEN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# It is looked for in so many rows of the first two columns.
LONGEST = 40


def passport_of(export: Export, conditions: Sequence[str]) -> list[tuple[str, str]]:
    """Name and text of each of its lines, in the language that is active."""
    zone = ZoneInfo(export.subscriber.timezone)
    return [
        *who_asked(export.user, export.subscriber, export.created_at, conditions),
        (_("Rows"), str(export.rows_done)),
        (_("First message"), _clock(export.first_at, zone)),
        (_("Last message"), _clock(export.last_at, zone)),
        (_("Export ID"), str(export.uuid)),
        (_("SHA-256 of the data rows"), export.sha256),
        (
            _("How to check it"),
            _(
                "In Fonal, under Downloads, “Check a file” tells whether the rows are unchanged, even after the file was saved "
                "anew by Excel or LibreOffice. The sum is taken over the texts of each row's cells in UTF-8, "
                "with U+001F between cells and U+001E after each row; times as 2026-11-23 11:00:00."
            ),
        ),
    ]


def who_asked(user: User, subscriber: Subscriber, at: datetime, conditions: Sequence[str]) -> list[tuple[str, str]]:
    """What stands first in every file: who asked for it, when, and for what."""
    zone = ZoneInfo(subscriber.timezone)
    filtered = [(_("Filter") if number == 0 else "", words) for number, words in enumerate(conditions)]
    return [
        (_("Made by"), "Fonal"),
        (_("Company"), subscriber.name),
        (_("Asked for by"), f"{user} ({user.username})"),
        (_("Asked for at"), _clock(at, zone)),
        *(filtered or [(_("Filter"), _("none: all messages that may be seen"))]),
        (_("Time zone"), zone.key),
    ]


def _clock(moment: datetime | None, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S} ({zone.key})" if moment else "–"


def ids_in(lines: Iterable[Sequence[object]]) -> list[UUID]:
    """What may be an export's id, of the first cells of a sheet."""
    cells = (str(cell).strip().lower() for line in lines for cell in line[:2] if cell)
    return [UUID(cell) for cell in cells if UUID_WRITTEN.fullmatch(cell)]
