"""What a provisioning file wishes for. None everywhere means "the file does not say": an existing value stays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class OperatorWish:
    username: str
    password: str | None = None
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class LineWish:
    number: str
    provider: str | None = None
    label: str | None = None
    key: UUID | None = None
    account_sid: str | None = None
    auth_token: str | None = None
    pbx_secret: str | None = None
    per_day: int | None = None
    per_minute: int | None = None
    countries: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class UserWish:
    """`lines` and `teams`, where given, are all that the person shall have."""

    username: str
    password: str | None = None
    name: str | None = None
    role: str | None = None
    language: str | None = None
    lines: tuple[str, ...] | None = None
    teams: tuple[str, ...] | None = None
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, kw_only=True)
class SubscriberWish:
    slug: str
    name: str | None = None
    country: str | None = None
    timezone: str | None = None
    language: str | None = None
    sms: bool | None = None
    chat: bool | None = None
    teams: tuple[str, ...] = ()
    lines: tuple[LineWish, ...] = ()
    users: tuple[UserWish, ...] = ()
    # number → name
    contacts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Plan:
    operators: tuple[OperatorWish, ...] = ()
    subscribers: tuple[SubscriberWish, ...] = ()
