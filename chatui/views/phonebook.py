"""A contact's name and remarks, edited from its thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from chatui.access import for_people_with_sms, number_in
from chatui.answers import back_to
from server.contacts.models import Contact
from server.lines.models import Line
from server.messaging.conversations import rename_contact

if TYPE_CHECKING:
    from django.http import HttpRequest


class ContactForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120, required=False)
    company = forms.CharField(label=_("Company"), max_length=120, required=False)
    note = forms.CharField(label=_("Remark"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3}))


@require_http_methods(["GET", "HEAD", "POST"])
@for_people_with_sms
def contact(request: HttpRequest, contact_id: int) -> HttpResponse:
    """The phone book's entry of one number; a rename shows at once on every open screen."""
    chosen = get_object_or_404(_contacts_seen_by(request), pk=contact_id)
    initial = {"name": chosen.name, "company": chosen.company, "note": chosen.note}
    form = ContactForm(request.POST if request.method == "POST" else None, initial=initial)
    back = number_in(request.GET.get("conversation")) or ""
    target = (back_to(request, back) if back else redirect("messages")).url
    if request.method == "POST" and form.is_valid():
        rename_contact(contact=chosen, now=now(), **form.cleaned_data)
        return HttpResponse(headers={"HX-Redirect": target}) if request.htmx else redirect(target)
    template = "chatui/_contact.html" if request.htmx else "chatui/contact.html"
    status = 422 if request.method == "POST" else 200
    return render(
        request, template, {"form": form, "contact": chosen, "back": back, "target": target, "place": "chat"}, status=status
    )


def _contacts_seen_by(request: HttpRequest):
    """Those of the person's company that have a conversation on a line the person may see."""
    return Contact.objects.filter(
        subscriber_id=request.user.subscriber_id, conversations__line__in=Line.objects.visible_to(request.user)
    ).distinct()
