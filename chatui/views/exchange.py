"""The company's own telephone exchange: where it posts to, line by line, and what it signs with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from chatui.access import for_people_who_make_rules
from chatui.administering import show
from server.lines.encryption import ending_of
from server.lines.keeping import renew_pbx_secret
from server.lines.models import Line

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


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
    return render(request, "chatui/call_exchange.html", {"place": "call_logic", "tab": "exchange", "lines": lines})


def _lines(request: HttpRequest):
    return Line.objects.filter(subscriber=request.user.subscriber).order_by("label", "pk")
