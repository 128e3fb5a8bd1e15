"""Subscribers, what they have switched on, and their people."""

from __future__ import annotations

import zoneinfo
from functools import partial
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server import phone
from server.accounts.models import Activation, AuditEntry, Role, Subscriber, Team, User
from server.events import doorbell
from server.events.log import record
from server.events.models import Kind
from server.operator_site import Audited, ReadOnly

if TYPE_CHECKING:
    from django.http import HttpRequest

LOGGED_OUT = 4401

# Roles say who may do what.
admin.site.unregister(Group)


class ActivationInline(admin.StackedInline[Activation, Subscriber]):
    model = Activation
    can_delete = False
    min_num = 1


class SubscriberForm(forms.ModelForm[Subscriber]):
    class Meta:
        model = Subscriber
        fields = ("name", "slug", "country", "timezone", "language")

    def clean_country(self) -> str:
        country: str = self.cleaned_data["country"].upper()
        if not phone.is_country(country):
            raise ValidationError(_("This is not a country's two letters, such as HU."))
        return country

    def clean_timezone(self) -> str:
        # Each page of the company asks for it: a wrong one would be an error on all of them.
        name: str = self.cleaned_data["timezone"]
        if name not in zoneinfo.available_timezones():
            raise ValidationError(_("This is not a time zone, such as Europe/Budapest."))
        return name


@admin.register(Subscriber)
class SubscriberAdmin(Audited):
    form = SubscriberForm
    list_display = ("name", "slug", "country", "language", "sms", "chat", "created_at")
    list_select_related = ("activation",)
    search_fields = ("name", "slug")
    ordering = ("name",)
    inlines = (ActivationInline,)

    def subscriber_of(self, row: Subscriber) -> Subscriber:
        return row

    @admin.display(boolean=True, description="SMS")
    def sms(self, subscriber: Subscriber) -> bool:
        return subscriber.has_sms

    @admin.display(boolean=True, description=_("Chat"))
    def chat(self, subscriber: Subscriber) -> bool:
        return subscriber.has_chat

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Its messages must stay explainable: services are switched off instead.
        return False


class _PersonForm(forms.ModelForm[User]):
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        role, subscriber = cleaned.get("role"), cleaned.get("subscriber")
        if role == Role.OPERATOR and subscriber:
            self.add_error("subscriber", ValidationError(_("The operator's staff belong to no subscriber.")))
        if role and role != Role.OPERATOR and not subscriber:
            self.add_error("subscriber", ValidationError(_("Whose colleague is this? Choose the subscriber.")))
        if subscriber and any(team.subscriber_id != subscriber.pk for team in cleaned.get("teams") or ()):
            self.add_error("teams", ValidationError(_("These teams are not all of this subscriber.")))
        return cleaned

    def clean_phone(self) -> str:
        number: str = self.cleaned_data.get("phone", "")
        try:
            return phone.to_e164(number) if number else ""
        except phone.NumberNotValid as problem:
            raise ValidationError(_("This is not a phone number.")) from problem


class NewPersonForm(_PersonForm, AdminUserCreationForm[User]):
    pass


class PersonForm(_PersonForm, UserChangeForm[User]):
    pass


@admin.register(User)
class UserAdmin(Audited, DjangoUserAdmin[User]):
    form = PersonForm
    add_form = NewPersonForm
    list_display = ("username", "name", "subscriber", "role", "is_active", "last_login")
    list_filter = ("role", "is_active", "subscriber")
    list_select_related = ("subscriber",)
    search_fields = ("username", "name", "email", "phone")
    ordering = ("username",)
    filter_horizontal = ("teams",)
    autocomplete_fields = ("subscriber",)
    fieldsets = (
        (None, {"fields": ("username", "password", "name", "is_active")}),
        (_("Place"), {"fields": ("subscriber", "role", "teams")}),
        (_("Language, phone, e-mail"), {"fields": ("language", "phone", "email")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "name", "usable_password", "password1", "password2")}),
        (_("Place"), {"fields": ("subscriber", "role", "language")}),
    )
    readonly_fields = ("last_login", "date_joined")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        # The role alone says who may come in here.
        obj.is_staff = obj.is_superuser = obj.role == Role.OPERATOR
        before = form.initial.get("subscriber") if change else None
        super().save_model(request, obj, form, change)
        if before not in {None, obj.subscriber_id}:
            self._show_out_of(before, obj)
        if not obj.is_active:
            transaction.on_commit(lambda: _show_out(obj), robust=True)

    def fields_changed_by(self, form: Any) -> set[str]:
        return super().fields_changed_by(form) | {"is_staff", "is_superuser"}

    def _show_out_of(self, subscriber_id: int, user: User) -> None:
        """The company that somebody leaves: their open screens end, and their colleagues' screens hear of it."""
        record(subscriber_id=subscriber_id, kind=Kind.ACCESS_CHANGED, at=timezone.now())
        leave = partial(doorbell.dismiss, subscriber_id=subscriber_id, user_id=user.pk, code=LOGGED_OUT)
        transaction.on_commit(leave, robust=True)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Who wrote what must stay known: people are deactivated.
        return False


def _show_out(user: User) -> None:
    doorbell.dismiss(subscriber_id=user.subscriber_id, user_id=user.pk, code=LOGGED_OUT)


@admin.register(Team)
class TeamAdmin(Audited):
    list_display = ("name", "subscriber")
    list_filter = ("subscriber",)
    search_fields = ("name",)
    autocomplete_fields = ("subscriber",)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    list_display = ("at", "actor", "action", "target", "subscriber")
    list_filter = ("action", "subscriber")
    list_select_related = ("actor", "subscriber")
    search_fields = ("target", "actor__username")
    date_hierarchy = "at"
