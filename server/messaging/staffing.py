"""What an administrator does with the company's people: invite, change, let go, take back, show out.

    invited ──▶ active ⇄ deactivated        Nobody is ever deleted: who wrote what must stay known.

It stands here, above the other rooms, as who leaves, or loses a line, gives back the conversations they had taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from server.accounts.invitation_links import is_invited
from server.accounts.invitations import PersonExists, invite_again, invite_person, plain_name, valid_address
from server.accounts.models import CallNotice, User, record_audit
from server.accounts.own_letters import tell_old_address
from server.accounts.people import keep_an_administrator, locked_with_administrators, put_into
from server.accounts.second_step import reset_second_step
from server.events.log import record
from server.events.models import Kind
from server.events.showing_out import show_out
from server.lines.giving import give_exactly
from server.lines.models import Line
from server.messaging.conversations import announce_conversation
from server.messaging.models import Activity, ActivityKind, Conversation

if TYPE_CHECKING:
    from datetime import datetime

    from server.accounts.models import Subscriber
    from server.accounts.people import PersonWish
    from server.messaging.models import ConversationQuerySet

# More than these are not told one by one.
MOST_ANNOUNCED = 200
SIMPLE_FIELDS = ("name", "email", "role", "language", "phone")


@transaction.atomic
def invite_colleague(*, subscriber: Subscriber, wish: PersonWish, by: User, now: datetime) -> User:
    """Invite somebody into the company, with teams and lines. Raises EmailNotValid, PersonExists and TooManyInvitations."""
    person = invite_person(
        subscriber=subscriber, email=wish.email, name=wish.name, role=wish.role, language=wish.language, by=by, now=now
    )
    given: dict[str, Any] = {"teams": put_into(person, wish.teams), "lines": give_exactly(person, wish.lines)}
    _note_change(person, {name: change for name, change in given.items() if change}, by=by, now=now)
    return person


@transaction.atomic
def change_person(*, person: User, wish: PersonWish, by: User, now: datetime) -> list[str]:
    """Bring somebody to the wish, at once on their open screens; returns the names of what changed.

    Who was invited at another address gets a new letter.
    Raises LastAdministrator, EmailNotValid, PersonExists and TooManyInvitations.
    """
    locked, administrators = locked_with_administrators(person)
    if wish.role != locked.role:
        keep_an_administrator(locked, administrators)
    mailbox = locked.email
    wished = {**_bring(locked, wish), "teams": put_into(locked, wish.teams), "lines": give_exactly(locked, wish.lines)}
    changes = {name: change for name, change in wished.items() if change}
    if not changes:
        return []
    _note_change(locked, changes, by=by, now=now)
    if "email" in changes:
        _tell_mailboxes(locked, before=mailbox, by=by, now=now)
    _release(Conversation.objects.filter(assignee=locked).exclude(line__in=Line.objects.visible_to(locked)), by=by, now=now)
    record(subscriber_id=_company_of(locked), kind=Kind.ACCESS_CHANGED, at=now, user_id=locked.pk)
    return list(changes)


@transaction.atomic
def deactivate_person(*, person: User, by: User, now: datetime) -> int:
    """Let somebody go: their sessions and open screens end at once; their drafts stay. Raises LastAdministrator.

    Returns how many open conversations have gone back to nobody.
    """
    locked, administrators = locked_with_administrators(person)
    if not locked.is_active:
        return 0
    keep_an_administrator(locked, administrators)
    locked.is_active = False
    locked.save(update_fields=["is_active"])
    released = Conversation.objects.filter(assignee=locked)
    count = released.filter(done_at=None).count()
    record_audit(action="user.deactivated", at=now, actor=by, subscriber=locked.subscriber, target=locked.username, released=count)
    show_out(user=locked)
    _release(released, by=by, now=now)
    record(subscriber_id=_company_of(locked), kind=Kind.ACCESS_CHANGED, at=now, user_id=locked.pk)
    return count


@transaction.atomic
def reactivate_person(*, person: User, by: User, now: datetime) -> bool:
    """Take somebody back, with the role, lines and password they had; False when they are here already."""
    if not User.objects.filter(pk=person.pk, is_active=False).update(is_active=True):
        return False
    record_audit(action="user.reactivated", at=now, actor=by, subscriber=person.subscriber, target=person.username)
    return True


@transaction.atomic
def take_second_step(*, person: User, by: User, now: datetime) -> bool:
    """For who has lost their telephone: they log in by password alone, anew everywhere. False when there was no second step."""
    had_one = reset_second_step(user=person, by=by, now=now)
    if had_one:
        show_out(user=person)
    return had_one


@transaction.atomic
def log_out_everywhere(*, person: User, by: User, now: datetime) -> int:
    """End all of somebody's log-ins; returns how many there were."""
    ended = show_out(user=person)
    record_audit(action="user.shown_out", at=now, actor=by, subscriber=person.subscriber, target=person.username, sessions=ended)
    return ended


