"""What is done to a whole entry of the phone book: merged, taken apart, deleted, blocked; each asks first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chatui.access import conversation_or_404, for_people_with_sms, not_for_auditors, number_in
from chatui.answers import back_to, go_on_at, show_changes, wants_frames
from chatui.views.phonebook import contact_or_404, entries_like
from server.contacts.entries import GoneMeanwhile, OnLegalHold
from server.messaging import partners

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from server.contacts.models import Contact


@require_safe
@for_people_with_sms
@not_for_auditors
def contact_lookup(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Live rows: whom this number or entry may belong to."""
    entry = contact_or_404(request.user, contact_id).whole
    text = request.GET.get("q", "").strip()[:120]
    context = {"entry": entry, "text": text, "candidates": entries_like(request.user, text, without=entry)}
    return render(request, "chatui/_contact_candidates.html", context | {"back": number_in(request.GET.get("conversation"))})


@require_http_methods(["GET", "HEAD", "POST"])
@for_people_with_sms
@not_for_auditors
def contact_merge(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Find the other entry, choose which of the two stays, merge. A number without a name goes to the other at once."""
    entry = contact_or_404(request.user, contact_id).whole
    chosen = number_in(request.POST.get("with") or request.GET.get("with"))
    other = contact_or_404(request.user, chosen).whole if chosen is not None else None
    if other is not None and other.pk == entry.pk:
        messages.error(request, _("Nothing was changed: these are numbers of the same entry."))
        return redirect("contact", entry.pk)
    if request.method == "POST" and other is not None and (keep := _kept_of(entry, other, request.POST.get("keep"))):
        return _merge(request, keep, other if keep.pk == entry.pk else entry)
    text = request.GET.get("q", "").strip()[:120]
    pair = sorted([entry, other], key=lambda one: not one.name) if other is not None else []
    context = {"entry": entry, "other": other, "pair": pair, "text": text, "place": "phonebook"}
    return render(request, "chatui/contact_merge.html", context | {"candidates": entries_like(request.user, text, without=entry)})


def _kept_of(entry: Contact, other: Contact, said: str | None) -> Contact | None:
    """Who stays: the one that was chosen, or the only one with a name."""
    for one, another in ((entry, other), (other, entry)):
        if said == str(one.pk) or (one.name and not another.name):
            return one
    return None


def _merge(request: HttpRequest, keep: Contact, other: Contact) -> HttpResponse:
    back = number_in(request.GET.get("conversation"))
    try:
        kept = partners.merge_contacts(keep=keep, other=other, by=request.user, now=now())
    except GoneMeanwhile:
        return _gone(request)
    messages.success(request, _("%(number)s now belongs to %(name)s.") % {"number": other.display_number, "name": kept})
    return go_on_at(request, back_to(request, back).url if back else reverse("contact", args=[kept.pk]))


@require_POST
@for_people_with_sms
def contact_separate(request: HttpRequest, contact_id: int) -> HttpResponse:
    """One number of an entry is an entry of its own again."""
    number = contact_or_404(request.user, contact_id)
    try:
        partners.separate_number(number=number, by=request.user, now=now())
    except GoneMeanwhile:
        return _gone(request)
    messages.success(request, _("%(number)s is an entry of its own now; give it its name.") % {"number": number.display_number})
    return redirect("contact", number.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@for_people_with_sms
@not_for_auditors
def contact_delete(request: HttpRequest, contact_id: int) -> HttpResponse:
    entry = contact_or_404(request.user, contact_id).whole
    if request.method != "POST":
        return _ask(request, "delete", entry)
    try:
        partners.forget_entry(entry=entry, by=request.user, now=now())
    except GoneMeanwhile:
        return _gone(request)
    except OnLegalHold:
        messages.error(request, _("Not deleted: this person is on legal hold, and what there is of them must be kept."))
        return go_on_at(request, reverse("contact", args=[entry.pk]))
    messages.success(request, _("%(name)s is deleted from the phone book.") % {"name": entry})
    return go_on_at(request, reverse("phonebook"))


@require_http_methods(["GET", "HEAD", "POST"])
@for_people_with_sms
@not_for_auditors
def contact_block(request: HttpRequest, contact_id: int) -> HttpResponse:
    entry = contact_or_404(request.user, contact_id).whole
    back = number_in(request.GET.get("conversation"))
    if request.method != "POST":
        return _ask(request, "block", entry)
    try:
        partners.block_sender(entry=entry, by=request.user, now=now())
    except GoneMeanwhile:
        return _gone(request)
    messages.success(request, _("%(name)s is blocked. You find them in the phone book, under Blocked.") % {"name": entry})
    if back:
        return go_on_at(request, reverse("chat" if request.user.subscriber.has_chat else "messages"))
    return go_on_at(request, reverse("contact", args=[entry.pk]))


@require_POST
@for_people_with_sms
def contact_unblock(request: HttpRequest, contact_id: int) -> HttpResponse:
    entry = contact_or_404(request.user, contact_id).whole
    back = number_in(request.GET.get("conversation"))
    if back:
        conversation_or_404(request.user, back)
    try:
        partners.unblock_sender(entry=entry, by=request.user, now=now())
    except GoneMeanwhile:
        return _gone(request)
    if back and wants_frames(request):
        return show_changes(request, back, with_head=True)
    messages.success(request, _("%(name)s is not blocked any longer: the threads are back in their places.") % {"name": entry})
    return back_to(request, back) if back else redirect("contact", entry.pk)


def _ask(request: HttpRequest, what: str, entry: Contact) -> HttpResponse:
    back = number_in(request.GET.get("conversation")) or ""
    target = back_to(request, back).url if back else reverse("contact", args=[entry.pk])
    template = f"chatui/_contact_{what}.html" if request.htmx else "chatui/contact_asked.html"
    part = f"chatui/_contact_{what}.html"
    return render(request, template, {"entry": entry, "back": back, "target": target, "part": part, "place": "phonebook"})


def _gone(request: HttpRequest) -> HttpResponse:
    messages.error(request, _("Nothing was changed: somebody has just merged or deleted this entry."))
    return go_on_at(request, reverse("phonebook"))
