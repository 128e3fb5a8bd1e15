"""What people change of themselves: how they are reached, whether they are here, where they are logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponseRedirect
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from chatui.own_form import OwnForm
from chatui.views.people import show_settings
from server.accounts import own
from server.events import showing_out

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_POST
@login_required
def change(request: HttpRequest) -> HttpResponse:
    form = OwnForm(request.POST, user=request.user)
    if not form.is_valid():
        return show_settings(request, own=form, status=422)
    try:
        changed = own.change_own(
            user=request.user,
            phone=form.cleaned_data["phone"],
            email=form.cleaned_data["email"],
            notices=form.kept,
            hears_of_calls_by=form.ways_kept,
            now=now(),
        )
    except own.ChangedTooOften:
        form.add_error("email", _("You have changed your address several times today. Please try again tomorrow."))
        return show_settings(request, own=form, status=422)
    if changed:
        messages.success(request, _("Saved."))
    return _to("notices")


@require_POST
@login_required
def away(request: HttpRequest) -> HttpResponse:
    if request.POST.get("away"):
        own.go_away(user=request.user, now=now())
    else:
        own.come_back(user=request.user)
    return _to("you")


@require_POST
@login_required
def end_one_session(request: HttpRequest, session_id: int) -> HttpResponse:
    if not showing_out.end_session(user=request.user, session_id=session_id):
        raise Http404
    messages.success(request, _("Logged out there."))
    return _to("places")


@require_POST
@login_required
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    showing_out.show_out(user=request.user, but_session=request.session.session_key)
    messages.success(request, _("You have been logged out everywhere else."))
    return _to("places")


def _to(place: str) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('settings')}#{place}")
