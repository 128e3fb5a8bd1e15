"""Who may do what: subscribers, the services they have, their people, and what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from datetime import datetime


class Language(models.TextChoices):
    HUNGARIAN = "hu", "Magyar"
    ENGLISH = "en", "English"


class Subscriber(models.Model):
    """A company that has its SMS from us; nothing of one is ever shown to another."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(unique=True)
    country = models.CharField(
        max_length=2, default="HU", help_text=_("Two letters; numbers without a country are read as this one's.")
    )
    timezone = models.CharField(max_length=64, default="Europe/Budapest")
    language = models.CharField(max_length=5, choices=Language, default=Language.HUNGARIAN)
    colleagues_may_export = models.BooleanField(default=False, help_text=_("Else only supervisors and administrators."))
    last_event = models.BigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("subscriber")
        verbose_name_plural = _("subscribers")

    def __str__(self) -> str:
        return self.name

    @property
    def has_sms(self) -> bool:
        activation = getattr(self, "activation", None)
        return bool(activation and activation.sms_since)

    @property
    def has_chat(self) -> bool:
        activation = getattr(self, "activation", None)
        return bool(activation and activation.chat_since)


class Activation(models.Model):
    """The services that the operator has switched on for a subscriber."""

    subscriber = models.OneToOneField(Subscriber, on_delete=models.CASCADE, related_name="activation")
    sms_since = models.DateTimeField(null=True, blank=True)
    chat_since = models.DateTimeField(null=True, blank=True)
    requested_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(chat_since__isnull=True) | Q(sms_since__isnull=False),
                name="chat_needs_sms",
                violation_error_message=_("Chat is a supplement of SMS: switch SMS on first."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber}: SMS {self.sms_since or '–'}, chat {self.chat_since or '–'}"


class Team(models.Model):
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=80)

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        constraints: ClassVar = [models.UniqueConstraint(fields=["subscriber", "name"], name="one_team_per_name")]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    COLLEAGUE = "colleague", _("Colleague")
    SUPERVISOR = "supervisor", _("Supervisor")
    ADMINISTRATOR = "administrator", _("Administrator")
    OPERATOR = "operator", _("Operator")


class UserManager(DjangoUserManager["User"]):
    def create_superuser(self, username: str, email: str | None = None, password: str | None = None, **extra: object) -> User:
        return super().create_superuser(username, email, password, **{"role": Role.OPERATOR, **extra})


class User(AbstractUser):
    """A person who logs in: one of a subscriber's people, or the operator's staff (no subscriber)."""

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    subscriber = models.ForeignKey(Subscriber, null=True, blank=True, on_delete=models.PROTECT, related_name="users")
    name = models.CharField(_("name"), max_length=120)
    role = models.CharField(max_length=16, choices=Role, default=Role.COLLEAGUE)
    language = models.CharField(max_length=5, choices=Language, default=Language.HUNGARIAN)
    phone = models.CharField(_("own phone number"), max_length=20, blank=True, help_text=_("E.164, such as +36301234567"))
    teams = models.ManyToManyField(Team, blank=True, related_name="members")

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=(Q(role="operator") & Q(subscriber__isnull=True)) | (~Q(role="operator") & Q(subscriber__isnull=False)),
                name="only_operators_have_no_subscriber",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.username

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name

    @property
    def may_export(self) -> bool:
        """Whether the person may take messages away as a file: those they may see."""
        return self.sees_all_lines or bool(self.subscriber and self.subscriber.colleagues_may_export)

    @property
    def sees_all_lines(self) -> bool:
        return self.role in {Role.SUPERVISOR, Role.ADMINISTRATOR}


class AuditEntry(models.Model):
    """One thing somebody did that may have to be explained later; never changed, never deleted."""

    subscriber = models.ForeignKey(Subscriber, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    actor = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=120, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering: ClassVar = ["-at", "-id"]

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
    return AuditEntry.objects.create(subscriber=subscriber, actor=actor, action=action, target=target, detail=detail, at=at)
