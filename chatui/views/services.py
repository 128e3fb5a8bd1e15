"""What a company does not have yet: what the service is, and asking for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from chatui.access import for_people_of_a_company
from server import sms
from server.accounts.models import Service
from server.accounts.provisioning import ChatNeedsSms
from server.accounts.requests import ServiceIsOn, request_service

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

LONGEST_REMARK = 500


@require_http_methods(["GET", "HEAD", "POST"])
@for_people_of_a_company
def service_request(request: HttpRequest) -> HttpResponse:
    """Chat, to look at; SMS stands on every page of a company without it. Everybody may ask, once is enough."""
    if request.method != "POST":
        return _offer(request)
    service = request.POST.get("service")
    if service not in Service.values:
        raise Http404
    remark = sms.storable(request.POST.get("remark", "")).strip()[:LONGEST_REMARK]
    try:
        request_service(subscriber=request.user.subscriber, service=Service(service), remark=remark, by=request.user, now=now())
    except ServiceIsOn:
        messages.info(request, _("It is switched on already."))
    except ChatNeedsSms:
        messages.error(request, _("Chat is a supplement of SMS: switch SMS on first."))
    else:
        messages.success(request, _("Your SMS provider has been told. You get the answer by e-mail, too."))
    return redirect("messages")


def _offer(request: HttpRequest) -> HttpResponse:
    company = request.user.subscriber
    if not company.has_sms or company.has_chat:
        return redirect("chat")
    template = "chatui/_chat_offer.html" if request.htmx else "chatui/chat_offer.html"
    return render(request, template, {"place": "messages", "is_partial": bool(request.htmx)})
