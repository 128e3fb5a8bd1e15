"""On a contact's page: opt-outs put down by hand and overridden, consents given and withdrawn."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from chatui.access import for_people_with_sms, number_in
from chatui.views.phonebook import contact_or_404
from server.contacts.models import Consent, Contact, OptOut
from server.lines.models import Line
from server.privacy import wishes
from server.privacy.holds import ReasonMissing

if TYPE_CHECKING:
    from django.http import HttpRequest


# Nobody said anything earlier; the beginning of time has no place in a zone east of it.
EARLIEST_YEAR = 1900


@require_POST
@for_people_with_sms
def opt_out_record(request: HttpRequest, contact_id: int) -> HttpResponse:
    """A customer has said so on the phone, in a letter …"""
    contact = contact_or_404(request.user, contact_id).whole
    lines = Line.objects.visible_to(request.user).select_related("subscriber")
    chosen = request.POST.get("line", "")
    if chosen:
        lines = [get_object_or_404(lines, pk=number_in(chosen) or 0)]
    try:
        made = wishes.record_opt_out(
            contact=contact, lines=list(lines), remark=request.POST.get("remark", ""), by=request.user, now=now()
        )
    except wishes.NotAllowed:
        raise PermissionDenied from None
    messages.success(request, _("Nobody writes to them from there any more.") if made else _("That was known already."))
    return _back(contact)


@require_POST
@for_people_with_sms
def opt_out_override(request: HttpRequest, opt_out_id: int) -> HttpResponse:
    """Write to a number again that had asked to be left alone: supervisors and administrators, with a reason."""
    lines = Line.objects.visible_to(request.user)
    wish = get_object_or_404(OptOut.objects.select_related("line__subscriber"), line__in=lines, pk=opt_out_id)
    contact = Contact.objects.filter(subscriber=request.user.subscriber, number=wish.number).select_related("main").first()
    try:
        wishes.override_opt_out(wish=wish, reason=request.POST.get("reason", ""), by=request.user, now=now())
    except wishes.NotAllowed:
        raise PermissionDenied from None
    except ReasonMissing:
        return _refused(request, contact, _("Not ended: say why this number may be written to again."))
    messages.success(request, _("This number may be written to again; your reason is kept beside it."))
    return _back(contact) if contact else redirect("privacy")


@require_POST
@for_people_with_sms
def consent_give(request: HttpRequest, contact_id: int) -> HttpResponse:
    contact = contact_or_404(request.user, contact_id).whole
    try:
        wishes.give_consent(
            contact=contact,
            purpose=request.POST.get("purpose", ""),
            source=request.POST.get("source", ""),
            given_at=_day_in(request.POST.get("given_on", ""), request.user.subscriber.timezone),
            by=request.user,
            now=now(),
        )
    except wishes.NotAllowed:
        raise PermissionDenied from None
    except (wishes.NotSaid, ValueError):
        return _refused(
            request, contact, _("Not kept: say what they agreed to, where they said so, and on which day (not later than today).")
        )
    except wishes.AlreadyGiven:
        return _refused(request, contact, _("This consent is in force already."))
    messages.success(request, _("The consent is kept."))
    return _back(contact)


@require_POST
@for_people_with_sms
def consent_withdraw(request: HttpRequest, consent_id: int) -> HttpResponse:
    consents = Consent.objects.select_related("contact__subscriber")
    consent = get_object_or_404(consents, contact__subscriber=request.user.subscriber_id, pk=consent_id)
    contact = contact_or_404(request.user, consent.contact_id)
    try:
        wishes.withdraw_consent(consent=consent, by=request.user, now=now())
    except wishes.NotAllowed:
        raise PermissionDenied from None
    messages.success(request, _("The consent is withdrawn."))
    return _back(contact)


def _day_in(text: str, zone: str) -> datetime:
    """The beginning of a day of the company's zone; today when none is given."""
    if not text:
        return now()
    day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=ZoneInfo(zone))
    if day.year < EARLIEST_YEAR:
        raise ValueError(text)
    return day


def _back(contact: Contact) -> HttpResponse:
    return redirect("contact", contact.pk)


def _refused(request: HttpRequest, contact: Contact | None, problem: str) -> HttpResponse:
    if contact is None:
        raise Http404
    context = {"place": "phonebook", "problem": problem, "contact": contact}
    return render(request, "chatui/privacy_refused.html", context, status=422)
