"""Keyset cursors: a moment and an id, as text that fits into an address."""

from __future__ import annotations

from datetime import UTC, datetime


def write_cursor(at: datetime, pk: int) -> str:
    return f"{int(at.timestamp()) * 1_000_000 + at.microsecond}_{pk}"


def read_cursor(text: str) -> tuple[datetime, int] | None:
    """None for an empty text, and for one that nobody of ours has written."""
    try:
        microseconds, pk = (int(part) for part in text.split("_"))
        seconds, rest = divmod(microseconds, 1_000_000)
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest), min(pk, 2**63 - 1)
    except (ValueError, OverflowError, OSError):
        return None
