"""One's own settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings as django_settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm
from django.db import transaction
from django.http import HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chatui.settings_page import settings_page
from chatui.views import canned
from server.accounts.log_ins import move_session
from server.accounts.models import Language
from server.accounts.passwords import note_changed
from server.events import doorbell
from server.events.showing_out import show_out

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from chatui.own_form import OwnForm
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
            doorbell.dismiss(subscriber_id=request.user.subscriber_id, user_id=request.user.pk, code=doorbell.COME_AGAIN)
        response.set_cookie(
            django_settings.LANGUAGE_COOKIE_NAME,
            chosen,
            max_age=365 * 24 * 3600,
            samesite="Lax",
            httponly=True,
            secure=request.is_secure(),
        )
    return response


@sensitive_post_parameters("old_password", "new_password1", "new_password2")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """One's own page; posted to, it changes the password."""
    if request.method != "POST":
        return show_settings(request)
    form = PasswordChangeForm(request.user, request.POST)
    if not form.is_valid():
        return show_settings(request, password=form, status=422)
    before = request.session.session_key
    with transaction.atomic():
        form.save()
        note_changed(user=request.user, now=now())
        # It goes on here, under another key; every other session is over with the old password.
        update_session_auth_hash(request, form.user)
        move_session(before=before, to=request.session.session_key)
        show_out(user=request.user, but_session=request.session.session_key)
    # Tabs of this browser, too: they come back with the new key.
    doorbell.dismiss(subscriber_id=request.user.subscriber_id, user_id=request.user.pk, code=doorbell.LOGGED_OUT)
    with translation.override(request.user.language):
        messages.success(request, _("Your password has been changed. You have been logged out everywhere else."))
    return redirect("settings")


def show_settings(
    request: HttpRequest, *, password: PasswordChangeForm | None = None, own: OwnForm | None = None, status: int = 200
) -> HttpResponse:
    """The page, with the form that was not right."""
    texts = canned.section(request.user) if _writes_canned_texts(request.user) else None
    return settings_page(request, canned=texts, password=password, own=own, status=status)


def _writes_canned_texts(user: User) -> bool:
    return user.subscriber is not None and user.subscriber.has_chat and not user.only_reads


@login_required
@require_safe
def keys(request: HttpRequest) -> HttpResponse:
    """The keyboard's list, for the dialog behind "?"."""
    return render(request, "chatui/_keys.html")
