"""A new password for who has forgotten theirs: asked for by name, taken at a link that came by e-mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axes.utils import reset as forget_wrong_passwords
from django.contrib import messages
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.hashers import make_password
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from chatui.views.log_in import as_counted
from server import sms
from server.accounts.middleware import client_address
from server.accounts.own_letters import has_asked_enough, send_new_password_links
from server.accounts.passwords import LinkUsed, people_named, take_new_password, user_by_link
from server.events.showing_out import show_out

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from server.accounts.models import User


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """The answer is the same whoever asks for whom."""
    if request.method != "POST":
        return render(request, "chatui/forgotten.html")
    name = sms.storable(request.POST.get("username", "")).strip()[:254]
    if not name:
        return render(
            request, "chatui/forgotten.html", {"problem": _("Please write your user name or your e-mail address.")}, status=422
        )
    address = client_address(request)
    if has_asked_enough(address=address, now=now()):
        return render(
            request,
            "chatui/forgotten.html",
            {"problem": _("Too many letters were asked for. Please wait a quarter of an hour.")},
            status=429,
        )
    send_new_password_links.enqueue([user.pk for user in people_named(name)], address)
    return render(request, "chatui/forgotten.html", {"is_sent": True})


@sensitive_post_parameters("new_password1", "new_password2")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_password(request: HttpRequest, uidb64: str, token: str) -> HttpResponse:
    try:
        user = user_by_link(uidb64=uidb64, token=token)
        with translation.override(user.language):
            return _choose(request, user)
    except LinkUsed:
        return render(request, "chatui/forgotten.html", {"is_ended": True}, status=404)


def _choose(request: HttpRequest, user: User) -> HttpResponse:
    form = SetPasswordForm(user, request.POST if request.method == "POST" else None)
    if not (form.is_bound and form.is_valid()):
        return render(request, "chatui/new_password.html", {"form": form, "person": user}, status=422 if form.is_bound else 200)
    take_new_password(user=user, password_hash=make_password(form.cleaned_data["new_password1"]), now=now())
    show_out(user=user)
    # Who has tried all passwords they know must not wait now that they have one.
    forget_wrong_passwords(username=as_counted(user.username))
    messages.success(request, _("Your password has been changed. Please log in with it."))
    return redirect("login")
