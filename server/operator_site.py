"""Whose admin it is, and what is written down of what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.accounts.models import Role, Subscriber, User, record_audit
from server.events.log import record
from server.events.models import Kind

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet
    from django.http import HttpRequest


class OperatorSite(admin.AdminSite):
    site_header = site_title = _("Fonal – operator")
    index_title = _("Subscribers and their lines")
    site_url = None
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Only the operator's staff, whatever flags somebody's row may carry."""
        user = request.user
        return isinstance(user, User) and user.is_active and user.is_staff and user.role == Role.OPERATOR


def staff_of(request: HttpRequest) -> User:
    """Who is asking; nobody else gets in here."""
    assert isinstance(request.user, User), "has_permission let somebody in"
    return request.user


class Audited(admin.ModelAdmin[Any]):
    """Each change is in the audit log, and the subscriber's open screens hear of it."""

    def subscriber_of(self, row: Any) -> Subscriber | None:
        return getattr(row, "subscriber", None)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write what the form changed: writing the whole row would undo what others wrote since it was read.

        A subscriber's last event number put back by one would stop every message of that company.
        """
        obj.save(update_fields=self.fields_changed_by(form) if change else None)

    def fields_changed_by(self, form: Any) -> set[str]:
        return set(form.changed_data) & {field.name for field in form.instance._meta.concrete_fields}

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        subscribers = {subscriber.pk for row in queryset if (subscriber := self.subscriber_of(row)) is not None}
        with transaction.atomic():
            super().delete_queryset(request, queryset)
            # Django logs deletions before it deletes: who asked for their rights then still had them.
            for pk in sorted(subscribers):
                record(subscriber_id=pk, kind=Kind.ACCESS_CHANGED, at=timezone.now())

    # These are called last in the transaction, which is where an event belongs.
    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._tell(request, obj, "added", message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._tell(request, obj, "changed", message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for row in queryset:
            self._tell(request, row, "deleted", [])
        return super().log_deletions(request, queryset)

    def _tell(self, request: HttpRequest, row: Model, what: str, message: Any) -> None:
        now = timezone.now()
        subscriber = self.subscriber_of(row)
        action = f"admin.{row._meta.model_name}.{what}"
        record_audit(action=action, at=now, actor=staff_of(request), subscriber=subscriber, target=str(row)[:120], changed=message)
        if subscriber is not None:
            record(subscriber_id=subscriber.pk, kind=Kind.ACCESS_CHANGED, at=now)


class ReadOnly(admin.ModelAdmin[Any]):
    """To look things up in."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
