"""What the company's pages share: fetching one's own people and teams, and answering a dialog or a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from chatui.answers import go_on_at
from server.accounts.models import Team, User

if TYPE_CHECKING:
    from django.http import HttpRequest


def person_or_404(administrator: User, person_id: int) -> User:
    """One of the administrator's own company, whether they are still with it or not."""
    person = User.objects.select_related("subscriber").filter(subscriber=administrator.subscriber, pk=person_id).first()
    if person is None:
        raise Http404
    return person


def team_or_404(administrator: User, team_id: int) -> Team:
    team = Team.objects.select_related("subscriber").filter(subscriber=administrator.subscriber, pk=team_id).first()
    if team is None:
        raise Http404
    return team


def show(request: HttpRequest, part: str, context: dict, *, title: str = "", status: int = 200) -> HttpResponse:
    """The part alone for a dialog, else a page around it."""
    context = {"place": "company", "part": part, "title": title, **context}
    return render(request, part if request.htmx else "chatui/company_part.html", context, status=status)


def lead_to(request: HttpRequest, name: str, *args, place: str = "") -> HttpResponse:
    """Lead on after a form, to a page of ours by its name."""
    return go_on_at(request, reverse(name, args=args) + place)
