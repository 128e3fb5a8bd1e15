"""A measured figure beside the limit of the same run, and the table they are printed in."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True)
class Figure:
    """`ours` against `limit`: the ratio is what travels to other machines, the figures themselves do not."""

    metric: str
    unit: str
    ours: float
    limit: float
    of_limit: str
    ratio: float


def measure(module: str, function: str) -> list[Figure]:
    """Run one measurement, by name: it is called in a process of its own."""
    measured: list[Figure] = getattr(import_module(f"bench.{module}"), function)()
    return measured


def middle(metric: str, unit: str, of_limit: str, rounds: Iterable[tuple[float, float]]) -> Figure:
    """The median of each column; the ratio is the median of the rounds' ratios, since others use the machine, too."""
    rounds = list(rounds)
    ours, limit = (statistics.median(column) for column in zip(*rounds, strict=True))
    return Figure(metric, unit, ours, limit, of_limit, statistics.median(one / other for one, other in rounds))


def table(figures: Iterable[Figure]) -> str:
    columns: list[tuple[str, Callable[[Figure], str]]] = [
        ("metric", lambda figure: figure.metric),
        ("ours", lambda figure: _number(figure.ours)),
        ("limit", lambda figure: _number(figure.limit)),
        ("unit", lambda figure: figure.unit),
        ("ratio", lambda figure: f"{figure.ratio:.2f}"),
        ("limit is", lambda figure: figure.of_limit),
    ]
    rows = [[title for title, _ in columns], *([show(figure) for _, show in columns] for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    numbers = {"ours", "limit", "ratio"}
    return "\n".join(
        "  ".join(
            cell.rjust(width) if title in numbers else cell.ljust(width)
            for (title, _), cell, width in zip(columns, row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
