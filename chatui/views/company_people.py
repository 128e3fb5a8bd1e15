"""A company's people: the list, inviting, and everything about one person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chatui.access import for_administrators
from chatui.administering import lead_to, person_or_404, show
from chatui.people_forms import ABOUT_ROLES, TOO_MANY_INVITATIONS, InvitationForm, PersonForm
from server.accounts.invitation_links import VALID_FOR, is_invited
from server.accounts.invitations import EmailNotValid, PersonExists, TooManyInvitations, invite_again
from server.accounts.log_ins import sessions_of
from server.accounts.models import Role
from server.accounts.people import LastAdministrator, people_of
from server.accounts.second_step import who_have_second_step
from server.messaging import staffing
from server.messaging.models import Conversation
from server.wording import fold, words_in

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

    from server.accounts.models import User

# Fewer are seen at a glance.
SEARCHED_FROM = 13


@dataclass(frozen=True, slots=True)
class Standing:
    """Somebody as the list shows them."""

    person: User
    state: str
    has_second_step: bool


@require_safe
@for_administrators
def people(request: HttpRequest) -> HttpResponse:
    everybody = people_of(request.user.subscriber)
    wanted = words_in(request.GET.get("q", "")[:200])
    context = {
        "place": "company",
        "tab": "people",
        "query": request.GET.get("q", "")[:200],
        "is_searched": len(everybody) >= SEARCHED_FROM,
        "standings": _standings([one for one in everybody if _is_like(one, wanted)]),
    }
    return render(request, "chatui/_people.html" if request.htmx else "chatui/people.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_administrators
def invite(request: HttpRequest) -> HttpResponse:
    company = request.user.subscriber
    initial = {"role": Role.COLLEAGUE.value, "language": company.language}
    form = InvitationForm(request.POST if request.method == "POST" else None, company=company, initial=initial)
    if form.is_bound and form.is_valid():
        try:
            person = staffing.invite_colleague(subscriber=company, wish=form.wish, by=request.user, now=now())
        except (EmailNotValid, PersonExists, TooManyInvitations) as refusal:
            form.explain(refusal)
        else:
            messages.success(request, _("The invitation to %(email)s is on its way.") % {"email": person.email})
            return lead_to(request, "people")
    context = {"form": form, "tab": "people", "days": VALID_FOR.days}
    return show(request, "chatui/_invite.html", context, title=_("Invite somebody"), status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_administrators
def person(request: HttpRequest, person_id: int) -> HttpResponse:
    """Who somebody is and what they may do; a change shows at once on their screens."""
    chosen = person_or_404(request.user, person_id)
    form = PersonForm(request.POST if request.method == "POST" else None, person=chosen, company=request.user.subscriber)
    if form.is_bound and form.is_valid():
        try:
            changed = staffing.change_person(person=chosen, wish=form.wish, by=request.user, now=now())
        except (EmailNotValid, PersonExists, TooManyInvitations, LastAdministrator) as refusal:
            form.explain(refusal)
        else:
            if changed:
                messages.success(request, _("Saved: %(name)s.") % {"name": form.wish.name})
            # Who has just taken these pages from themselves would find them shut.
            stays = chosen.pk != request.user.pk or form.wish.role == Role.ADMINISTRATOR
            return lead_to(request, "people") if stays else lead_to(request, "settings")
    context = {
        "place": "company",
        "tab": "people",
        "form": form,
        "standing": _standings([chosen])[0],
        "about_role": ABOUT_ROLES[Role(chosen.role)],
        "is_me": chosen.pk == request.user.pk,
        "sessions": sessions_of(chosen, now=now()).count(),
    }
    return render(request, "chatui/person.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_administrators
def deactivate(request: HttpRequest, person_id: int) -> HttpResponse:
    chosen = person_or_404(request.user, person_id)
    if request.method != "POST":
        taken = Conversation.objects.filter(assignee=chosen, done_at=None).count()
        said = [_("They are logged out everywhere at once and can't log in any more. What they wrote stays, their drafts, too.")]
        if taken:
            said.append(_("Open conversations that go back to nobody: %(n)s.") % {"n": taken})
        return _ask(request, chosen, "person_deactivate", _("Deactivate %(name)s?"), said, _("Deactivate"))
    if chosen.pk == request.user.pk:
        messages.error(request, _("Nobody can deactivate themselves. Ask another administrator."))
        return lead_to(request, "person", chosen.pk)
    try:
        released = staffing.deactivate_person(person=chosen, by=request.user, now=now())
    except LastAdministrator:
        messages.error(request, _("Not deactivated: this is the company's last administrator. Make somebody else one first."))
        return lead_to(request, "person", chosen.pk)
    text = _("%(name)s is deactivated. Conversations back to nobody: %(n)s.") if released else _("%(name)s is deactivated.")
    messages.success(request, text % {"name": chosen.name, "n": released})
    return lead_to(request, "people")


@require_POST
@for_administrators
def reactivate(request: HttpRequest, person_id: int) -> HttpResponse:
    chosen = person_or_404(request.user, person_id)
    if staffing.reactivate_person(person=chosen, by=request.user, now=now()):
        messages.success(request, _("%(name)s can log in again, with the same role and lines as before.") % {"name": chosen.name})
    return lead_to(request, "person", chosen.pk)


@require_POST
@for_administrators
def invite_anew(request: HttpRequest, person_id: int) -> HttpResponse:
    """Send the invitation anew."""
    chosen = person_or_404(request.user, person_id)
    try:
        is_sent = invite_again(person=chosen, by=request.user, now=now())
    except TooManyInvitations:
        messages.error(request, TOO_MANY_INVITATIONS)
        return lead_to(request, "person", chosen.pk)
    if is_sent:
        said = _("A new invitation to %(email)s is on its way; the old link has ended.")
        messages.success(request, said % {"email": chosen.email})
    else:
        messages.error(request, _("Not sent: %(name)s has joined already, or is deactivated.") % {"name": chosen.name})
    return lead_to(request, "person", chosen.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@for_administrators
def person_second_step(request: HttpRequest, person_id: int) -> HttpResponse:
    """For somebody who has lost the telephone with their codes."""
    chosen = person_or_404(request.user, person_id)
    if chosen.pk == request.user.pk:
        # Else whoever sits down at an administrator's desk needs no code of theirs to take it away.
        messages.error(request, _("Your own second step you switch off in your settings, with a code of it."))
        return lead_to(request, "person", chosen.pk)
    if request.method != "POST":
        said = [
            _("From then on their password alone lets them in, until they set it up anew. They are logged out everywhere."),
            _("Do this only if you are sure that it is %(name)s who asks for it.") % {"name": chosen.name},
        ]
        return _ask(request, chosen, "person_second_step", _("Reset the second step of %(name)s?"), said, _("Reset"))
    if staffing.take_second_step(person=chosen, by=request.user, now=now()):
        messages.success(request, _("The second step of %(name)s is reset.") % {"name": chosen.name})
    return lead_to(request, "person", chosen.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@for_administrators
def person_log_out(request: HttpRequest, person_id: int) -> HttpResponse:
    chosen = person_or_404(request.user, person_id)
    if request.method != "POST":
        said = [_("On all their devices, at once. They can log in again with their password; what they were writing is kept.")]
        return _ask(request, chosen, "person_log_out", _("Log %(name)s out everywhere?"), said, _("Log out everywhere"))
    staffing.log_out_everywhere(person=chosen, by=request.user, now=now())
    messages.success(request, _("%(name)s is logged out everywhere.") % {"name": chosen.name})
    return lead_to(request, "person", chosen.pk)


def _ask(request: HttpRequest, chosen: User, name: str, title: str, said: list[str], yes: str) -> HttpResponse:
    title = title % {"name": chosen.name or chosen.username}
    context = {
        "tab": "people",
        "question": title,
        "said": said,
        "yes": yes,
        "action": reverse(name, args=[chosen.pk]),
        "back": reverse("person", args=[chosen.pk]),
    }
    return show(request, "chatui/_sure.html", context, title=title)


def _standings(everybody: list[User]) -> list[Standing]:
    """Those who are here by name, then those who have left; databases put Á behind Z, or not, as they were set up."""
    secured = who_have_second_step(everybody)
    at = now()
    rows = [Standing(one, _state(one, at), one.pk in secured) for one in everybody]
    return sorted(rows, key=lambda row: (not row.person.is_active, fold(row.person.name or row.person.username), row.person.pk))


def _state(one: User, at: datetime) -> str:
    if not one.is_active:
        return "deactivated"
    if is_invited(one):
        return "expired" if one.invited_at and at - one.invited_at > VALID_FOR else "invited"
    return "active"


def _is_like(one: User, wanted: list[str]) -> bool:
    """Whether each word begins one of the person's: of name, e-mail, role, teams or lines."""
    lines = " ".join(access.line.label for access in one.line_access.all())
    teams = " ".join(team.name for team in one.teams.all())
    words = words_in(f"{one.name} {one.username} {one.email} {one.get_role_display()} {teams} {lines}")
    return all(any(word.startswith(begun) for word in words) for begun in wanted)
