"""Switching a company's services, and helping its people in again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from operations.access import for_the_operator, staff_of
from operations.forms import SwitchForm
from operations.record import record_page
from operations.views.subscribers import subscriber_or_404
from server.accounts.models import User
from server.accounts.provisioning import ChatNeedsSms
from server.accounts.second_step import reset_second_step
from server.events.services import set_services
from server.events.showing_out import show_out

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_POST
@for_the_operator
def switch(request: HttpRequest, subscriber_id: int) -> HttpResponse:
    """Switch one service on or off; without a reason nothing happens."""
    subscriber = subscriber_or_404(subscriber_id)
    form = SwitchForm(request.POST)
    if not form.is_valid():
        return record_page(request, subscriber, now=now(), refused=form)
    is_on = form.cleaned_data["state"] == "on"
    wishes = {service: is_on if service == form.cleaned_data["service"] else None for service in ("sms", "chat")}
    try:
        changed = set_services(
            subscriber=subscriber, **wishes, because=form.cleaned_data["because"], by=staff_of(request), now=now()
        )
    except ChatNeedsSms:
        form.add_error(None, _("Chat is a supplement of SMS: switch SMS on first."))
        return record_page(request, subscriber, now=now(), refused=form)
    messages.success(request, _("Done: it is so on every screen of the company.") if changed else _("It was so already."))
    return redirect("operator:subscriber", subscriber.pk)


@require_POST
@for_the_operator
def reset_step(request: HttpRequest, subscriber_id: int, user_id: int) -> HttpResponse:
    """Take a lost second step away from one of a company's people: they log in by password, and set up a new one."""
    person = get_object_or_404(User, pk=user_id, subscriber=subscriber_id)
    if reset_second_step(user=person, by=staff_of(request), now=now()):
        show_out(user=person)
        messages.success(
            request, _("%(name)s logs in by password alone now, and has been logged out everywhere.") % {"name": person}
        )
    else:
        messages.success(request, _("%(name)s has no second step.") % {"name": person})
    return redirect("operator:subscriber", subscriber_id)
