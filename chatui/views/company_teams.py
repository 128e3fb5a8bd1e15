"""A company's teams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from chatui.access import for_administrators
from chatui.administering import lead_to, show, team_or_404
from chatui.people_forms import OurOnes
from server.accounts import teams as verbs
from server.accounts.models import Team, User
from server.wording import fold

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from server.accounts.models import Subscriber


class TeamForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=verbs.LONGEST_NAME)
    members = OurOnes(User.objects.none(), label=gettext_lazy("Members"), required=False)

    def __init__(self, *args, company: Subscriber, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["members"].queryset = User.objects.filter(subscriber=company)
        self.fields["members"].error_messages["invalid_choice"] = _("One of these people is gone. Please choose again.")
        chosen = {str(pk) for pk in self["members"].value() or []}
        people = [one for one in company.users.all() if one.is_active or str(one.pk) in chosen]
        self.people = [(one, str(one.pk) in chosen) for one in sorted(people, key=lambda one: (fold(one.name), one.pk))]

    @property
    def wish(self) -> dict:
        return {"name": self.cleaned_data["name"], "members": [one.pk for one in self.cleaned_data["members"]]}

    def explain(self, refusal: Exception) -> None:
        taken = isinstance(refusal, verbs.TeamNameTaken)
        self.add_error("name", _("There is a team of this name already.") if taken else _("Please write the name."))


@require_safe
@for_administrators
def teams(request: HttpRequest) -> HttpResponse:
    ours = Team.objects.filter(subscriber=request.user.subscriber).prefetch_related("members")
    context = {"place": "company", "tab": "people", "teams": sorted(ours, key=lambda team: fold(team.name))}
    return render(request, "chatui/teams.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_administrators
def team_add(request: HttpRequest) -> HttpResponse:
    company = request.user.subscriber
    form = TeamForm(request.POST if request.method == "POST" else None, company=company)
    if form.is_bound and form.is_valid():
        try:
            team = verbs.make_team(subscriber=company, by=request.user, now=now(), **form.wish)
        except (verbs.TeamNameTaken, verbs.TeamNameMissing) as refusal:
            form.explain(refusal)
        else:
            messages.success(request, _("The team %(name)s is there.") % {"name": team.name})
            return lead_to(request, "teams")
    return _form_page(request, form, _("New team"))


@require_http_methods(["GET", "HEAD", "POST"])
@for_administrators
def team(request: HttpRequest, team_id: int) -> HttpResponse:
    chosen = team_or_404(request.user, team_id)
    initial = {"name": chosen.name, "members": list(chosen.members.values_list("pk", flat=True))}
    form = TeamForm(request.POST if request.method == "POST" else None, company=request.user.subscriber, initial=initial)
    if form.is_bound and form.is_valid():
        try:
            if verbs.change_team(team=chosen, by=request.user, now=now(), **form.wish):
                messages.success(request, _("Saved: %(name)s.") % {"name": chosen.name})
        except (verbs.TeamNameTaken, verbs.TeamNameMissing) as refusal:
            form.explain(refusal)
        else:
            return lead_to(request, "teams")
    return _form_page(request, form, _("Team"), chosen)


@require_http_methods(["GET", "HEAD", "POST"])
@for_administrators
def team_delete(request: HttpRequest, team_id: int) -> HttpResponse:
    chosen = team_or_404(request.user, team_id)
    if request.method == "POST":
        verbs.delete_team(team=chosen, by=request.user, now=now())
        messages.success(request, _("The team %(name)s is dissolved.") % {"name": chosen.name})
        return lead_to(request, "teams")
    title = _("Dissolve the team %(name)s?") % {"name": chosen.name}
    members = _("Its members stay with the company, with their roles and lines: %(n)s.") % {"n": chosen.members.count()}
    context = {
        "tab": "people",
        "question": title,
        "said": [members],
        "yes": _("Dissolve"),
        "action": reverse("team_delete", args=[chosen.pk]),
        "back": reverse("teams"),
    }
    return show(request, "chatui/_sure.html", context, title=title)


def _form_page(request: HttpRequest, form: TeamForm, title: str, chosen: Team | None = None) -> HttpResponse:
    context = {"form": form, "team": chosen, "tab": "people"}
    return show(request, "chatui/_team.html", context, title=title, status=422 if form.is_bound else 200)
