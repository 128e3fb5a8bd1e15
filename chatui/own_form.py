"""The form of what people say of themselves on the settings page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server import phone
from server.accounts.models import CallNotice, Notice, Role
from server.accounts.own import AddressNotValid, NumberNotValid, read_address, read_phone

if TYPE_CHECKING:
    from server.accounts.models import User


class OwnForm(forms.Form):
    phone = forms.CharField(label=gettext_lazy("Own phone number"), required=False, max_length=40)
    email = forms.CharField(label=gettext_lazy("E-mail address for notices"), required=False, max_length=254)
    notices = forms.MultipleChoiceField(choices=Notice.choices, required=False)
    calls = forms.MultipleChoiceField(choices=CallNotice.choices, required=False)

    def __init__(self, *args, user: User, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["notices"].choices = choices_for(user)

    @classmethod
    def of(cls, user: User) -> OwnForm:
        initial = {
            "phone": phone.display(user.phone),
            "email": user.email,
            "notices": user.notices,
            "calls": user.hears_of_calls_by,
        }
        return cls(user=user, initial=initial)

    def clean_phone(self) -> str:
        typed = self.cleaned_data["phone"]
        try:
            read_phone(typed, user=self.user)
        except NumberNotValid:
            raise forms.ValidationError(
                _("%(number)s is not a telephone number that we can read. Please write it like 06 30 123 4567 or +36 30 123 4567.")
                % {"number": typed}
            ) from None
        return typed

    def clean_email(self) -> str:
        try:
            return read_address(self.cleaned_data["email"])
        except AddressNotValid:
            raise forms.ValidationError(_("This is not an e-mail address.")) from None

    def clean(self) -> dict:
        values = super().clean() or {}
        if not values.get("email") and "email" not in self.errors and set(values.get("notices", [])) - {Notice.LINE_HELD}:
            self.add_error("email", _("Without an e-mail address we can't tell you anything."))
        if not values.get("phone") and "phone" not in self.errors and self._asks_for_texts(values):
            self.add_error("phone", _("Without a phone number of your own we can't text you."))
        return values

    def _asks_for_texts(self, values: dict) -> bool:
        """Anew: who chose it once and has no number is not kept from saving something else."""
        is_new = CallNotice.SMS not in self.user.hears_of_calls_by or bool(self.user.phone)
        return self.hears_of_calls and is_new and CallNotice.SMS in values.get("calls", [])

    @property
    def hears_of_calls(self) -> bool:
        """Whether anybody could tell the person of a call at all."""
        return self.user.subscriber is not None and self.user.subscriber.has_sms

    @property
    def choices(self) -> list[tuple[str, str, bool]]:
        """Each notice with its name, and whether it is chosen."""
        chosen = self["notices"].value() or []
        return [(value, str(label), value in chosen) for value, label in choices_for(self.user)]

    @property
    def ways(self) -> list[tuple[str, str, bool, str]]:
        """Each way to hear of calls with its name, whether it is chosen, and what it still lacks."""
        chosen = self["calls"].value() or []
        lacks = {
            CallNotice.EMAIL: "" if self.user.email else _("Needs your e-mail address above."),
            CallNotice.SMS: "" if self.user.phone else _("Needs your phone number above."),
        }
        return [(way.value, str(way.label), way in chosen, lacks.get(way, "")) for way in CallNotice]

    @property
    def ways_kept(self) -> list[str]:
        """The ways chosen; where the form does not show them, those there are."""
        return self.cleaned_data["calls"] if self.hears_of_calls else self.user.hears_of_calls_by

    @property
    def kept(self) -> list[str]:
        """The notices chosen, with those that the form does not show."""
        hidden = set(self.user.notices) - {value for value, _label in choices_for(self.user)}
        return [*self.cleaned_data["notices"], *hidden]


def choices_for(user: User) -> list[tuple[str, str]]:
    """The notices that can ever come to somebody with this role."""
    if user.subscriber is None:
        return []
    chat = {Notice.ASSIGNED, Notice.MENTIONED} if user.subscriber.has_chat and not user.only_reads else set()
    line = {Notice.LINE_HELD} if user.role == Role.ADMINISTRATOR else set()
    return [(notice.value, notice.label) for notice in Notice if notice in chat | line]
