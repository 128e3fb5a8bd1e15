"""A company's teams: named groups of its people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from server.accounts.invitations import plain_name
from server.accounts.models import Subscriber, Team, User, record_audit
from server.wording import fold

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

LONGEST_NAME = 80


class TeamNameTaken(ValueError):
    """The company has a team of this name, whatever its case and accents."""


class TeamNameMissing(ValueError):
    """A team needs a name."""


@transaction.atomic
def make_team(*, subscriber: Subscriber, name: str, members: Collection[int], by: User, now: datetime) -> Team:
    """Found a team. Raises TeamNameTaken and TeamNameMissing."""
    team = Team.objects.create(subscriber=subscriber, name=_free_name(subscriber, name))
    _set_members(team, members)
    record_audit(action="team.made", at=now, actor=by, subscriber=subscriber, target=team.name, members=_usernames(team))
    return team


@transaction.atomic
def change_team(*, team: Team, name: str, members: Collection[int], by: User, now: datetime) -> bool:
    """Rename a team, and give it exactly these members; False when nothing changed. Raises TeamNameTaken, TeamNameMissing."""
    before = {"name": team.name, "members": _usernames(team)}
    team.name = _free_name(team.subscriber, name, but=team)
    team.save(update_fields=["name"])
    _set_members(team, members)
    after = {"name": team.name, "members": _usernames(team)}
    if before != after:
        record_audit(action="team.changed", at=now, actor=by, subscriber=team.subscriber, target=team.name, old=before, new=after)
    return before != after


@transaction.atomic
def delete_team(*, team: Team, by: User, now: datetime) -> int:
    """Dissolve a team; its members stay with the company. Returns how many it had."""
    members = _usernames(team)
    record_audit(action="team.deleted", at=now, actor=by, subscriber=team.subscriber, target=team.name, members=members)
    team.delete()
    return len(members)


def _free_name(subscriber: Subscriber, name: str, but: Team | None = None) -> str:
    wished = plain_name(name)[:LONGEST_NAME]
    if not wished:
        raise TeamNameMissing
    # The company's row is locked, so that two teams can't be founded by one name at the same moment.
    Subscriber.objects.select_for_update(no_key=True).get(pk=subscriber.pk)
    others = [team for team in Team.objects.filter(subscriber=subscriber) if team != but]
    if fold(wished) in {fold(other.name) for other in others}:
        raise TeamNameTaken(wished)
    return wished


def _set_members(team: Team, members: Collection[int]) -> None:
    team.members.set(User.objects.filter(subscriber_id=team.subscriber_id, pk__in=members))


def _usernames(team: Team) -> list[str]:
    return sorted(team.members.values_list("username", flat=True))
