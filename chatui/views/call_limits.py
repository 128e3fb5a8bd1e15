"""The limits over all rules, and the red switch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from chatui.access import for_people_who_make_rules, for_people_who_see_rules
from server.calls.models import CallLogic
from server.calls.stopping import BOUNDS, Limits, resume_automatic, set_limits, stop_automatic

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

LABELS = {
    "per_number_per_day": (
        gettext_lazy("To one customer's number in a day"),
        gettext_lazy("Over all rules together. Nobody should ever feel spammed: two or three are plenty."),
    ),
    "per_colleague_per_day": (
        gettext_lazy("To one colleague's phone in a day"),
        gettext_lazy("So that a bad day of calls does not fill somebody's phone."),
    ),
    "per_minute": (
        gettext_lazy("From the whole company in a minute"),
        gettext_lazy("What is above it waits for the next minute; nothing is lost."),
    ),
    "per_day": (
        gettext_lazy("From the whole company in a day"),
        gettext_lazy("What is above it is not sent: so nobody can make you text thousands of strangers."),
    ),
}


class LimitsForm(forms.Form):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        for name, (least, most) in BOUNDS.items():
            wrong = _("Between %(least)s and %(most)s, please.") % {"least": least, "most": most}
            words = dict.fromkeys(("required", "invalid", "min_value", "max_value"), wrong)
            label, help_text = LABELS[name]
            self.fields[name] = forms.IntegerField(
                label=label, help_text=help_text, min_value=least, max_value=most, error_messages=words
            )


@require_http_methods(["GET", "HEAD", "POST"])
@for_people_who_see_rules
def call_logic_limits(request: HttpRequest) -> HttpResponse:
    ours = request.user.subscriber
    logic = CallLogic.objects.select_related("stopped_by").filter(subscriber=ours).first() or CallLogic(subscriber=ours)
    form = LimitsForm(request.POST if request.method == "POST" else None, initial={name: getattr(logic, name) for name in BOUNDS})
    if request.method == "POST":
        if not request.user.administers:
            raise PermissionDenied
        if form.is_valid():
            if set_limits(subscriber=ours, limits=Limits(**form.cleaned_data), by=request.user, now=now()):
                messages.success(request, _("The limits are saved."))
            return redirect("call_logic_limits")
    context = {"place": "call_logic", "tab": "limits", "logic": logic, "form": form}
    return render(request, "chatui/call_limits.html", context, status=422 if form.errors else 200)


@require_POST
@for_people_who_make_rules
def call_logic_stop(request: HttpRequest) -> HttpResponse:
    """The red switch, and back."""
    ours = request.user.subscriber
    if request.POST.get("on") == "1":
        if resume_automatic(subscriber=ours, by=request.user, now=now()):
            messages.success(request, _("Automatic messages are sent again."))
    elif stop_automatic(subscriber=ours, by=request.user, now=now()):
        messages.success(request, _("All automatic sending has stopped."))
    return redirect("call_logic_limits")
