"""Filters under a name: kept, written over, forgotten; a person's own or the whole company's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from server import sms
from server.accounts.models import record_audit
from server.history.models import SavedFilter

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from server.accounts.models import User
    from server.history.filter import HistoryFilter

NAME_MAX_CHARACTERS = 60
# A person's own, and the company's: all of them stand in one menu.
MOST_KEPT = 100


class NotKept(ValueError):
    """The filter can't be kept so."""


class NameNotValid(NotKept):
    """The name is empty, or longer than 60 characters."""


class NothingToKeep(NotKept):
    """The filter lets everything through."""


class PickedByHand(NotKept):
    """It is a choice of single messages, and would never find another."""


class TooManyKept(NotKept):
    """There are a hundred already; one of them has to go first, or to be written over."""


class NotYoursToChange(Exception):
    """It is a colleague's own, another company's, or the company's and the person is no supervisor."""


def may_share(user: User) -> bool:
    return user.sees_all_lines and not user.only_reads


@transaction.atomic
def keep_own_filter(*, name: str, wanted: HistoryFilter, by: User, now: datetime) -> tuple[SavedFilter, bool]:
    """Keep it for oneself; one of the same name is written over. Returns it, and whether it is new. Raises NotKept."""
    return _keep(name, wanted, by, owner=by, now=now)


@transaction.atomic
def share_filter(*, name: str, wanted: HistoryFilter, by: User, now: datetime) -> tuple[SavedFilter, bool]:
    """Keep it for the company; one of the same name is written over. Returns it, and whether it is new.

    Raises NotKept and NotYoursToChange.
    """
    if not may_share(by):
        raise NotYoursToChange
    saved, is_new = _keep(name, wanted, by, owner=None, now=now)
    record_audit(
        action="filter.shared",
        at=now,
        actor=by,
        subscriber=by.subscriber,
        # Not its name: people may call it by a customer's.
        target=str(saved.pk),
        values=wanted.impersonal_values,
        is_new=is_new,
    )
    return saved, is_new


@transaction.atomic
def forget_filter(*, saved: SavedFilter, by: User, now: datetime) -> None:
    """Raises NotYoursToChange."""
    if not may_forget(saved, by):
        raise NotYoursToChange
    if saved.is_shared:
        record_audit(action="filter.unshared", at=now, actor=by, subscriber=by.subscriber, target=str(saved.pk))
    saved.delete()


def may_forget(saved: SavedFilter, user: User) -> bool:
    is_ours = saved.subscriber_id == user.subscriber_id
    return is_ours and (may_share(user) if saved.is_shared else saved.owner_id == user.pk)


def _keep(name: str, wanted: HistoryFilter, by: User, *, owner: User | None, now: datetime) -> tuple[SavedFilter, bool]:
    name = " ".join(sms.storable(name).split())
    if not 0 < len(name) <= NAME_MAX_CHARACTERS:
        raise NameNotValid
    if wanted.is_empty:
        raise NothingToKeep
    if wanted.only:
        raise PickedByHand
    _make_sure_of_room(SavedFilter.objects.filter(subscriber=by.subscriber, owner=owner), name)
    return SavedFilter.objects.update_or_create(
        subscriber=by.subscriber,
        owner=owner,
        name=name,
        defaults={"values": wanted.values},
        create_defaults={"values": wanted.values, "created_at": now},
    )


def _make_sure_of_room(kept: QuerySet[SavedFilter], name: str) -> None:
    if kept.count() >= MOST_KEPT and not kept.filter(name=name).exists():
        raise TooManyKept
