"""Reading the audit log: a filter that is an address, and the entries that match it, newest first."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from server import keyset
from server.accounts.models import AuditEntry, Subscriber
from server.cursor import write_cursor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet
    from django.utils.functional import _StrPromise

PAGE = 50
# What kinds of things there are to look for, and the actions of each: whole ones, or all that begin so.
KINDS: dict[str, tuple[_StrPromise, tuple[str, ...]]] = {
    "log-ins": (
        _("Log-ins"),
        ("user.log", "user.locked_out", "user.password", "user.second_step", "user.recovery", "user.session"),
    ),
    "people": (_("People and roles"), ("user.", "team.", "admin.user", "admin.team")),
    "services": (_("Services"), ("services.", "service.", "subscriber.", "admin.subscriber", "company.")),
    "lines": (_("Lines"), ("line.", "admin.line")),
    "files": (
        _("Downloads and prints"),
        ("export", "figures.", "conversation.printed", "contacts.exported", "optouts.", "audit.", "filter."),
    ),
    "calls": (_("Call logic"), ("rule.", "node.", "call_logic.", "call_flow.", "call_parameter.")),
    "contacts": (_("Phone book"), ("contact", "import")),
    "privacy": (_("Privacy"), ("privacy.", "optout.", "consent.", "erasure.", "hold.", "retention.")),
    "support": (_("Operator's support"), ("support.",)),
}


class AuditFilterNotValid(ValueError):
    """Something asked for can't be; `problems` holds sentences by the name of the field."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(", ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """What somebody looks for: `since` and `until` are days in the company's zone, both included; `who` is a person's id."""

    since: date | None = None
    until: date | None = None
    who: int | None = None
    kind: str = ""
    text: str = ""
    support: bool = False

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Self:
        """From an address. Raises AuditFilterNotValid."""
        problems: dict[str, str] = {}
        days = {name: _day(given.get(name, "").strip(), name, problems) for name in ("since", "until")}
        if days["since"] and days["until"] and days["since"] > days["until"]:
            problems["until"] = str(_("The end is before the beginning."))
        if problems:
            raise AuditFilterNotValid(problems)
        who = given.get("who", "")
        return cls(
            since=days["since"],
            until=days["until"],
            who=int(who) if who.isdecimal() and len(who) < 19 else None,
            kind=given.get("kind", "") if given.get("kind") in KINDS else "",
            text=given.get("text", "").replace("\0", "").strip()[:100],
            support=bool(given.get("support")),
        )

    @property
    def impersonal_values(self) -> dict[str, str]:
        """What the log itself, which is for ever, may keep: that some words were looked for, not which."""
        return {name: "…" if name == "text" else value for name, value in self.values.items()}

    @property
    def values(self) -> dict[str, str]:
        """As an address says it."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: "1" if value is True else str(value) for name, value in given.items() if value}


def entries(
    *, subscriber: Subscriber | None, wanted: AuditFilter, zone: str, after: tuple[datetime, int] | None = None
) -> QuerySet[AuditEntry]:
    """A company's entries (None: everybody's, for the operator's staff), newest first, beginning after the entry `after`."""
    found = AuditEntry.objects.select_related("actor", "subscriber").order_by("-at", "-id")
    if subscriber is not None:
        found = found.filter(subscriber=subscriber)
    if after:
        found = found.filter(keyset.beyond(after, newest_first=True, at="at"))
    return found.filter(_condition(wanted, ZoneInfo(zone)))


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, and the address of those that follow (empty after the last)."""

    entries: list[AuditEntry]
    older: str


def page_of(found: QuerySet[AuditEntry], wanted: AuditFilter, *, also: Mapping[str, str] | None = None) -> Page:
    """The first entries of what was found; `also` is what else the address of the next ones must say."""
    entries = list(found[: PAGE + 1])
    if len(entries) <= PAGE:
        return Page(entries, "")
    last = entries[PAGE - 1]
    return Page(entries[:PAGE], urlencode({**wanted.values, **(also or {}), "after": write_cursor(last.at, last.pk)}))


def _condition(wanted: AuditFilter, zone: ZoneInfo) -> Q:
    condition = Q()
    if wanted.since:
        condition &= Q(at__gte=datetime.combine(wanted.since, time.min, zone))
    if wanted.until:
        condition &= Q(at__lt=datetime.combine(wanted.until + timedelta(days=1), time.min, zone))
    if wanted.who:
        condition &= Q(actor=wanted.who)
    if wanted.support:
        condition &= Q(is_support=True)
    if wanted.kind:
        begins = KINDS[wanted.kind][1]
        of_kind = Q()
        for beginning in begins:
            of_kind |= Q(action__startswith=beginning)
        condition &= of_kind
    if wanted.text:
        condition &= (
            Q(target__icontains=wanted.text) | Q(actor__name__icontains=wanted.text) | Q(actor__username__icontains=wanted.text)
        )
    return condition


def _day(text: str, name: str, problems: dict[str, str]) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        if not 2000 <= day.year <= 2999:
            raise ValueError(text)
        return day
    except ValueError:
        problems[name] = str(_("Write it like this: 2026-11-01."))
        return None
