"""Under what circumstances something is done: from where, and whether the operator's staff does it for a company.

The audit log takes them from here, so that no verb has to hand them on.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Circumstances:
    """`address` is the browser's IP address; `is_support` while the operator's staff act for a company.

    `noted`, where somebody asks for it, is filled with the actions that the audit log got meanwhile.
    """

    address: str | None = None
    is_support: bool = False
    noted: list[str] | None = None


_NONE_KNOWN = Circumstances()
_current: ContextVar[Circumstances] = ContextVar("circumstances")


def circumstances() -> Circumstances:
    return _current.get(_NONE_KNOWN)


@contextmanager
def under(given: Circumstances) -> Iterator[None]:
    """Everything done in the block is done under these circumstances."""
    token = _current.set(given)
    try:
        yield
    finally:
        _current.reset(token)
