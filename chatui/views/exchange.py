"""The company's own telephone exchange: where it posts to, line by line, and what it signs with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chatui.access import for_people_who_make_rules
from chatui.administering import show
from server import sms
from server.calls.free_parameters import forget_parameter, own_places_of
from server.calls.models import CallParameter
from server.calls.parameters import shown_name
from server.calls.rules import live_rules
from server.lines.encryption import ending_of
from server.lines.keeping import renew_pbx_secret
from server.lines.models import Line
from server.wording import fold

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from server.accounts.models import Subscriber


@require_safe
@for_people_who_make_rules
def call_exchange(request: HttpRequest) -> HttpResponse:
    return _page(request)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@for_people_who_make_rules
def call_exchange_secret(request: HttpRequest, line_id: int) -> HttpResponse:
    """A new secret, once somebody is sure; the page that follows is the only one that shows it."""
    line = get_object_or_404(_lines(request), pk=line_id)
    if request.method == "POST":
        return _page(request, renewed=line, secret=renew_pbx_secret(line=line, by=request.user, now=now()))
    title = _("A new secret for %(line)s?") % {"line": line.label}
    said = _(
        "The old secret stops at once: until the new one is set in the exchange, its calls are refused. The new one is shown once."
    )
    context = {
        "place": "call_logic",
        "question": title,
        "said": [said],
        "yes": _("New secret"),
        "action": reverse("call_exchange_secret", args=[line.pk]),
        "back": reverse("call_exchange"),
    }
    return show(request, "chatui/_sure.html", context, title=title)


@require_POST
@for_people_who_make_rules
def call_parameter_forget(request: HttpRequest) -> HttpResponse:
    """A name that the exchange has sent by mistake, or somebody has made up, goes from what texts are offered."""
    name = sms.storable(request.POST.get("name", ""))[:40]
    if forget_parameter(subscriber=request.user.subscriber, name=name, by=request.user, now=now()):
        messages.success(request, _("Forgotten: %(name)s.") % {"name": name})
    return redirect(reverse("call_exchange") + "#parameters")


def _parameters(subscriber: Subscriber) -> list[dict]:
    """What the exchange has sent of its own, the newest first, and which rules say it."""
    rules = [(rule, own_places_of(rule)) for rule in live_rules(subscriber)]
    sent = CallParameter.objects.filter(subscriber=subscriber).order_by("-seen_at", "name")
    return [
        {
            "sent": one,
            "place": f"{{{shown_name(f'exchange.{one.name}')}}}",
            "rules": [r for r, said in rules if fold(one.name) in said],
        }
        for one in sent
    ]


def _page(request: HttpRequest, renewed: Line | None = None, secret: str = "") -> HttpResponse:
    lines = [
        {
            "line": line,
            "address": settings.PUBLIC_URL + reverse("gateway:calls", args=[line.key]),
            "ending": ending_of(line.pbx_secret),
            "secret": secret if line == renewed else "",
        }
        for line in _lines(request)
    ]
    context = {"place": "call_logic", "tab": "exchange", "lines": lines, "parameters": _parameters(request.user.subscriber)}
    return render(request, "chatui/call_exchange.html", context)


def _lines(request: HttpRequest):
    return Line.objects.filter(subscriber=request.user.subscriber).order_by("label", "pk")
