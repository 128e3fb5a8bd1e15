"""The geometry of the charts, for the templates _chart_*.html.

Across, everything is a percentage of whatever room there is; down, pixels: so letters keep their size on a
telephone. Numbers are written here, with a point: a template would write them in the reader's language.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from server.history.figures import Span

PLOT = 190
# Room above the highest bar, for the label of its line.
ABOVE = 16
MOST_LABELS = 8
HEAT_ROW, HEAT_LEVELS = 25, 6
BAR_ROW = 46


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: its class and where it is."""

    style: str
    x: str
    y: str
    width: str
    height: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """What a pointer finds over one day: its bars, and their numbers in words."""

    x: str
    width: str
    title: str
    bars: list[Box]


@dataclass(frozen=True, slots=True)
class Mark:
    """A label of an axis, and where; a minor one has no room on a telephone, the last one ends where the axis does."""

    at: str
    text: str
    is_minor: bool = False
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Columns:
    """Two columns for each span; `is_long` charts have too many for a telephone and scroll there."""

    slots: list[Slot]
    lines: list[Mark]
    labels: list[Mark]
    is_long: bool

    height = PLOT + ABOVE
    bottom = PLOT + ABOVE


@dataclass(frozen=True, slots=True)
class HeatMap:
    cells: list[Box]
    rows: list[Mark]
    columns: list[Mark]

    height = 7 * HEAT_ROW
    levels = range(HEAT_LEVELS)


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a bar chart: a label, the number in words, and its parts side by side."""

    label: str
    said: str
    y_label: str
    y_ground: str
    parts: list[Box]


@dataclass(frozen=True, slots=True)
class Bars:
    bars: list[Bar]

    @property
    def height(self) -> int:
        return len(self.bars) * BAR_ROW - 8


def columns_of(
    spans: Sequence[Span],
    *,
    label: Callable[[Span], str],
    title: Callable[[Span], str],
    number: Callable[[int], str],
    styles: tuple[str, str] = ("in", "out"),
) -> Columns:
    step = _step(max((max(span.inbound, span.outbound) for span in spans), default=0))
    top = step * max(1, ceil(max((max(span.inbound, span.outbound) for span in spans), default=0) / step))
    width = 100 / len(spans)

    def column(style: str, count: int, x: float) -> list[Box]:
        # One of thousands is still to be seen.
        height = max(2.0, count / top * PLOT)
        return [Box(style, _percent(x), f"{ABOVE + PLOT - height:.1f}", _percent(width * 0.36), f"{height:.1f}")] if count else []

    slots = []
    for at, span in enumerate(spans):
        x = at * width
        bars = column(styles[0], span.inbound, x + width * 0.12) + column(styles[1], span.outbound, x + width * 0.52)
        slots.append(Slot(_percent(x), _percent(width), title(span), bars))
    lines = [Mark(f"{ABOVE + PLOT - value / top * PLOT:.1f}", number(value)) for value in range(0, top + 1, step)]
    return Columns(slots, lines, _labels(spans, label, width), is_long=len(spans) > 45)


def _step(most: int) -> int:
    """A round number of which there are at most four up to `most`."""
    if most <= 4:
        return 1
    rough = most / 4
    magnitude = 10 ** floor(log10(rough))
    return max(1, next(ceil(magnitude * factor) for factor in (1, 2, 2.5, 5, 10) if magnitude * factor >= rough))


def _labels(spans: Sequence[Span], label: Callable[[Span], str], width: float) -> list[Mark]:
    every = ceil(len(spans) / MOST_LABELS)
    # Counted from the end: the newest is what one looks for.
    shown = [at for at in range(len(spans)) if (len(spans) - 1 - at) % every == 0]
    *others, last = shown
    marks = [
        Mark(_percent((at + 0.5) * width), label(spans[at]), is_minor=(len(others) - nth) % 2 == 1) for nth, at in enumerate(others)
    ]
    # Middle under a narrow column it would stand out of the chart.
    return [*marks, Mark("100%", label(spans[last]), is_last=True)]


def heat_map_of(hours: Sequence[Sequence[int]], *, weekdays: Sequence[str], title: Callable[[int, int, int], str]) -> HeatMap:
    most = max(max(row) for row in hours) or 1
    width = 100 / 24
    cells = [
        Box(
            f"level-{_level(count, most)}",
            _percent(hour * width),
            str(weekday * HEAT_ROW),
            _percent(width - 0.45),
            str(HEAT_ROW - 3),
            title(weekday, hour, count),
        )
        for weekday, row in enumerate(hours)
        for hour, count in enumerate(row)
    ]
    rows = [Mark(f"{weekday * HEAT_ROW + HEAT_ROW / 2 + 2.5:.1f}", name) for weekday, name in enumerate(weekdays)]
    columns = [Mark(_percent(hour * width), str(hour), is_minor=hour % 6 != 0) for hour in range(0, 24, 3)]
    return HeatMap(cells, rows, columns)


def _level(count: int, most: int) -> int:
    return ceil(count / most * (HEAT_LEVELS - 1))


def bars_of(rows: Sequence[tuple[str, str, Sequence[tuple[str, int]]]]) -> Bars:
    """Rows of (label, number in words, parts as (class, number)), one below the other, all on one scale."""
    most = max((sum(number for _, number in parts) for _, _, parts in rows), default=0) or 1
    bars = []
    for at, (label, said, parts) in enumerate(rows):
        boxes, x = [], 0.0
        for style, number in parts:
            if number:
                boxes.append(Box(style, _percent(x), str(at * BAR_ROW + 22), _percent(number / most * 100), "10"))
            x += number / most * 100
        bars.append(Bar(label, said, str(at * BAR_ROW + 14), str(at * BAR_ROW + 22), boxes))
    return Bars(bars)


def _percent(value: float) -> str:
    return f"{value:.3f}%"
