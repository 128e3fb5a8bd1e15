"""Who may bring contacts in."""

from __future__ import annotations

from server.accounts.models import Role, Support, User


def may_import(user: User) -> bool:
    """Whether the person may bring contacts in: they become everybody's in the company.

    Nobody for another: when the worker gets to it, who acts for an administrator may act no longer.
    """
    return user.is_active and user.role in {Role.SUPERVISOR, Role.ADMINISTRATOR} and not isinstance(user, Support)
