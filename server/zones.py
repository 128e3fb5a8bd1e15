"""The time zones that a company may be in."""

from __future__ import annotations

import zoneinfo
from functools import cache


@cache
def zones() -> frozenset[str]:
    """All of them by name; reading which there are goes through hundreds of files."""
    return frozenset(zoneinfo.available_timezones())
