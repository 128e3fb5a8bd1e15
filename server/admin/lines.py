"""Lines: their credentials go in and never come out again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from gateway.providers import PROVIDERS
from server import phone
from server.contacts.models import OptOut
from server.lines.encryption import ending_of
from server.lines.models import SECRETS, Line, LineAccess
from server.lines.provisioning import CREDENTIALS
from server.messaging.sending import release_line
from server.operator_site import Audited, staff_of

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from server.accounts.models import Subscriber


class LineForm(forms.ModelForm[Line]):
    provider = forms.ChoiceField(choices=[(name, name) for name in sorted(PROVIDERS)])
    new_auth_token = forms.CharField(required=False, strip=True, widget=forms.PasswordInput, label=_("Auth token"))
    new_pbx_secret = forms.CharField(required=False, strip=True, widget=forms.PasswordInput, label=_("PBX secret"))

    class Meta:
        model = Line
        fields = ("subscriber", "number", "label", "provider", "account_sid", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in SECRETS:
            ending = ending_of(getattr(self.instance, name)) if self.instance.pk else "–"
            self.fields[f"new_{name}"].help_text = _("Now: %(ending)s. Leave it empty to keep it.") % {"ending": ending}

    def clean_number(self) -> str:
        try:
            return phone.to_e164(self.cleaned_data["number"])
        except phone.NumberNotValid as problem:
            raise ValidationError(_("This is not a phone number.")) from problem

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        taken = Line.objects.filter(number=cleaned.get("number", "")).exclude(subscriber=cleaned.get("subscriber"))
        if taken.exclude(pk=self.instance.pk).exists():
            self.add_error("number", ValidationError(_("This number is a line of another subscriber.")))
        return cleaned

    def save(self, commit: bool = True) -> Line:
        for name in SECRETS:
            if secret := self.cleaned_data.get(f"new_{name}"):
                setattr(self.instance, name, secret)
        return super().save(commit)


class LineAccessInline(admin.TabularInline[LineAccess, Line]):
    model = LineAccess
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Line)
class LineAdmin(Audited):
    form = LineForm
    list_display = ("number", "label", "subscriber", "provider", "is_active", "held_since", "held_reason")
    list_filter = ("provider", "is_active", ("held_since", admin.EmptyFieldListFilter), "subscriber")
    list_select_related = ("subscriber",)
    search_fields = ("number", "label")
    ordering = ("subscriber", "number")
    autocomplete_fields = ("subscriber",)
    readonly_fields = ("webhooks", "held_since", "held_reason", "created_at")
    fieldsets = (
        (None, {"fields": ("subscriber", "number", "label", "is_active")}),
        (_("Provider"), {"fields": ("provider", "account_sid", "new_auth_token", "new_pbx_secret", "webhooks")}),
        (_("State"), {"fields": ("held_since", "held_reason", "created_at")}),
    )
    inlines = (LineAccessInline,)
    actions = ("release",)

    def get_readonly_fields(self, request: HttpRequest, obj: Line | None = None) -> tuple[str, ...]:
        # Its conversations belong to the company that had them: a line is not handed on, a new one is made.
        return (*self.readonly_fields, *(("subscriber",) if obj else ()))

    @admin.display(description=_("Address for incoming messages"))
    def webhooks(self, line: Line) -> str:
        if not line.pk:
            return "–"
        return f"{settings.PUBLIC_URL}{reverse('gateway:messages', kwargs={'provider': line.provider, 'key': line.key})}"

    @admin.action(description=_("Release: send again from these lines"), permissions=["change"])
    def release(self, request: HttpRequest, lines: QuerySet[Line]) -> None:
        # Also where the line itself is held no longer: nothing may stay behind.
        waiting = sum(release_line(line=line, now=timezone.now(), by=staff_of(request)) for line in lines)
        said = ngettext("%d waiting message goes out now.", "%d waiting messages go out now.", waiting) % waiting
        self.message_user(request, said, messages.SUCCESS)

    def fields_changed_by(self, form: Any) -> set[str]:
        secrets = {name for name in SECRETS if f"new_{name}" in form.changed_data}
        return super().fields_changed_by(form) | secrets

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if form.instance.held_since and CREDENTIALS & self.fields_changed_by(form):
            # What the provider refused was the old ones.
            release_line(line=form.instance, now=timezone.now(), by=staff_of(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Conversations hang on it: a line is switched off.
        return False


@admin.register(LineAccess)
class LineAccessAdmin(Audited):
    list_display = ("line", "user", "can_send")
    list_filter = ("can_send", "line__subscriber")
    list_select_related = ("line", "user")
    autocomplete_fields = ("line", "user")
    search_fields = ("line__number", "user__username")

    def subscriber_of(self, row: LineAccess) -> Subscriber:
        return row.line.subscriber


@admin.register(OptOut)
class OptOutAdmin(Audited):
    list_display = ("number", "line", "source", "opted_out_at", "ended_at")
    list_filter = ("source", "line__subscriber")
    list_select_related = ("line",)
    search_fields = ("number",)
    autocomplete_fields = ("line",)
    # Only an end may be set here; what was said, and when, stays.
    fields = ("line", "number", "source", "words", "opted_out_at", "ended_at")

    def subscriber_of(self, row: OptOut) -> Subscriber:
        return row.line.subscriber

    def get_readonly_fields(self, request: HttpRequest, obj: OptOut | None = None) -> tuple[str, ...]:
        return ("line", "number", "source", "words", "opted_out_at") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
