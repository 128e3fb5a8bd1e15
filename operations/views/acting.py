"""Acting as a company's administrator, for support."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from operations.access import for_the_operator, staff_of
from server.accounts.acting import LONGEST_REASON, SHORTEST_REASON, begin_acting
from server.accounts.models import Subscriber, Support
from server.events import showing_out

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase


class ReasonForm(forms.Form):
    because = forms.CharField(
        label=_("Why you act"),
        min_length=SHORTEST_REASON,
        max_length=LONGEST_REASON,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
        help_text=_("The company reads it in its audit log."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_the_operator
def act_as(request: HttpRequest, subscriber_id: int) -> HttpResponse:
    """Say why, and go on as an administrator of the company."""
    subscriber = get_object_or_404(Subscriber, pk=subscriber_id)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        begin_acting(
            session=request.session,
            person=staff_of(request),
            subscriber=subscriber,
            because=form.cleaned_data["because"],
            now=now(),
        )
        return redirect("chat")
    context = {"form": form, "subscriber": subscriber, "place": "operator", "tab": "subscribers"}
    # The subscriber's page opens it in a dialog.
    template = "operations/_act_as.html" if request.headers.get("HX-Request") else "operations/act_as.html"
    return render(request, template, context, status=422 if request.method == "POST" else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def stop_acting(request: HttpRequest) -> HttpResponseBase:
    """End it, in all tabs of this log-in; whoever does not act is led back."""
    if request.method != "POST" or not isinstance(request.user, Support):
        return _back(request)
    subscriber = showing_out.stop_acting(session=request.session, user=request.user, how="ended", now=now())
    return redirect("operator:subscriber", subscriber.pk) if subscriber else redirect("operator:subscribers")


@for_the_operator
def _back(request: HttpRequest) -> HttpResponse:
    return redirect("operator:subscribers")
