"""People: who they are, and what they may do."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from server.accounts.models.subscribers import Language, Subscriber


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
    AUDITOR = "auditor", _("Auditor")
    OPERATOR = "operator", _("Operator")


class Notice(models.TextChoices):
    """What a person can be told of by e-mail."""

    ASSIGNED = "assigned", _("Somebody gives me a conversation")
    MENTIONED = "mentioned", _("Somebody mentions me in a note")
    LINE_HELD = "line_held", _("A line can't send (administrators only)")


class CallNotice(models.TextChoices):
    """How a person hears of calls, where a rule leaves it to them."""

    BROWSER = "browser", _("In the browser")
    EMAIL = "email", _("By e-mail")
    SMS = "sms", _("By SMS")


def usual_call_notices() -> list[str]:
    return [CallNotice.BROWSER, CallNotice.EMAIL]


def usual_notices() -> list[str]:
    return [Notice.LINE_HELD]


class UserManager(DjangoUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> User:
        """Who logs in with an e-mail address may write it in capital letters: telephones do so by themselves."""
        found = self.filter(username=username).first()
        if found is None and username and "@" in username:
            found = self.filter(username=username.lower()).first()
        if found is None:
            raise self.model.DoesNotExist
        return found

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
    notices = models.JSONField(default=usual_notices, blank=True, help_text=_("What the person is told of by e-mail."))
    hears_of_calls_by = models.JSONField(
        default=usual_call_notices, blank=True, help_text=_("Where call logic leaves it to each person.")
    )
    away_since = models.DateTimeField(null=True, blank=True)
    invited_at = models.DateTimeField(null=True, blank=True)
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
        return self.role in {Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR}

    @property
    def only_reads(self) -> bool:
        """An auditor sees everything and changes nothing."""
        return self.role == Role.AUDITOR

    @property
    def is_operator(self) -> bool:
        """One of the operator's staff, whatever flags the row may carry."""
        return self.is_active and self.is_staff and self.role == Role.OPERATOR

    @property
    def administers(self) -> bool:
        return self.role == Role.ADMINISTRATOR

    @property
    def is_away(self) -> bool:
        return self.away_since is not None


class UserSession(models.Model):
    """Where a person is logged in; the row goes with the session."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    session_key = models.CharField(max_length=40, unique=True)
    user_agent = models.CharField(max_length=300, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    logged_in_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user_id} since {self.logged_in_at:%Y-%m-%d %H:%M}"
