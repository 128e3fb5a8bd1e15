"""What the operator's staff fill in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server import phone
from server.accounts.invitations import LONGEST_EMAIL, plain_name
from server.accounts.models import Language, Service, Subscriber
from server.countries import country_name
from server.events.subscribers import LONGEST_SLUG, slug_from
from server.wording import fold
from server.zones import zones

LONGEST_REASON = 300
LONGEST_ANSWER = 500


def countries() -> list[tuple[str, str]]:
    """All countries that have telephone numbers, by their names in the viewer's language."""
    named = [(letters, country_name(letters)) for letters in phone.countries()]
    return sorted(named, key=lambda country: fold(country[1]))


class SubscriberForm(forms.Form):
    """What a company is called and where it is."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    slug = forms.CharField(
        label=gettext_lazy("Short name"),
        max_length=LONGEST_SLUG,
        required=False,
        help_text=gettext_lazy("Small letters, digits and hyphens; left empty, it is made from the name."),
    )
    country = forms.ChoiceField(label=gettext_lazy("Country"), choices=countries, initial="HU")
    timezone = forms.CharField(label=gettext_lazy("Time zone"), max_length=64, initial="Europe/Budapest")
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=Language.choices, initial=Language.HUNGARIAN)

    def __init__(self, *args: Any, subscriber: Subscriber | None = None, **kwargs: Any) -> None:
        self.subscriber = subscriber
        if subscriber is not None:
            kwargs["initial"] = {name: getattr(subscriber, name) for name in self.base_fields if hasattr(subscriber, name)}
        super().__init__(*args, **kwargs)
        self.fields["timezone"].widget.attrs.update(list="timezones", autocomplete="off", spellcheck="false")
        self.fields["slug"].widget.attrs.update(autocomplete="off", autocapitalize="none", spellcheck="false")
        self.fields["name"].widget.attrs.update(autocomplete="off")

    def clean_name(self) -> str:
        name = plain_name(self.cleaned_data["name"])
        if not name:
            raise ValidationError(_("What is the company called?"))
        return name

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"].strip().lower()
        if not slug:
            return self.subscriber.slug if self.subscriber else slug_from(self.cleaned_data.get("name", ""))
        try:
            validate_slug(slug)
        except ValidationError as problem:
            raise ValidationError(_("Only letters from a to z, digits and hyphens, please.")) from problem
        if (not self.subscriber or slug != self.subscriber.slug) and Subscriber.objects.filter(slug=slug).exists():
            raise ValidationError(self.taken())
        return slug

    def clean_timezone(self) -> str:
        # Each page of the company asks for it: a wrong one would be an error on all of them.
        name: str = self.cleaned_data["timezone"]
        if name not in zones():
            raise ValidationError(_("This is not a time zone, such as Europe/Budapest."))
        return name

    @staticmethod
    def taken() -> str:
        return _("Another subscriber has this short name.")


class NewSubscriberForm(SubscriberForm):
    """A new company, and whoever is to be its first administrator."""

    administrator_name = forms.CharField(label=gettext_lazy("Name"), max_length=120, required=False)
    administrator_email = forms.EmailField(label=gettext_lazy("E-mail"), max_length=LONGEST_EMAIL, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("administrator_name", "administrator_email"):
            self.fields[name].widget.attrs["autocomplete"] = "off"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("administrator_name") and not cleaned.get("administrator_email") and not self.errors:
            self.add_error("administrator_email", _("Where should the invitation go?"))
        return cleaned

    @property
    def administrator(self) -> tuple[str, str] | None:
        email = self.cleaned_data["administrator_email"]
        return (self.cleaned_data["administrator_name"], email) if email else None


class SwitchForm(forms.Form):
    """One service, on or off, and why."""

    service = forms.ChoiceField(choices=Service.choices)
    state = forms.ChoiceField(choices=[("on", "on"), ("off", "off")])
    because = forms.CharField(label=gettext_lazy("Reason"), max_length=LONGEST_REASON)

    def clean_because(self) -> str:
        return " ".join(self.cleaned_data["because"].split())


class ReasonForm(forms.Form):
    """Why a request is granted."""

    because = forms.CharField(label=gettext_lazy("Reason"), max_length=LONGEST_REASON)


class AnswerForm(forms.Form):
    """What whoever asked is told when a request is declined."""

    answer = forms.CharField(label=gettext_lazy("Answer"), max_length=LONGEST_ANSWER, widget=forms.Textarea(attrs={"rows": 3}))
