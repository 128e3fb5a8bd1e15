"""Telefonkönyv: the list, and an entry's own page; the short form beside a thread is the same address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from chatui import call_pages
from chatui.access import for_people_with_sms, not_for_auditors, number_in
from chatui.answers import back_to, go_on_at
from chatui.contact_form import EntryForm, NameForm
from chatui.phonebook_pages import Asked, contacts_seen_by, page_of, tags_of
from server.accounts.models import Subscriber
from server.calls.models import Call, Promise
from server.contacts.entries import EntryNotValid, GoneMeanwhile
from server.contacts.importing.rights import may_import
from server.contacts.phonebook import rows_of_entry
from server.messaging.models import Conversation, Note
from server.messaging.partners import save_entry

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from server.accounts.models import User
    from server.contacts.models import Contact

NOTES_SHOWN = 10
CALLS_SHOWN = 20


@require_safe
@for_people_with_sms
def phonebook(request: HttpRequest) -> HttpResponse:
    """The entries, by name; for htmx only those found, or the next page of them."""
    user, asked, after = request.user, Asked.from_query(request.GET), number_in(request.GET.get("after"))
    # First: what happens later will be told.
    position = Subscriber.objects.values_list("last_event", flat=True).get(pk=user.subscriber_id)
    context = {"asked": asked, "page": page_of(user, asked, after), "after": after, "words": asked.words}
    if request.htmx and request.headers.get("HX-Request-Type") != "full":
        template = "chatui/_contact_rows.html" if after else "chatui/_contacts.html"
        return render(request, template, context if after else context | {"tags": tags_of(user)})
    context |= {"tags": tags_of(user), "place": "phonebook", "position": position, "may_import": may_import(user)}
    return render(request, "chatui/phonebook.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_people_with_sms
@not_for_auditors
def contact_new(request: HttpRequest) -> HttpResponse:
    form = EntryForm(request.POST if request.method == "POST" else None, number=request.GET.get("number", "")[:40])
    if request.method == "POST" and (saved := _saved(request, form, None)):
        messages.success(request, _("%(name)s is saved.") % {"name": saved})
        return redirect("contact", saved.pk)
    context = {"form": form, "tags": tags_of(request.user), "place": "phonebook"}
    return render(request, "chatui/contact_new.html", context, status=422 if request.method == "POST" else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_people_with_sms
def contact(request: HttpRequest, contact_id: int) -> HttpResponse:
    """An entry's page; with `conversation`, or in a dialog, the short form that a thread opens."""
    chosen = contact_or_404(request.user, contact_id)
    if "conversation" in request.GET or request.htmx or (request.method == "POST" and "whole" not in request.POST):
        return _beside_thread(request, chosen)
    entry = chosen.whole
    form = EntryForm(request.POST if request.method == "POST" else None, entry=entry)
    if request.method == "POST" and (saved := _saved(request, form, entry)):
        messages.success(request, _("%(name)s is saved.") % {"name": saved})
        return redirect("contact", saved.pk)
    return render(request, "chatui/contact.html", _page(request, entry, form), status=422 if request.method == "POST" else 200)


def contact_or_404(user: User, contact_id: int) -> Contact:
    """A number of the company's phone book, or one with a thread that the person may see."""
    chosen = contacts_seen_by(user).select_related("main", "subscriber").filter(pk=contact_id).first()
    if chosen is None:
        raise Http404
    return chosen


def _saved(request: HttpRequest, form: NameForm, entry: Contact | None) -> Contact | None:
    """The entry as it was saved; None when something is wrong, which then stands in the form."""
    if not form.is_valid():
        return None
    try:
        saved = save_entry(subscriber=request.user.subscriber, entry=entry, facts=form.facts, now=now())
    except EntryNotValid as refusal:
        form.refuse(refusal.problems)
        return None
    except GoneMeanwhile:
        form.add_error(None, _("Not saved: somebody has just merged or deleted this entry. Reload to see what became of it."))
        return None
    return saved


def _beside_thread(request: HttpRequest, chosen: Contact) -> HttpResponse:
    entry = chosen.whole
    initial = {"name": entry.name, "company": entry.company, "note": entry.note}
    form = NameForm(request.POST if request.method == "POST" else None, initial=initial)
    back = number_in(request.GET.get("conversation")) or ""
    target = back_to(request, back).url if back else reverse("contact", args=[entry.pk])
    if request.method == "POST" and _saved(request, form, entry):
        return go_on_at(request, target)
    context = {"form": form, "contact": chosen, "entry": entry, "back": back, "target": target, "place": "chat"}
    template = "chatui/_contact.html" if request.htmx else "chatui/contact_beside.html"
    return render(request, template, context, status=422 if request.method == "POST" else 200)


def _page(request: HttpRequest, entry: Contact, form: NameForm) -> dict:
    user = request.user
    rows = list(rows_of_entry(entry))
    threads = (
        Conversation.objects.visible_to(user)
        .filter(contact__in=rows)
        .select_related("line", "contact", "latest_message__author")
        .order_by("-latest_at", "-pk")
    )
    notes = Note.objects.filter(conversation__in=[thread.pk for thread in threads]).select_related("author", "conversation__line")
    return {
        "place": "phonebook",
        "contact": entry,
        "entry": entry,
        "numbers": sorted(rows, key=lambda row: (row.pk != entry.pk, row.pk)),
        "form": form,
        "tags": tags_of(user),
        "threads": threads,
        "notes": notes.order_by("-created_at", "-pk")[:NOTES_SHOWN],
        "calls": _calls_with(user, entry),
        "promises": Promise.objects.filter(conversation__in=[thread.pk for thread in threads], kept_at=None).order_by("due_at"),
        "zone": user.subscriber.timezone,
        "own_country": user.subscriber.country,
        "has_many": len(rows) > 1,
    }


def _calls_with(user: User, entry: Contact) -> QuerySet[Call]:
    found = call_pages.calls_in(user, call_pages.Asked(contact=entry.pk))
    return found.select_related("line", "conversation__contact").order_by("-began_at", "-id")[:CALLS_SHOWN]


def entries_like(user: User, text: str, *, without: Contact) -> list[Contact]:
    """Whom somebody may mean when looking for an entry to put another one to."""
    page = page_of(user, Asked(text=text)) if text else None
    return [entry for entry in page.entries if entry.pk != without.pk][:8] if page else []
