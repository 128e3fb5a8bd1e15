"""Whom of ours an exchange means by whoever talked: their own name, a log-in name, an address, a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from server.accounts.models import User


def colleague_named(agent: str, among: Iterable[User]) -> User | None:
    """Nobody when it could be two."""
    said = agent.strip().casefold()
    meant = [user for user in among if said and said in {name.casefold() for name in _names(user)}]
    return meant[0] if len(meant) == 1 else None


def _names(user: User) -> set[str]:
    return {user.name, user.username, user.email, user.phone}
