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

    from server.history.models import Export

UUID_WRITTEN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# It is looked for in so many rows of the first two columns.
LONGEST = 40


def passport_of(export: Export, conditions: Sequence[str]) -> list[tuple[str, str]]:
    """Name and text of each of its lines, in the language that is active."""
    zone = ZoneInfo(export.subscriber.timezone)

    def at(moment: datetime | None) -> str:
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S} ({zone.key})" if moment else "–"

    filtered = [(_("Filter") if number == 0 else "", words) for number, words in enumerate(conditions)]
    return [
        (_("Made by"), "Fonal"),
        (_("Company"), export.subscriber.name),
        (_("Asked for by"), f"{export.user} ({export.user.username})"),
        (_("Asked for at"), at(export.created_at)),
        *(filtered or [(_("Filter"), _("none: all messages that may be seen"))]),
        (_("Time zone"), zone.key),
        (_("Rows"), str(export.rows_done)),
        (_("First message"), at(export.first_at)),
        (_("Last message"), at(export.last_at)),
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


def ids_in(lines: Iterable[Sequence[object]]) -> list[UUID]:
    """What may be an export's id, of the first cells of a sheet."""
    cells = (str(cell).strip().lower() for line in lines for cell in line[:2] if cell)
    return [UUID(cell) for cell in cells if UUID_WRITTEN.fullmatch(cell)]
