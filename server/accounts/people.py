"""A company's people: who they are, what they are asked to be, and that one administrator always remains."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Q

from server.accounts.models import Role, Team, User

if TYPE_CHECKING:
    from collections.abc import Mapping

    from server.accounts.models import Subscriber

# Whom a company may have; the operator's staff belong to none.
ROLES = (Role.COLLEAGUE, Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR)


class LastAdministrator(Exception):
    """Without this person nobody could administer the company any more."""


class RoleNotOurs(ValueError):
    """No company can give this role."""


@dataclass(frozen=True, slots=True)
class PersonWish:
    """What a person shall be. `lines` are the ids of the lines they may read, and whether they may also send from them.

    `hears_of_calls_by` None: as they have chosen.
    """

    name: str
    email: str
    role: str
    language: str
    phone: str = ""
    hears_of_calls_by: tuple[str, ...] | None = None
    teams: frozenset[int] = frozenset()
    lines: Mapping[int, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise RoleNotOurs(self.role)


def people_of(subscriber: Subscriber) -> list[User]:
    """Everybody of a company, those who have left too, by name."""
    return list(subscriber.users.prefetch_related("teams", "line_access__line").order_by("name", "username"))


def locked_with_administrators(person: User) -> tuple[User, list[User]]:
    """The person's row and the other administrators who can log in, locked until the transaction ends.

    All in one statement and in one order: two administrators who deactivate each other at the same moment wait
    for one another, and the second finds that they are the last.
    """
    rows = User.objects.select_for_update(no_key=True).select_related(None).order_by("pk")
    found = list(rows.filter(Q(pk=person.pk) | Q(role=Role.ADMINISTRATOR), subscriber=person.subscriber))
    locked = next(user for user in found if user.pk == person.pk)
    return locked, [user for user in found if user.pk != person.pk and _administers_now(user)]


def keep_an_administrator(person: User, others: list[User]) -> None:
    """Raises LastAdministrator when the person is one, and there is no other."""
    if _administers_now(person) and not others:
        raise LastAdministrator(person.username)


def put_into(person: User, wanted: frozenset[int]) -> dict[str, list[str]]:
    """Make the person a member of exactly these teams of their company; returns the names before and after, if that changed any."""
    ours = {team.pk: team.name for team in Team.objects.filter(subscriber=person.subscriber)}
    held = set(person.teams.values_list("pk", flat=True))
    wished = set(wanted) & set(ours)
    if held == wished:
        return {}
    person.teams.set(wished)
    return {"old": sorted(ours.get(pk, "?") for pk in held), "new": sorted(ours[pk] for pk in wished)}


def _administers_now(user: User) -> bool:
    # Who was only invited can't do anything yet.
    return user.is_active and user.administers and not user.password.startswith(UNUSABLE_PASSWORD_PREFIX)
