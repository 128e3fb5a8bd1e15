"""The operator's subscribers: the list, one of them, making and changing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from operations.access import for_the_operator, staff_of
from operations.finding import found_by
from operations.forms import NewSubscriberForm, SubscriberForm
from operations.overview import begin_of_month, standings
from operations.record import record_page
from server import sms
from server.accounts.invitations import EmailNotValid, PersonExists
from server.accounts.models import Subscriber
from server.events.subscribers import SlugTaken, change_subscriber, create_subscriber
from server.zones import zones

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

PAGE = 50
LONGEST_SEARCH = 200


@require_safe
@for_the_operator
def subscribers(request: HttpRequest) -> HttpResponse:
    """All of them by name, or those that a search finds; htmx gets the list alone."""
    sought = sms.storable(request.GET.get("q", ""))[:LONGEST_SEARCH].strip()
    page = Paginator(found_by(sought), PAGE).get_page(request.GET.get("page"))
    context = {
        "place": "operator",
        "tab": "subscribers",
        "sought": sought,
        "page": page,
        "rows": standings(list(page.object_list), now=now()),
        "month": begin_of_month(now()),
    }
    is_part = request.headers.get("HX-Request") == "true"
    answer = render(request, "operations/_subscribers.html" if is_part else "operations/subscribers.html", context)
    if is_part:
        answer["HX-Replace-Url"] = f"{request.path}?{urlencode({'q': sought})}" if sought else request.path
    patch_vary_headers(answer, ("HX-Request",))
    return answer


@require_safe
@for_the_operator
def subscriber(request: HttpRequest, subscriber_id: int) -> HttpResponse:
    """One company: what it has, who its people are, what was switched when."""
    return record_page(request, subscriber_or_404(subscriber_id), now=now())


@require_http_methods(["GET", "HEAD", "POST"])
@for_the_operator
def new_subscriber(request: HttpRequest) -> HttpResponse:
    form = NewSubscriberForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_subscriber(**_wishes(form), administrator=form.administrator, by=staff_of(request), now=now())
        except SlugTaken:
            form.add_error("slug", form.taken())
        except PersonExists:
            form.add_error("administrator_email", _("Somebody has this e-mail address already: choose another."))
        except EmailNotValid:
            form.add_error("administrator_email", _("Please write an e-mail address."))
        else:
            messages.success(request, _said_of_new(form, made))
            return redirect("operator:subscriber", made.pk)
    return _form_page(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
@for_the_operator
def edit_subscriber(request: HttpRequest, subscriber_id: int) -> HttpResponse:
    edited = subscriber_or_404(subscriber_id)
    form = SubscriberForm(request.POST if request.method == "POST" else None, subscriber=edited)
    if request.method == "POST" and form.is_valid():
        try:
            change_subscriber(subscriber=edited, by=staff_of(request), now=now(), **_wishes(form))
        except SlugTaken:
            form.add_error("slug", form.taken())
        else:
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(reverse("operator:subscriber", args=[edited.pk]))
    return _form_page(request, form, subscriber=edited)


def subscriber_or_404(subscriber_id: int) -> Subscriber:
    return get_object_or_404(Subscriber.objects.select_related("activation"), pk=subscriber_id)


def _wishes(form: SubscriberForm) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in ("name", "slug", "country", "timezone", "language")}


def _said_of_new(form: NewSubscriberForm, made: Subscriber) -> str:
    if form.administrator is None:
        return _("%(name)s is made. Switch on its services here.") % {"name": made.name}
    words = {"name": made.name, "email": form.administrator[1]}
    return _("%(name)s is made, and an invitation goes to %(email)s. Switch on its services here.") % words


def _form_page(request: HttpRequest, form: SubscriberForm, **more: Any) -> HttpResponse:
    context = {"place": "operator", "tab": "subscribers", "form": form, "zones": sorted(zones()), **more}
    return render(request, "operations/subscriber_form.html", context, status=422 if form.errors else 200)
