"""One's own settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings as django_settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chatui.views import canned
from server.accounts.models import Language, record_audit
from server.events import doorbell

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from server.accounts.models import User


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Choose the language: kept with the person, or, before log-in, in a cookie."""
    chosen = request.POST.get("language")
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    # Not redirect(): it would take a single word for the name of a view.
    response = HttpResponseRedirect(wanted if safe else "/")
    if chosen in Language.values:
        if request.user.is_authenticated:
            request.user.language = chosen
            request.user.save(update_fields=["language"])
            # Open sockets render in the old language: let them connect anew.
            doorbell.dismiss(subscriber_id=request.user.subscriber_id, user_id=request.user.pk, code=4000)
        response.set_cookie(
            django_settings.LANGUAGE_COOKIE_NAME,
            chosen,
            max_age=365 * 24 * 3600,
            samesite="Lax",
            httponly=True,
            secure=request.is_secure(),
        )
    return response


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """One's own page: language and password."""
    form = PasswordChangeForm(request.user, request.POST if request.method == "POST" else None)
    # Most people come here for something else.
    form.fields["old_password"].widget.attrs.pop("autofocus", None)
    if request.method == "POST" and form.is_valid():
        form.save()
        update_session_auth_hash(request, form.user)
        record_audit(
            action="user.password_changed",
            at=now(),
            actor=request.user,
            subscriber=request.user.subscriber,
            target=request.user.username,
        )
        # Every other session is over with the old password; their sockets end at once.
        doorbell.dismiss(subscriber_id=request.user.subscriber_id, user_id=request.user.pk, code=4401)
        with translation.override(request.user.language):
            messages.success(request, _("Your password has been changed. You have been logged out everywhere else."))
        return redirect("settings")
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "place": "settings", "canned": canned.section(request.user) if _has_chat(request.user) else None}
    return render(request, "chatui/settings.html", context, status=status)


def _has_chat(user: User) -> bool:
    return user.subscriber is not None and user.subscriber.has_sms and user.subscriber.has_chat


@login_required
@require_safe
def keys(request: HttpRequest) -> HttpResponse:
    """The keyboard's list, for the dialog behind "?"."""
    return render(request, "chatui/_keys.html")
