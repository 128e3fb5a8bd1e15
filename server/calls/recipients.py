"""Who of a company hears of a call, and by which way; who does not, and why.

Only people of the company itself, whatever ids a rule holds; auditors never.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from server.accounts.invitation_links import is_invited
from server.accounts.models import CallNotice, Role, User
from server.calls.agents import colleague_named
from server.calls.definition import Channel, Who
from server.calls.models import Call, CallState, Skipped
from server.lines.models import LineAccess
from server.messaging.models import Direction, Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from server.calls.definition import Step
    from server.calls.models import CallEvent

_BY_CHOICE = {CallNotice.BROWSER: Channel.BROWSER, CallNotice.EMAIL: Channel.EMAIL, CallNotice.SMS: Channel.SMS}


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who hears of it by a channel, or does not, as the reason says; no user: there is nobody at all."""

    user: User | None
    channel: Channel
    address: str = ""
    reason: Skipped | None = None

    @property
    def is_told(self) -> bool:
        return self.reason is None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody a step means, and why they are not there, if they are not."""

    user: User
    absence: Skipped | None = None


class Staff:
    """A company's people, their teams and lines, read once: for one step, or for the rehearsal of thousands."""

    def __init__(self, subscriber_id: int) -> None:
        self._subscriber_id = subscriber_id

    def recipients_of(self, step: Step, *, event: CallEvent) -> list[Recipient]:
        """Each person once for each way they hear of it; never empty."""
        found = [way for person in self.people_for(step, event=event) for way in _ways(person, step.channel)]
        return found or [Recipient(None, step.channel, reason=Skipped.NOBODY)]

    def people_for(self, step: Step, *, event: CallEvent) -> list[Person]:
        """Whom a step means, by name, each once. Of teams and of who is on duty those who have left are not mentioned."""
        return [Person(user, _absence(user)) for user in self._meant(step, event)]

    def _meant(self, step: Step, event: CallEvent) -> list[User]:
        match step.who:
            case Who.TEAMS:
                members = {pk for team in step.teams for pk in self._members[team]}
                return [user for user in self._of(members) if user.is_active]
            case Who.PEOPLE:
                return self._of(step.people)
            case Who.ON_DUTY:
                return [user for user in self._people.values() if self._is_on_duty(user, event.call.line_id)]
            case Who.LAST_SPOKEN:
                return self._of([last_spoken(event, among=self._people)])
        return []

    def _of(self, ids: Iterable[int | None]) -> list[User]:
        meant = set(ids)
        return [user for pk, user in self._people.items() if pk in meant]

    def _is_on_duty(self, user: User, line_id: int) -> bool:
        """Whoever may send from the line and has ever come; those who are away are mentioned as such."""
        may_send = user.sees_all_lines or user.pk in self._senders[line_id]
        return user.is_active and may_send and not is_invited(user)

    @cached_property
    def _people(self) -> dict[int, User]:
        ours = User.objects.filter(subscriber=self._subscriber_id).exclude(role=Role.AUDITOR)
        return {user.pk: user for user in ours.order_by("name", "id")}

    @cached_property
    def _members(self) -> defaultdict[int, set[int]]:
        pairs = User.teams.through.objects.filter(team__subscriber=self._subscriber_id).values_list("team_id", "user_id")
        return _gathered(pairs)

    @cached_property
    def _senders(self) -> defaultdict[int, set[int]]:
        given = LineAccess.objects.filter(line__subscriber=self._subscriber_id, can_send=True)
        return _gathered(given.values_list("line_id", "user_id"))


def last_spoken(event: CallEvent, *, among: dict[int, User]) -> int | None:
    """Who of these wrote last to the number of a call, or answered it last, on whichever line, up to that moment."""
    conversation = event.call.conversation
    if conversation is None:
        return None
    with_them = {"conversation__contact": conversation.contact_id, "subscriber": event.call.subscriber_id}
    written = Message.objects.filter(**with_them, direction=Direction.OUT, author__in=[*among], created_at__lte=event.at)
    message = written.order_by("-created_at", "-id").only("author", "created_at").first()
    answered = Call.objects.filter(**with_them, state=CallState.ANSWERED, began_at__lte=event.at).exclude(agent="")
    since = {"began_at__gte": message.created_at} if message else {}
    for call in answered.filter(**since).order_by("-began_at")[:20]:
        by = colleague_named(call.agent, among.values())
        if by is not None:
            return by.pk
    return message.author_id if message else None


def _absence(user: User) -> Skipped | None:
    if not user.is_active:
        return Skipped.INACTIVE
    return Skipped.AWAY if user.is_away else None


def _ways(person: Person, channel: Channel) -> Iterator[Recipient]:
    if person.absence is not None:
        yield Recipient(person.user, channel, reason=person.absence)
    elif channel != Channel.OWN_CHOICE:
        yield _by(person.user, channel)
    else:
        chosen = [way for notice, way in _BY_CHOICE.items() if notice in person.user.hears_of_calls_by]
        yield from (_by(person.user, way) for way in chosen)
        if not chosen:
            yield Recipient(person.user, channel, reason=Skipped.CHOSE_NOTHING)


def _by(user: User, channel: Channel) -> Recipient:
    match channel:
        case Channel.SMS:
            return Recipient(user, channel, user.phone, None if user.phone else Skipped.NO_PHONE)
        case Channel.EMAIL:
            return Recipient(user, channel, user.email, None if user.email else Skipped.NO_EMAIL)
    return Recipient(user, channel)


def _gathered(pairs: Iterable[tuple[int, int]]) -> defaultdict[int, set[int]]:
    gathered: defaultdict[int, set[int]] = defaultdict(set)
    for key, value in pairs:
        gathered[key].add(value)
    return gathered
