"""What a page says of an import of contacts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils.translation import gettext as _

from chatui.templatetags.fonal import amount
from server.contacts.importing.asking import CANCELLABLE, can_undo, found_by_dry_run, imports_of
from server.contacts.importing.columns import Field, Mode
from server.contacts.importing.holding import WORKED_ON
from server.contacts.importing.problems import in_words, reason_in_words
from server.contacts.models import ContactImport, ImportState

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from server.accounts.models import User

SHOWN_IMPORTS, SHOWN_ERRORS = 20, 50


@dataclass(frozen=True, slots=True)
class ImportCard:
    """An import, and how it stands."""

    one: ContactImport
    can_undo: bool = False

    @property
    def is_worked_on(self) -> bool:
        return self.one.state in WORKED_ON

    @property
    def can_cancel(self) -> bool:
        return self.one.state in CANCELLABLE

    @property
    def figures(self) -> str:
        """How far it is."""
        done, total = amount(self.one.rows_done), amount(self.one.rows_total)
        if not self.one.rows_done:
            return _("It starts in a moment…")
        return (
            _("%(done)s of %(all)s rows") % {"done": done, "all": total} if self.one.rows_total else _("%(n)s rows") % {"n": done}
        )

    @property
    def problem(self) -> str:
        return in_words(self.one.problem) if self.one.problem else ""

    @property
    def wrote(self) -> bool:
        return bool(self.one.new_count or self.one.changed_count)

    @property
    def undone(self) -> dict[str, int]:
        return {"deleted": 0, "restored": 0, "kept": 0} | self.one.mapping.get("undone", {})

    @property
    def step(self) -> int:
        """Upload, columns, check, import."""
        if self.one.state == ImportState.UPLOADED:
            return 1
        if self.one.state == ImportState.READ:
            return 2
        return 3 if self.one.state in {ImportState.CHECKING, ImportState.CHECKED} else 4


def cards_of(user: User, *, now: datetime) -> list[ImportCard]:
    """The company's newest imports."""
    assert user.subscriber is not None
    return [ImportCard(one, can_undo(one, now=now)) for one in imports_of(user.subscriber)[:SHOWN_IMPORTS]]


def told_of(user_ids: Collection[int], since: datetime) -> list[ImportCard]:
    """Those of these people that have changed since then."""
    found = ContactImport.objects.filter(Q(alive_at__gte=since) | Q(finished_at__gte=since), user__in=user_ids)
    return [ImportCard(one) for one in found.defer("errors", "columns")]


@dataclass(frozen=True, slots=True)
class Column:
    """One to be matched."""

    at: int
    title: str
    samples: str
    field: str


def columns_of(one: ContactImport) -> list[Column]:
    is_headed, fields = one.mapping.get("has_heading"), one.mapping.get("fields", [])
    return [
        Column(
            at=at,
            title=column["heading"] if is_headed and column["heading"] else _("Column %(n)s") % {"n": at + 1},
            samples=" · ".join(text for text in column["samples"][bool(is_headed) :] if text)[:120],
            field=fields[at] if at < len(fields) else "",
        )
        for at, column in enumerate(one.columns)
    ]


def found_in(one: ContactImport) -> dict[str, Any]:
    """What the dry run found, in words."""
    found = found_by_dry_run(one)
    return {
        "preview": [_changed(step) for step in found["preview"]],
        "errors": errors_in_words(found["errors"][:SHOWN_ERRORS]),
        "has_more_errors": len(found["errors"]) > SHOWN_ERRORS,
    }


def errors_in_words(errors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        error | {"reason": reason_in_words(error["reason"], error.get("where", "")), "column": _title(error["column"])}
        for error in errors
    ]


def _changed(step: dict[str, Any]) -> dict[str, Any]:
    changes = [(_title(field), before, after) for field, before, after in step["changes"]]
    return step | {"changes": changes}


def _title(name: str) -> str:
    return str(Field(name).label) if name in Field.values else name


MODES = [(mode.value, mode.label) for mode in Mode]
FIELDS = [(field.value, field.label) for field in Field]
