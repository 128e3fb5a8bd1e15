"""Waiting for something to become so: never by sleeping for as long as it should take."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

# A bound on a test that goes wrong, not a measurement.
PATIENCE = 60.0


def until[T](condition: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    """Ask until the answer is true, and return it; fails with `what` was waited for, and the last answer."""
    last = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > last:
            pytest.fail(f"not within {seconds} s: {what} ({answer!r})")
        time.sleep(0.05)
    return answer
