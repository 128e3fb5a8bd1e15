"""A span of time in a form: a number and its unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from collections.abc import Mapping

UNITS = ((1, gettext_lazy("minutes")), (60, gettext_lazy("hours")), (1440, gettext_lazy("days")))


@dataclass(frozen=True, slots=True)
class Span:
    """As it was typed; `minutes` is None for what is no number."""

    amount: str
    unit: int = 1

    @classmethod
    def of(cls, minutes: int) -> Span:
        """In the largest unit in which it is a whole number."""
        unit = next((size for size, _name in reversed(UNITS) if minutes and minutes % size == 0), 1)
        return cls(str(minutes // unit), unit)

    @classmethod
    def read(cls, posted: Mapping[str, str], name: str) -> Span:
        unit = posted.get(f"{name}-unit", "1")
        return cls(posted.get(name, "").strip()[:6], int(unit) if unit in {str(size) for size, _name in UNITS} else 1)

    @property
    def minutes(self) -> int | None:
        return int(self.amount) * self.unit if self.amount.isascii() and self.amount.isdecimal() else None

    @property
    def units(self) -> list[tuple[int, str, bool]]:
        return [(size, str(name), size == self.unit) for size, name in UNITS]
