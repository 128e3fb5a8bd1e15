"""What companies have asked for: the queue, and the staff's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from operations.access import for_the_operator, staff_of
from operations.forms import AnswerForm, ReasonForm
from server.accounts.models import ServiceRequest
from server.accounts.provisioning import ChatNeedsSms
from server.accounts.requests import RequestClosed, decline_request
from server.events.services import settle_request

if TYPE_CHECKING:
    from django import forms
    from django.http import HttpRequest, HttpResponse

SHOWN_ANSWERS = 50


@require_safe
@for_the_operator
def requests(request: HttpRequest) -> HttpResponse:
    """The open ones, oldest first; the answered ones below."""
    return _page(request)


@require_POST
@for_the_operator
def settle(request: HttpRequest, request_id: int) -> HttpResponse:
    """Switch on what was asked for."""
    asked, form = _request_or_404(request_id), ReasonForm(request.POST)
    if not form.is_valid():
        return _page(request, refused=(asked.pk, form))
    try:
        settle_request(request=asked, because=form.cleaned_data["because"], by=staff_of(request), now=now())
    except RequestClosed:
        _say_it_was_answered(request, asked)
    except ChatNeedsSms:
        messages.error(request, _("Chat is a supplement of SMS: switch SMS on first."))
    else:
        words = {"service": asked.get_service_display(), "company": asked.subscriber.name}
        messages.success(request, _("%(service)s is switched on for %(company)s.") % words)
    return redirect("operator:requests")


@require_POST
@for_the_operator
def decline(request: HttpRequest, request_id: int) -> HttpResponse:
    """Say no, with an answer to whoever asked."""
    asked, form = _request_or_404(request_id), AnswerForm(request.POST)
    if not form.is_valid():
        return _page(request, refused=(asked.pk, form))
    try:
        decline_request(request=asked, answer=form.cleaned_data["answer"], by=staff_of(request), now=now())
    except RequestClosed:
        _say_it_was_answered(request, asked)
    else:
        messages.success(request, _("Declined. %(person)s is told your answer.") % {"person": asked.requested_by})
    return redirect("operator:requests")


def _request_or_404(request_id: int) -> ServiceRequest:
    return get_object_or_404(ServiceRequest.objects.select_related("subscriber__activation", "requested_by"), pk=request_id)


def _say_it_was_answered(request: HttpRequest, asked: ServiceRequest) -> None:
    asked.refresh_from_db()
    messages.error(request, _("%(person)s has answered this request already.") % {"person": asked.settled_by})


def _page(request: HttpRequest, refused: tuple[int, forms.Form] | None = None) -> HttpResponse:
    every = ServiceRequest.objects.select_related("subscriber__activation", "requested_by", "settled_by")
    context: dict[str, Any] = {
        "place": "operator",
        "tab": "requests",
        "open": every.filter(settled_at=None).order_by("requested_at", "pk"),
        "answered": every.exclude(settled_at=None).order_by("-settled_at", "-pk")[:SHOWN_ANSWERS],
        "refused": refused,
    }
    return render(request, "operations/requests.html", context, status=422 if refused else 200)
