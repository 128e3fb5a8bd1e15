"""What the cells of a file hold, and the form in which its rows are summed up: the same in writing and in checking.

A text cell holds a text that XML and a spreadsheet can carry; a time cell whole seconds of a wall clock,
counted since 1970. Both survive being opened and saved anew by a spreadsheet program.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from zoneinfo import ZoneInfo

# What a cell of Excel takes at most, counted as UTF-16.
LONGEST = 32_767
CUT = " […]"
SECONDS_OF_DAY = 86_400
# Neither XML nor UTF-8 carries them.
_NOT_STORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Neither occurs in a cell.
CELL_END, ROW_END = "\x1f", "\x1e"
_CONTROLS = bytes({*range(0x20)} - {*b"\t\n\x1e\x1f"})
_NO_CHARACTERS = ("\ufffe".encode(), "\uffff".encode())


class Memo[Key, Value](dict[Key, Value]):
    """A dictionary that works out what it lacks, and starts afresh before it grows large."""

    def __init__(self, work_out: Callable[[Key], Value], most: int = 5000) -> None:
        super().__init__()
        self._work_out, self._most = work_out, most

    def __missing__(self, key: Key) -> Value:
        if len(self) >= self._most:
            self.clear()
        value = self[key] = self._work_out(key)
        return value


def lines_of(columns: Sequence[Sequence[str]]) -> list[bytes] | None:
    """Each row's texts in UTF-8 with U+001F between them; None when a cell can't hold one of them as it is.

    Found out for thousands of cells at once: nearly always all of them are well.
    """
    try:
        written = ROW_END.join(map(CELL_END.join, zip(*columns, strict=True))).encode()
    except UnicodeEncodeError:
        return None
    lines = written.split(ROW_END.encode())
    has_its_cells = len(lines) == len(columns[0]) and written.count(CELL_END.encode()) == len(lines) * (len(columns) - 1)
    has_controls = len(written.translate(None, _CONTROLS)) != len(written)
    if not has_its_cells or has_controls or any(each in written for each in _NO_CHARACTERS):
        return None
    return lines if max(map(len, lines)) <= LONGEST else None


def storable(text: str) -> str:
    """The text as a cell holds it: line ends are LF, what can't be stored is U+FFFD, what is too long is cut."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _NOT_STORABLE.sub("\ufffd", text)
    # A character may be two units.
    return text if len(text) * 2 <= LONGEST else _cut(text)


def _cut(text: str) -> str:
    units = text.encode("utf-16-le")
    if len(units) <= 2 * LONGEST:
        return text
    return units[: 2 * (LONGEST - len(CUT))].decode("utf-16-le", errors="ignore") + CUT


class WallClock:
    """The seconds of instants on the wall clock of a zone."""

    def __init__(self, zone: ZoneInfo) -> None:
        # Clocks are only ever changed on a quarter of an hour.
        self._offsets = Memo[int, int](lambda quarter: _offset(quarter * 900, zone))

    def seconds(self, instants: Iterable[int]) -> list[int]:
        offsets = self._offsets
        return [instant + offsets[instant // 900] for instant in instants]


def _offset(instant: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(instant, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def as_texts(seconds: Iterable[int]) -> list[bytes]:
    """2026-11-23 11:00:00"""
    days, clock = _days, _clock()
    return [days[each // SECONDS_OF_DAY] + clock[each % SECONDS_OF_DAY] for each in seconds]


_days = Memo[int, bytes](lambda day: f"{datetime.fromtimestamp(day * SECONDS_OF_DAY, UTC):%Y-%m-%d} ".encode())


@cache
def _clock() -> tuple[bytes, ...]:
    return tuple(b"%02d:%02d:%02d" % (each // 3600, each // 60 % 60, each % 60) for each in range(SECONDS_OF_DAY))


class Sum:
    """SHA-256 over rows: the texts of a row's cells in UTF-8 with U+001F between them, U+001E after each row."""

    def __init__(self) -> None:
        self._sum = hashlib.sha256()

    def add(self, lines: Iterable[bytes]) -> None:
        """At least one more row."""
        end = ROW_END.encode()
        self._sum.update(end.join(lines) + end)

    @property
    def value(self) -> str:
        return self._sum.hexdigest()