def _tell_mailboxes(person: User, *, before: str, by: User, now: datetime) -> None:
    if is_invited(person):
        invite_again(person=person, by=by, now=now)
    elif before:
        # Links to a new password go to the new address from now on: nobody loses their log-in unnoticed.
        tell_old_address.enqueue(person.pk, before)


def _bring(locked: User, wish: PersonWish) -> dict[str, dict[str, Any]]:
    """Set and save the fields of the row that differ; who logs in with their address does so with the new one."""
    wished: dict[str, Any] = {name: getattr(wish, name) for name in SIMPLE_FIELDS} | {"name": plain_name(wish.name) or locked.name}
    if wish.hears_of_calls_by is not None:
        wished["hears_of_calls_by"] = [way for way in CallNotice.values if way in wish.hears_of_calls_by]
    if wish.email:
        wished["email"] = valid_address(wish.email)
    before = {name: getattr(locked, name) for name in wished if getattr(locked, name) != wished[name]}
    if not before:
        return {}
    if "email" in before and wished["email"]:
        _look_for_twin(locked, wished["email"])
        if locked.username == before["email"]:
            before["username"], wished["username"] = locked.username, wished["email"]
    for name in before:
        setattr(locked, name, wished[name])
    try:
        with transaction.atomic():
            locked.save(update_fields=list(before))
    except IntegrityError as problem:
        raise PersonExists(locked.username) from problem
    return {name: {"old": old, "new": wished[name]} for name, old in before.items()}


def _look_for_twin(person: User, email: str) -> None:
    others = User.objects.exclude(pk=person.pk)
    if others.filter(Q(username__iexact=email) | Q(subscriber_id=person.subscriber_id, email__iexact=email)).exists():
        raise PersonExists(email)


def _note_change(person: User, changes: dict[str, Any], *, by: User, now: datetime) -> None:
    if changes:
        record_audit(action="user.changed", at=now, actor=by, subscriber=person.subscriber, target=person.username, changed=changes)


def _release(conversations: ConversationQuerySet, *, by: User, now: datetime) -> None:
    """Give conversations back to nobody; the open ones say so in their threads."""
    opened = list(conversations.filter(done_at=None).order_by("pk"))
    conversations.update(assignee=None)
    Activity.objects.bulk_create(
        [Activity(conversation=one, kind=ActivityKind.RELEASED, actor=by, at=now) for one in opened], batch_size=500
    )
    if len(opened) > MOST_ANNOUNCED:
        # Whoever looks on draws the list anew.
        record(subscriber_id=opened[0].subscriber_id, kind=Kind.PHONEBOOK_CHANGED, at=now)
        return
    for one in opened:
        announce_conversation(one, now=now)


def _company_of(person: User) -> int:
    assert person.subscriber_id is not None, "the operator's staff are no company's"
    return person.subscriber_id
