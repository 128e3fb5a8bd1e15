"""What the operator's staff fill in of a line. Secrets go in and never come out again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables

from gateway.providers import PROVIDERS
from operations.forms import countries
from server import phone, sms
from server.accounts.models import Role, Subscriber, User
from server.lines.encryption import Unreadable, ending_of
from server.lines.keeping import NotASender, NumberTaken, sender_from, state_of
from server.lines.limits import countries_of
from server.lines.models import SECRETS, Line, LineAccess

LONGEST_SECRET = 200
MOST = 10_000_000
RIGHTS = [("", gettext_lazy("does not see it")), ("read", gettext_lazy("reads")), ("send", gettext_lazy("reads and sends"))]


class SecretField(forms.CharField):
    """Never shows what it holds; left empty, that stays."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}, render_value=False)
        super().__init__(required=False, max_length=LONGEST_SECRET, widget=widget, **kwargs)


class LineForm(forms.Form):
    """A line of a company, which stays that company's."""

    number = forms.CharField(
        label=gettext_lazy("Number or sender name"),
        max_length=40,
        help_text=gettext_lazy("Any usual format. A name (11 letters and digits at most) is one-way: nobody can answer it."),
    )
    label = forms.CharField(
        label=gettext_lazy("Label"), max_length=80, help_text=gettext_lazy("What colleagues call it, such as Support.")
    )
    is_active = forms.BooleanField(label=gettext_lazy("Switched on"), required=False, initial=True)
    provider = forms.ChoiceField(label=gettext_lazy("Provider"), choices=[(name, name.title()) for name in PROVIDERS])
    account_sid = forms.CharField(label=gettext_lazy("Account SID"), max_length=64, required=False)
    auth_token = SecretField(label=gettext_lazy("Auth token"))
    pbx_secret = SecretField(label=gettext_lazy("PBX secret"))
    per_day = forms.IntegerField(label=gettext_lazy("Messages a day"), min_value=0, max_value=MOST, required=False)
    per_minute = forms.IntegerField(label=gettext_lazy("Messages a minute"), min_value=1, max_value=MOST, required=False)
    countries = forms.MultipleChoiceField(
        label=gettext_lazy("Countries whose mobiles may be texted"), required=False, widget=forms.CheckboxSelectMultiple
    )
    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)

    def __init__(self, *args: Any, subscriber: Subscriber, line: Line | None = None, **kwargs: Any) -> None:
        self.subscriber, self.line = subscriber, line
        if line is not None:
            plain = [name for name in self.base_fields if name not in {*SECRETS, "seen"}]
            kwargs["initial"] = {name: getattr(line, name) for name in plain} | {"seen": state_of(line)}
            kwargs["initial"]["number"] = phone.display(line.number)
            kwargs["initial"]["countries"] = countries_of(line)
        super().__init__(*args, **kwargs)
        allowed = countries_of(line) if line else [subscriber.country]
        # Those that are chosen stand first: the others are two hundred.
        self.fields["countries"].choices = sorted(countries(), key=lambda country: country[0] not in allowed)  # type: ignore[attr-defined]
        self.fields["countries"].initial = allowed
        for name in ("number", "label", "account_sid"):
            self.fields[name].widget.attrs.update(autocomplete="off", spellcheck="false")
        for name in SECRETS:
            self.fields[name].help_text = _held(getattr(line, name) if line else "")

    def clean_number(self) -> str:
        try:
            return sender_from(sms.storable(self.cleaned_data["number"]), country=self.subscriber.country)
        except NotASender as problem:
            raise ValidationError(
                _(
                    "Neither a telephone number nor a sender name: "
                    "a name has 11 letters, digits or spaces at most, one letter at least."
                )
            ) from problem

    def clean_label(self) -> str:
        return " ".join(sms.storable(self.cleaned_data["label"]).split())

    def clean_countries(self) -> list[str]:
        chosen = sorted(self.cleaned_data["countries"])
        # Its own country alone is the rule: no wish, so that it follows when the company moves.
        return [] if chosen == [self.subscriber.country] else chosen

    @property
    @sensitive_variables()
    def wishes(self) -> dict[str, Any]:
        """The fields, with only those secrets that were entered."""
        values = {name: value for name, value in self.cleaned_data.items() if name != "seen"}
        for name in SECRETS:
            if not values[name]:
                del values[name]
        return values

    def say_taken(self, taken: NumberTaken) -> None:
        if taken.line.subscriber_id == self.subscriber.pk:
            self.add_error("number", _("The company has a line with this number already."))
        else:
            whose = {"name": taken.line.subscriber.name}
            self.add_error("number", _("This number is a line of another subscriber (%(name)s).") % whose)

    def say_changed_meanwhile(self, line: Line) -> None:
        """Let it be saved again by whoever has looked at what is shown beside it now."""
        # A plain dict would lose the countries: the field asks for a list.
        data = self.data.copy()  # type: ignore[attr-defined]
        data["seen"] = state_of(line)
        self.data = data
        self.add_error(None, _("Not saved: somebody else changed this line meanwhile. Look at what you entered and save it again."))


class TestForm(forms.Form):
    """Whom a test is sent to."""

    __test__ = False
    to = forms.CharField(label=gettext_lazy("Phone number"), max_length=40)

    def __init__(self, *args: Any, line: Line, **kwargs: Any) -> None:
        self.line = line
        # By `id_to` our scripts know the recipient of a new message, with its list of suggestions.
        super().__init__(*args, **kwargs | {"auto_id": "test_%s"})
        self.fields["to"].widget.attrs.update(autocomplete="off", inputmode="tel", placeholder="+36 30 123 4567")

    def clean_to(self) -> str:
        try:
            return phone.to_e164(self.cleaned_data["to"], country=self.line.subscriber.country)
        except phone.NumberNotValid as problem:
            raise ValidationError(_("This is not a phone number.")) from problem


class AccessForm(forms.Form):
    """Which of the company's colleagues may use the line; supervisors and administrators use all of them."""

    def __init__(self, *args: Any, line: Line, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        given = dict(LineAccess.objects.filter(line=line).values_list("user", "can_send"))
        self.people = list(colleagues_of(line))
        for person in self.people:
            now = {None: "", False: "read", True: "send"}[given.get(person.pk)]
            self.fields[_name_of(person)] = forms.ChoiceField(choices=RIGHTS, required=False, initial=now)

    @property
    def rows(self) -> list[tuple[User, forms.BoundField]]:
        return [(person, self[_name_of(person)]) for person in self.people]

    @property
    def rights(self) -> dict[int, bool]:
        """The ids of those who may use it: whether they may also send."""
        chosen = {person.pk: self.cleaned_data[_name_of(person)] for person in self.people}
        return {pk: right == "send" for pk, right in chosen.items() if right}


def colleagues_of(line: Line):  # type: ignore[no-untyped-def]
    return User.objects.filter(subscriber=line.subscriber_id, role=Role.COLLEAGUE, is_active=True).order_by("name", "pk")


def _name_of(person: User) -> str:
    return f"person_{person.pk}"


def _held(secret: str) -> str:
    if isinstance(secret, Unreadable):
        return _("What is kept can't be read: SECRET_KEY has changed. Enter it anew.")
    if not secret:
        return _("None yet.")
    return _("Now: %(ending)s. Leave it empty to keep it.") % {"ending": ending_of(secret)}
