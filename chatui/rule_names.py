"""What a rule may name, of one company: read once for a whole page of rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.functional import cached_property

from server.accounts.models import Role, Team, User
from server.calls.nodes import live_nodes
from server.contacts.models import Tag
from server.lines.models import Line
from server.wording import fold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from server.accounts.models import Subscriber


@dataclass
class Names:
    """By id, in the order in which people look for them; what is not among them is gone."""

    subscriber: Subscriber

    @cached_property
    def lines(self) -> dict[int, str]:
        return _sorted(Line.objects.filter(subscriber=self.subscriber).values_list("pk", "label"))

    @cached_property
    def teams(self) -> dict[int, str]:
        return _sorted(Team.objects.filter(subscriber=self.subscriber).values_list("pk", "name"))

    @cached_property
    def people(self) -> dict[int, str]:
        people = User.objects.filter(subscriber=self.subscriber, is_active=True).exclude(role=Role.AUDITOR)
        return _sorted((pk, name or username) for pk, name, username in people.values_list("pk", "name", "username"))

    @cached_property
    def tags(self) -> dict[int, str]:
        return _sorted(Tag.objects.filter(subscriber=self.subscriber).values_list("pk", "name"))

    @cached_property
    def nodes(self) -> dict[int, str]:
        return _sorted(live_nodes(self.subscriber).values_list("pk", "name"))


def _sorted(named: Iterable[tuple[int, str]]) -> dict[int, str]:
    return dict(sorted(named, key=lambda one: (fold(one[1]), one[0])))
