"""Log-in and log-out."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from axes.conf import settings as axes
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import LoginView, LogoutView
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from chatui import logging_in
from server import sms
from server.accounts import log_ins, second_step
from server.events import doorbell

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from server.accounts.models import User

NAME_LENGTH = 150


class LogIn(LoginView):
    template_name = "chatui/login.html"
    redirect_authenticated_user = True

    def get_redirect_url(self):
        """Where `next` says, unless that is here: a loop."""
        wanted = super().get_redirect_url()
        return "" if urlsplit(wanted).path == self.request.path else wanted

    def get_default_redirect_url(self):
        return logging_in.home_of(self.request.user)

    def form_valid(self, form):
        user = form.get_user()
        return logging_in.after_password(self.request, user, backend=user.backend, to=self.get_redirect_url())

    def form_invalid(self, form):
        # While a name is locked out its passwords are not looked at: nothing has failed.
        if getattr(self.request, "axes_failures_since_start", 0) <= axes.AXES_FAILURE_LIMIT:
            log_ins.note_failed_log_in(name=name_tried(self.request), step="password", now=now())
        return super().form_invalid(form)


class LogOut(LogoutView):
    """Ends the session and, at once, its open sockets."""

    def post(self, request, *args, **kwargs):
        user, session_key = request.user, request.session.session_key or ""
        if user.is_authenticated:
            log_ins.note_log_out(user=user, session_key=session_key, now=now())
        response = super().post(request, *args, **kwargs)
        # Only now that the session is gone: a socket that comes back in between must find the door shut.
        if user.is_authenticated:
            doorbell.dismiss(subscriber_id=user.subscriber_id, user_id=user.pk, code=doorbell.LOGGED_OUT, session_key=session_key)
        return response


@sensitive_post_parameters("code")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def login_code(request: HttpRequest) -> HttpResponse:
    """The second step: the app's code, or a recovery code."""
    if request.user.is_authenticated:
        return redirect(logging_in.home_of(request.user))
    found = logging_in.pending_of(request)
    if found is None:
        return _from_the_start(request, _("Please log in again."), to=logging_in.wanted_by(request))
    pending, user = found
    if request.method != "POST":
        return _ask_for_code(request, user)
    try:
        kind = second_step.check_code(user=user, code=request.POST.get("code", ""), now=now())
    except second_step.MustWait as wait:
        return _ask_for_code(request, user, problem=pause_in_words(wait), status=422)
    except second_step.WrongCode:
        log_ins.note_failed_log_in(name=user.username, step="code", now=now())
        if not logging_in.after_wrong_code(request, pending):
            return _from_the_start(request, _("Too many wrong codes. Please log in again."), to=pending.to)
        return _ask_for_code(request, user, problem=wrong_code_in_words(), status=422)
    except second_step.NothingBegun:
        # Reset meanwhile by an administrator.
        return _from_the_start(request, _("Please log in again."), to=pending.to)
    return logging_in.let_in(request, user, backend=pending.backend, to=pending.to, step=kind)


def wrong_code_in_words() -> str:
    return _("This code is not the right one, or it was used already. Your app shows a new one every 30 seconds.")


def pause_in_words(wait: second_step.MustWait) -> str:
    seconds = max(1, round((wait.until - now()).total_seconds()))
    if seconds < 90:
        return _("After a wrong code there is a pause. Please try again in %(n)s seconds.") % {"n": seconds}
    return _("After so many wrong codes there is a pause. Please try again in %(n)s minutes.") % {"n": -(-seconds // 60)}


def name_tried(request: HttpRequest, credentials: dict | None = None) -> str:
    """Whose password was tried, as far as it can be a name of ours: PostgreSQL refuses what does not fit its column."""
    return as_counted((credentials or request.POST).get("username") or "")


def as_counted(username: str) -> str:
    name = sms.storable(username)[:NAME_LENGTH]
    # However it is written, it is one address: else each way to write it had five tries of its own.
    return name.lower()[:NAME_LENGTH] if "@" in name else name


def locked_out(request: HttpRequest, *args, **kwargs) -> HttpResponse:
    """Too many wrong passwords: a rest, without telling whether the name exists."""
    if getattr(request, "axes_failures_since_start", 0) == axes.AXES_FAILURE_LIMIT:
        log_ins.note_lock_out(name=name_tried(request), now=now())
    return render(request, "chatui/login.html", {"is_locked_out": True}, status=429)


def _ask_for_code(request: HttpRequest, user: User, *, problem: str = "", status: int = 200) -> HttpResponse:
    context = {"problem": problem, "demo_code": demo_code(second_step.device_of(user))}
    return render(request, "chatui/login_code.html", context, status=status)


def demo_code(device) -> str:
    """Who tries the demo out needs no app."""
    if not settings.DEMO or device is None:
        return ""
    code = second_step.code_of_now(device)
    return f"{code[:3]} {code[3:]}"


def _from_the_start(request: HttpRequest, why: str, *, to: str = "") -> HttpResponse:
    request.session.flush()
    messages.info(request, why)
    return redirect(f"{reverse('login')}?{urlencode({'next': to})}" if to else "login")
