"""Who follows what people do in a thread: rooms above us, which keep promises and count who was called back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from server.accounts.models import User
    from server.messaging.models import Conversation, Message


class Follower(Protocol):
    """Called in the transaction of what was done, before its event is recorded; the conversation is locked."""

    def person_wrote(self, message: Message, now: datetime) -> None:
        """A person's message was queued."""

    def person_finished(self, conversation: Conversation, by: User, now: datetime) -> None:
        """A person has marked the conversation as done."""

    def person_retried(self, message: Message, now: datetime) -> None:
        """A person wishes that a message that went wrong is sent again."""


_followers: list[Follower] = []


def register(follower: Follower) -> None:
    if follower not in _followers:
        _followers.append(follower)


def person_wrote(message: Message, now: datetime) -> None:
    for follower in _followers:
        follower.person_wrote(message, now)


def person_finished(conversation: Conversation, by: User, now: datetime) -> None:
    for follower in _followers:
        follower.person_finished(conversation, by, now)


def person_retried(message: Message, now: datetime) -> None:
    for follower in _followers:
        follower.person_retried(message, now)
