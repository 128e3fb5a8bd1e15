"""Carrying a plan out: one transaction, an audit entry and an event for whatever changed, nothing when nothing did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import transaction

from server.accounts.provisioning import (
    note_given_password,
    password_hash_if_new,
    put_into_teams,
    record_subscriber,
    record_team,
    record_user,
    switch_services,
)
from server.contacts.phonebook import record_contacts
from server.events.log import record
from server.events.models import Kind
from server.events.showing_out import show_out
from server.lines.provisioning import CREDENTIALS, give_lines, record_line
from server.messaging.sending import release_line

if TYPE_CHECKING:
    from datetime import datetime

    from server.accounts.models import Subscriber, User
    from server.lines.models import Line
    from server.provisioning.plan import LineWish, OperatorWish, Plan, SubscriberWish, UserWish


@dataclass
class Outcome:
    """What was changed, in words, and the lines that the file names."""

    changes: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


def apply_plan(plan: Plan, *, now: datetime) -> Outcome:
    outcome = Outcome()
    people: list[OperatorWish | UserWish] = [
        *plan.operators,
        *(user for subscriber in plan.subscribers for user in subscriber.users),
    ]
    hashes = {wish.username: password_hash_if_new(username=wish.username, password=wish.password) for wish in people}
    with transaction.atomic():
        for operator in plan.operators:
            _apply_operator(operator, hashes, outcome, now)
        for subscriber in plan.subscribers:
            _apply_subscriber(subscriber, hashes, outcome, now)
    return outcome


def _apply_operator(wish: OperatorWish, hashes: dict[str, str | None], outcome: Outcome, now: datetime) -> None:
    user, changed = record_user(
        username=wish.username, subscriber=None, password_hash=hashes[wish.username], name=wish.name, now=now
    )
    _note_password(user, wish.password, hashes[wish.username], now)
    _tell(outcome, f"operator {wish.username}", changed)


def _apply_subscriber(wish: SubscriberWish, hashes: dict[str, str | None], outcome: Outcome, now: datetime) -> None:
    before = len(outcome.changes)
    subscriber, changed = record_subscriber(
        slug=wish.slug, name=wish.name, country=wish.country, timezone=wish.timezone, language=wish.language, now=now
    )
    changed += switch_services(subscriber=subscriber, sms=wish.sms, chat=wish.chat, now=now)
    _tell(outcome, f"subscriber {wish.slug}", changed)
    for team in wish.teams:
        _, is_new = record_team(subscriber=subscriber, name=team, now=now)
        _tell(outcome, f"team {team}", ["new"] if is_new else [])
    for line in wish.lines:
        _apply_line(subscriber, line, outcome, now)
    for user in wish.users:
        _apply_user(subscriber, user, hashes[user.username], outcome, now)
    contacts = record_contacts(subscriber=subscriber, names=wish.contacts, now=now) if wish.contacts else 0
    _tell(outcome, f"phone book of {wish.slug}", [f"{contacts} new or renamed"] if contacts else [])
    if len(outcome.changes) > before:
        # Last in the transaction: it locks the subscriber's row.
        record(subscriber_id=subscriber.pk, kind=Kind.ACCESS_CHANGED, at=now)


def _apply_line(subscriber: Subscriber, wish: LineWish, outcome: Outcome, now: datetime) -> None:
    assert wish.provider is not None, "reading.py asks for it"
    line, changed = record_line(
        subscriber=subscriber,
        number=wish.number,
        provider=wish.provider,
        label=wish.label,
        key=wish.key,
        account_sid=wish.account_sid,
        auth_token=wish.auth_token,
        pbx_secret=wish.pbx_secret,
        per_day=wish.per_day,
        per_minute=wish.per_minute,
        countries=None if wish.countries is None else list(wish.countries),
        now=now,
    )
    if CREDENTIALS.intersection(changed) and line.held_since:
        waiting = release_line(line=line, now=now)
        changed.append(f"released, {waiting} messages were waiting")
        line.refresh_from_db()
    outcome.lines.append(line)
    _tell(outcome, f"line {line.number}", changed)


def _apply_user(subscriber: Subscriber, wish: UserWish, password_hash: str | None, outcome: Outcome, now: datetime) -> None:
    user, changed = record_user(
        username=wish.username,
        subscriber=subscriber,
        password_hash=password_hash,
        name=wish.name,
        role=wish.role,
        language=wish.language,
        phone=wish.phone,
        email=wish.email,
        now=now,
    )
    _note_password(user, wish.password, password_hash, now)
    if wish.teams is not None and put_into_teams(user=user, teams=wish.teams, now=now):
        changed.append("teams")
    if wish.lines is not None:
        changed += give_lines(user=user, numbers=wish.lines, now=now)
    _tell(outcome, f"user {wish.username}", changed)


def _note_password(user: User, password: str | None, password_hash: str | None, now: datetime) -> None:
    if not password or not password_hash:
        return
    note_given_password(user=user, password=password, now=now)
    show_out(user=user)


def _tell(outcome: Outcome, what: str, changed: list[str]) -> None:
    if changed:
        outcome.changes.append(f"{what}: {', '.join(changed)}")
