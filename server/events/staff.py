"""The operator's own staff: who of them still gets in.

active ⇄ deactivated        Nobody is ever deleted: who did what must stay known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from server.accounts.models import Role, User, record_audit
from server.accounts.second_step import reset_second_step
from server.events.showing_out import show_out

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet


class NotOneself(Exception):
    """Others do it: so somebody always remains who gets in."""


class NotAllowedAnyMore(PermissionError):
    """Who asks for it has been deactivated meanwhile."""


def staff() -> QuerySet[User]:
    """All of them, those who have left too."""
    return User.objects.filter(role=Role.OPERATOR).order_by("-is_active", "name", "pk")


@transaction.atomic
def deactivate_staff(*, person: User, by: User, now: datetime) -> bool:
    """Let one of the staff go: their sessions and open screens end at once; False when they are gone already.

    Raises NotOneself and NotAllowedAnyMore.
    """
    locked = _locked(person, by)
    if not locked.is_active:
        return False
    locked.is_active = False
    locked.save(update_fields=["is_active"])
    record_audit(action="user.deactivated", at=now, actor=by, subscriber=None, target=locked.username)
    show_out(user=locked)
    return True


@transaction.atomic
def reactivate_staff(*, person: User, by: User, now: datetime) -> bool:
    """Take one of the staff back, with the password and second step they had; False when they are here already."""
    locked = _locked(person, by)
    if locked.is_active:
        return False
    locked.is_active = True
    locked.save(update_fields=["is_active"])
    record_audit(action="user.reactivated", at=now, actor=by, subscriber=None, target=locked.username)
    return True


@transaction.atomic
def reset_step_of_staff(*, person: User, by: User, now: datetime) -> bool:
    """For who has lost their telephone; False when there was no second step. The operator's pages ask for a new one."""
    locked = _locked(person, by)
    had_one = reset_second_step(user=locked, by=by, now=now)
    if had_one:
        show_out(user=locked)
    return had_one


def _locked(person: User, by: User) -> User:
    """The person's row. Both rows are locked in one order: of two who let each other go at once, the second is let go already."""
    if person.pk == by.pk:
        raise NotOneself
    rows = {user.pk: user for user in User.objects.select_for_update(no_key=True).filter(pk__in=(person.pk, by.pk)).order_by("pk")}
    if not rows[by.pk].is_operator:
        raise NotAllowedAnyMore
    return rows[person.pk]
