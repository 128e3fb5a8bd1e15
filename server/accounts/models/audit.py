"""What was done, by whom: the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from server.accounts.circumstances import circumstances
from server.accounts.models.people import User
from server.accounts.models.subscribers import Subscriber

if TYPE_CHECKING:
    from datetime import datetime


class AuditEntry(models.Model):
    """One thing somebody did that may have to be explained later; never changed, never deleted: triggers hold it."""

    subscriber = models.ForeignKey(Subscriber, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    actor = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=120, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    is_support = models.BooleanField(default=False, help_text=_("Done by the operator's staff on behalf of the company."))
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering: ClassVar = ["-at", "-id"]
        # A company's log, newest first, by keyset.
        indexes: ClassVar = [
            models.Index("subscriber", models.F("at").desc(), models.F("id").desc(), name="audit_of_subscriber"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor or '–'} {self.action} {self.target}"


def record_audit(
    *,
    action: str,
    at: datetime,
    actor: User | None = None,
    subscriber: Subscriber | None = None,
    target: str = "",
    **detail: object,
) -> AuditEntry:
    """Write one line of the audit log; `detail` must be plain JSON and hold no secret."""
    given = circumstances()
    if given.noted is not None:
        given.noted.append(action)
    return AuditEntry.objects.create(
        subscriber=subscriber,
        actor=actor,
        action=action,
        target=target[:120],
        detail=detail,
        at=at,
        address=given.address,
        is_support=given.is_support,
    )
