"""Our numbers, and who may use which."""

from __future__ import annotations

import secrets
import uuid
from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from server.accounts.models import Subscriber, User
from server.lines.encryption import EncryptedTextField

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


# Kept enciphered.
SECRETS = ("auth_token", "pbx_secret")


def secrets_of(path: str) -> list[str]:
    """The secrets of the line that a row has under this name: to defer(), as no list shows them and each would be deciphered."""
    return [f"{path}__{name}" for name in SECRETS]


def new_pbx_secret() -> str:
    return secrets.token_urlsafe(32)


class LineQuerySet(models.QuerySet["Line"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """The lines a person may read: supervisors and administrators all of their company's, colleagues their own."""
        if not isinstance(user, User) or not user.is_active or user.subscriber_id is None:
            return self.none()
        ours = self.filter(subscriber_id=user.subscriber_id)
        return ours if user.sees_all_lines else ours.filter(access__user=user)

    def sendable_by(self, user: User | AnonymousUser) -> Self:
        """The lines a person may send from."""
        seen = self.visible_to(user).filter(is_active=True)
        if isinstance(user, User) and user.only_reads:
            return seen.none()
        if not isinstance(user, User) or user.sees_all_lines:
            return seen
        # A second filter(access__…) would join anew, and let any colleague's right stand for this one's.
        return seen.filter(pk__in=LineAccess.objects.filter(user=user, can_send=True).values("line"))


class Line(models.Model):
    """One of our numbers at a provider.

    `held_since` is set while the provider refuses our credentials: messages wait, nothing is lost.
    """

    subscriber = models.ForeignKey(Subscriber, on_delete=models.PROTECT, related_name="lines")
    key = models.UUIDField(unique=True, default=uuid.uuid4, help_text=_("The secret part of the line's webhook addresses."))
    number = models.CharField(max_length=20, help_text=_("E.164, such as +36301234567"))
    label = models.CharField(max_length=80)
    provider = models.CharField(max_length=24)
    account_sid = models.CharField(max_length=64, blank=True)
    auth_token = EncryptedTextField(blank=True)
    pbx_secret = EncryptedTextField(blank=True, default=new_pbx_secret)
    per_day = models.PositiveIntegerField(null=True, blank=True, help_text=_("Messages; empty: as many as people write."))
    per_minute = models.PositiveIntegerField(null=True, blank=True, help_text=_("Messages; more wait for the next minute."))
    countries = models.JSONField(
        default=list, blank=True, help_text=_("Two letters each: whose mobiles may be texted; empty: the subscriber's own country.")
    )
    is_active = models.BooleanField(default=True)
    held_since = models.DateTimeField(null=True, blank=True)
    held_reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LineQuerySet.as_manager()

    class Meta:
        verbose_name = _("line")
        verbose_name_plural = _("lines")
        constraints: ClassVar = [models.UniqueConstraint(fields=["provider", "number"], name="one_line_per_provider_number")]

    def __str__(self) -> str:
        return f"{self.label} ({self.number})"

    @property
    def is_one_way(self) -> bool:
        """Whether it is a sender name, which nobody can answer."""
        return not self.number.startswith("+")


class LineUsage(models.Model):
    """How many messages a line with limits has sent; a line without has no row."""

    line = models.OneToOneField(Line, on_delete=models.CASCADE, related_name="usage")
    day = models.DateField(help_text="In the subscriber's zone")
    sent_on_day = models.PositiveIntegerField(default=0)
    minute = models.DateTimeField()
    sent_in_minute = models.PositiveIntegerField(default=0)
    waits_until = models.DateTimeField(null=True, help_text="The minute was full")
    # The day on which the company was last told that so many percent are used up.
    told_nearly_on = models.DateField(null=True)
    told_all_on = models.DateField(null=True)

    def __str__(self) -> str:
        return f"{self.line_id} {self.day} {self.sent_on_day}"


class LineAccess(models.Model):
    """A colleague was given a line."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="access")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="line_access")
    can_send = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("line access")
        verbose_name_plural = _("line access")
        constraints: ClassVar = [models.UniqueConstraint(fields=["line", "user"], name="one_access_per_line_and_user")]

    def __str__(self) -> str:
        return f"{self.user} → {self.line}"
