"""Forms about a company's people."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chatui.access import number_in
from server import phone
from server.accounts.invitations import LONGEST_EMAIL, LONGEST_NAME, EmailNotValid, PersonExists, TooManyInvitations, plain_name
from server.accounts.models import CallNotice, Language, Role, Team, User
from server.accounts.people import ROLES, LastAdministrator, PersonWish
from server.lines.models import SECRETS, Line
from server.wording import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from server.accounts.models import Subscriber

# What each role may do, in a line.
ABOUT_ROLES = {
    Role.COLLEAGUE: gettext_lazy("Reads and answers on the lines they were given."),
    Role.SUPERVISOR: gettext_lazy("Sees all lines and conversations, hands them over, sees the figures and downloads messages."),
    Role.ADMINISTRATOR: gettext_lazy("All that, and these pages: people, lines they use, settings of the company, privacy."),
    Role.AUDITOR: gettext_lazy("Sees all lines and the log, but sends nothing and changes nothing."),
}
TOO_MANY_INVITATIONS = gettext_lazy("Not sent: these are too many invitations for one day. Please try again tomorrow.")
NOT_GIVEN, READ, SEND = "", "read", "send"
USES = [(NOT_GIVEN, gettext_lazy("No access")), (READ, gettext_lazy("May read")), (SEND, gettext_lazy("May read and send"))]


class OurOnes(forms.ModelMultipleChoiceField):
    """Rows of one's company, by id; a number that no id can be is no choice, and no database need hear of it."""

    def clean(self, value):
        for each in value or ():
            if number_in(str(each)) is None:
                raise forms.ValidationError(self.error_messages["invalid_choice"], code="invalid_choice", params={"value": each})
        return super().clean(value)


class InvitationForm(forms.Form):
    """A person to be: with the company's own teams and lines to choose from."""

    email = forms.EmailField(label=gettext_lazy("E-mail"), max_length=LONGEST_EMAIL)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=LONGEST_NAME)
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=[(role.value, role.label) for role in ROLES])
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=Language)
    teams = OurOnes(Team.objects.none(), label=gettext_lazy("Teams"), required=False)

    def __init__(self, *args, company: Subscriber, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.company = company
        self.fields["teams"].queryset = Team.objects.filter(subscriber=company)
        self.fields["teams"].error_messages["invalid_choice"] = _("One of these teams is gone. Please choose again.")
        self.ours = sorted(self.fields["teams"].queryset, key=lambda team: fold(team.name))
        self.lines = list(Line.objects.filter(subscriber=company).order_by("label", "pk").defer(*SECRETS))
        for line in self.lines:
            self.fields[f"line-{line.pk}"] = forms.ChoiceField(label=line.label, choices=USES, required=False)

    def clean_name(self) -> str:
        name = plain_name(self.cleaned_data["name"])
        if not name:
            raise forms.ValidationError(_("Please write the name."))
        return name

    @property
    def roles(self) -> Iterator[tuple[str, str, str, bool]]:
        """Value, label, what it may do, whether it is chosen."""
        chosen = self["role"].value()
        return ((role.value, str(role.label), str(ABOUT_ROLES[role]), role.value == chosen) for role in ROLES)

    @property
    def team_choices(self) -> Iterator[tuple[Team, bool]]:
        chosen = {str(pk) for pk in self["teams"].value() or ()}
        return ((team, str(team.pk) in chosen) for team in self.ours)

    @property
    def uses(self) -> Iterator[tuple[Line, forms.BoundField]]:
        return ((line, self[f"line-{line.pk}"]) for line in self.lines)

    @property
    def wish(self) -> PersonWish:
        data = self.cleaned_data
        given = {line.pk: data.get(f"line-{line.pk}") for line in self.lines}
        return PersonWish(
            name=data["name"],
            email=data.get("email", ""),
            role=data["role"],
            language=data["language"],
            phone=data.get("phone", ""),
            teams=frozenset(team.pk for team in data["teams"]),
            lines={pk: use == SEND for pk, use in given.items() if use},
        )

    def explain(self, refusal: Exception) -> None:
        match refusal:
            case PersonExists():
                self.add_error("email", _("This address can't be used: somebody logs in with it already."))
            case EmailNotValid():
                self.add_error("email", _("This is not an e-mail address, or it is longer than 150 characters."))
            case TooManyInvitations():
                self.add_error("email", TOO_MANY_INVITATIONS)
            case LastAdministrator():
                text = _("This is the company's last administrator. Make somebody else one first.")
                self.add_error("role", text)


class PersonForm(InvitationForm):
    phone = forms.CharField(label=gettext_lazy("Own phone number"), max_length=40, required=False)
    calls = forms.MultipleChoiceField(choices=CallNotice.choices, required=False)
    # Whether the page showed these choices: with none of them ticked, a browser says nothing of them.
    offers_calls = forms.BooleanField(required=False)

    def __init__(self, *args, person: User, company: Subscriber, **kwargs) -> None:
        super().__init__(*args, company=company, initial=_as_is(person), **kwargs)
        self.person = person
        # Whom the operator has set up without one can go on without.
        self.fields["email"].required = bool(person.email)

    @property
    def ways_of_calls(self) -> list[tuple[str, str, bool]]:
        """Each way to hear of calls with its name, and whether it is chosen; none for who hears of none."""
        if not self.company.has_sms or self.person.role == Role.AUDITOR:
            return []
        chosen = self["calls"].value() or []
        return [(way.value, str(way.label), way.value in chosen) for way in CallNotice]

    @property
    def wish(self) -> PersonWish:
        chosen = tuple(self.cleaned_data["calls"]) if self.cleaned_data["offers_calls"] else None
        return replace(super().wish, hears_of_calls_by=chosen)

    def clean_phone(self) -> str:
        written = self.cleaned_data["phone"].strip()
        try:
            return phone.to_e164(written, country=self.company.country) if written else ""
        except phone.NumberNotValid as problem:
            raise forms.ValidationError(_("This is not a phone number. Write it like +36 30 123 4567.")) from problem


def _as_is(person: User) -> dict[str, object]:
    lines = {f"line-{access.line_id}": SEND if access.can_send else READ for access in person.line_access.all()}
    return {
        "email": person.email,
        "name": person.name,
        "role": person.role,
        "language": person.language,
        "phone": phone.display(person.phone) if person.phone else "",
        "teams": [team.pk for team in person.teams.all()],
        "calls": person.hears_of_calls_by,
        **lines,
    }
