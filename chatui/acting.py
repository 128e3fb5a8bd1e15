"""While the operator's staff act as a company's administrator: who asks, what is marked, what is closed to them."""

from __future__ import annotations

from dataclasses import replace

from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.shortcuts import render
from django.utils.timezone import now

from server.accounts.acting import ACTING, end_acting, stand_in, why_over
from server.accounts.circumstances import circumstances, under
from server.accounts.models import Support
from server.events.showing_out import stop_acting

# About the person, who is somebody else while acting; and what would make something the person's own in the company.
CLOSED_PLACES = ("settings/", "language/")
CLOSED_NAMES = {"claim", "filter_keep"}


class ActingMiddleware:
    """Asks in the name of whom the session acts for; what has run out is ended at the first request after it."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if ACTING not in request.session or not request.user.is_authenticated:
            return self.get_response(request)
        support = stand_in(session=request.session, person=request.user, now=now())
        if support is None:
            how = why_over(session=request.session, now=now())
            stop_acting(session=request.session, user=request.user, how=how, now=now())
            return self.get_response(request)
        support.otp_device, support.is_verified = request.user.otp_device, request.user.is_verified
        request.user = support
        with under(replace(circumstances(), is_support=True)):
            return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        is_closed = request.resolver_match.route.startswith(CLOSED_PLACES) or request.resolver_match.view_name in CLOSED_NAMES
        if is_closed and isinstance(request.user, Support):
            return render(request, "chatui/not_while_acting.html", status=403)
        return None


@receiver(user_logged_out)
def end_with_the_log_in(request, **signal) -> None:
    if ACTING in request.session:
        end_acting(session=request.session, person=request.user, how="logged out", now=now())
