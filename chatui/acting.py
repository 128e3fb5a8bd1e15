"""While the operator's staff act as a company's administrator: who asks, what is marked, what is closed to them."""

from __future__ import annotations

from dataclasses import replace

from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import now

from chatui.access import number_in
from server.accounts.acting import ACTING, end_acting, note_deed, note_look, stand_in, why_over
from server.accounts.circumstances import circumstances, under
from server.accounts.models import Support
from server.events.showing_out import stop_acting

# About the person, who is somebody else while acting; and what would make something the person's own in the company.
CLOSED_PLACES = ("settings/", "language/")
CLOSED_NAMES = {"claim", "filter_keep"}
# Where customers, or what they wrote, can be read.
LOOKED_AT = {
    *("chat", "conversation", "entries", "messages", "message_details", "phonebook", "contact", "calls", "call", "why"),
    *("figures", "privacy", "erase", "erasure", "rule_rehearse", "rule_rehearse_new"),
}
# What a page fetches by and by can be asked for without it.
PARTS = {
    "rows": "chat",
    "live": "chat",
    "lookup": "phonebook",
    "contact_lookup": "phonebook",
    "messages_changes": "messages",
    "calls_changes": "calls",
}
# Posts that change nothing of the company's: what is typed is kept, or seen, or only tried.
NO_DEEDS = {"draft", "read", "told_seen", "told_all_seen", "rule_sketch", "call_flow_heard", "rule_rehearse", "rule_rehearse_new"}
SAFE = {"GET", "HEAD", "OPTIONS"}


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
        noted: list[str] = []
        with under(replace(circumstances(), is_support=True, noted=noted)):
            response = self.get_response(request)
            if response.status_code < 400 and request.resolver_match is not None:
                _write_down(request, support, noted)
            return response

    def process_view(self, request, view, args, kwargs):
        is_closed = request.resolver_match.route.startswith(CLOSED_PLACES) or request.resolver_match.view_name in CLOSED_NAMES
        if is_closed and isinstance(request.user, Support):
            return render(request, "chatui/not_while_acting.html", status=403)
        return None


def _write_down(request, support: Support, noted: list[str]) -> None:
    """What the company's own log must say of it: who looked where, and who did what."""
    name = request.resolver_match.view_name
    if request.method not in SAFE and name not in NO_DEEDS:
        if not noted:
            note_deed(support=support, page=request.path, what=name, now=now())
    elif request.method == "GET" and (name in LOOKED_AT or name in PARTS):
        note_look(support=support, page=_page(request, name), now=now())


def _page(request, name: str) -> str:
    """The address of what was looked at, however it was asked for."""
    if name == "live" and (thread := number_in(request.GET.get("open"))):
        return reverse("conversation", args=[thread])
    if name in PARTS:
        return reverse(PARTS[name])
    return request.path.removesuffix("entries/") if name == "entries" else request.path


@receiver(user_logged_out)
def end_with_the_log_in(request, **signal) -> None:
    if ACTING in request.session:
        end_acting(session=request.session, person=request.user, how="logged out", now=now())
