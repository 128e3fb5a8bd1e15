"""Adatvédelem: how long messages are kept, legal holds, who was erased, who asked to be left alone. For administrators."""

from __future__ import annotations

import itertools
from io import BytesIO
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chatui.access import for_administrators, for_administrators_who_export, number_in
from chatui.privacy_pages import Wish, contact_to_look_after, counts_in_words, opt_outs_like, people_like, problem_in_words
from server.accounts.models import record_audit
from server.csv_files import write_file
from server.privacy import erasing, holds
from server.privacy.models import AskedHow, Erasure, LegalHold, RetentionRun
from server.privacy.provider_redactions import waiting_at_providers
from server.privacy.retention import COUNTED_UP_TO, LONGEST, SHORTEST, DaysNotValid, preview, set_retention
from server.privacy.subject_file import make_subject_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from django.http import HttpRequest

    from server.accounts.models import Subscriber

SHOWN = 50
USUAL_DAYS = (90, 180, 365, 730, 1825)


@require_safe
@for_administrators
def privacy(request: HttpRequest) -> HttpResponse:
    """Everything about privacy on one page."""
    subscriber, asked = request.user.subscriber, request.GET.get("number", "").strip()[:40]
    wishes = Paginator(opt_outs_like(subscriber, asked), SHOWN).get_page(request.GET.get("page"))
    waiting = waiting_at_providers(subscriber)
    person = request.GET.get("person", "").strip()[:120]
    all_holds = LegalHold.objects.filter(subscriber=subscriber).select_related("contact", "placed_by", "ended_by")
    context = {
        "place": "company",
        "tab": "privacy",
        "zone": subscriber.timezone,
        "asked": asked,
        "wishes": wishes,
        "rows": [Wish(row) for row in wishes],
        "holds": all_holds.order_by("-placed_at")[:SHOWN],
        "is_company_on_hold": all_holds.in_force().filter(contact=None).exists(),
        "erasures": Erasure.objects.filter(subscriber=subscriber).select_related("requested_by").order_by("-requested_at")[:SHOWN],
        "waiting": waiting[:SHOWN],
        "waiting_count": waiting.count(),
        "last_run": RetentionRun.objects.filter(subscriber=subscriber, finished_at__isnull=False).order_by("-night").first(),
        "person": person,
        "found": people_like(subscriber, person) if person and not subscriber.has_sms else [],
        "usual_days": USUAL_DAYS,
        "shortest": SHORTEST,
        "longest": LONGEST,
    }
    return render(request, "chatui/privacy.html", context)


# --- How long messages are kept


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_administrators
def retention(request: HttpRequest) -> HttpResponse:
    """What a period would take away; a POST decides it."""
    given = request.POST if request.method == "POST" else request.GET
    subscriber = request.user.subscriber
    try:
        days = _days_in(given.get("days", ""))
        if request.method == "POST":
            return _keep_for(request, days)
        seen = preview(subscriber=subscriber, days=days, now=now()) if days else None
    except (DaysNotValid, ValueError):
        problem = _("Give a number of days between %(least)s and %(most)s.") % {"least": SHORTEST, "most": LONGEST}
        return _refused(request, problem)
    context = {"place": "company", "tab": "privacy", "days": days, "seen": seen, "most": COUNTED_UP_TO}
    return render(request, "chatui/privacy_retention.html", context)


def _days_in(text: str) -> int | None:
    return int(text) if text.strip() else None


def _keep_for(request: HttpRequest, days: int | None) -> HttpResponse:
    if set_retention(subscriber=request.user.subscriber, days=days, by=request.user, now=now()):
        said = (
            _("Messages are kept for %(days)s days from tonight on.") % {"days": days} if days else _("Messages are kept for ever.")
        )
        messages.success(request, said)
    return redirect("privacy")


# --- Legal holds


@require_POST
@for_administrators
def hold_place(request: HttpRequest) -> HttpResponse:
    """On one contact, or on the whole company when none is named."""
    number = request.POST.get("contact", "")
    contact = contact_to_look_after(request.user, number_in(number) or 0) if number else None
    try:
        holds.place_hold(
            subscriber=request.user.subscriber, contact=contact, reason=request.POST.get("reason", ""), by=request.user, now=now()
        )
    except holds.ReasonMissing:
        return _refused(request, _("Not placed: say why, so that somebody can tell later whether it is still needed."))
    except holds.AlreadyOnHold:
        return _refused(request, _("It is on legal hold already."))
    except holds.AlreadyErased:
        return _refused(request, _("Nothing is left of this contact that could be kept."))
    messages.success(request, _("The legal hold is in force: nothing of it is deleted until somebody ends it."))
    return redirect("contact", contact.pk) if contact and request.user.subscriber.has_sms else redirect("privacy")


@require_POST
@for_administrators
def hold_end(request: HttpRequest, hold_id: int) -> HttpResponse:
    hold = get_object_or_404(LegalHold.objects.select_related("subscriber"), subscriber=request.user.subscriber, pk=hold_id)
    if holds.end_hold(hold=hold, by=request.user, now=now()):
        messages.success(request, _("The legal hold has ended."))
    return redirect("privacy")


# --- Erasing


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_administrators
def erase(request: HttpRequest, contact_id: int) -> HttpResponse:
    """First how and whether, with the last digits of the number; then once more."""
    contact = contact_to_look_after(request.user, contact_id)
    if request.method != "POST":
        return _ask_to_erase(request, contact)
    how, typed = request.POST.get("asked_how", ""), request.POST.get("digits", "")
    problem = _why_not(request, contact, how, typed)
    if problem:
        return _ask_to_erase(request, contact, problem=problem, status=422)
    if request.POST.get("sure") != "1":
        return _ask_to_erase(request, contact, is_second=True)
    try:
        erasure = erasing.request_erasure(contact=contact, asked_how=AskedHow(how), typed=typed, by=request.user, now=now())
    except erasing.AlreadyErasing as running:
        erasure = running.erasure
    except (erasing.OnLegalHold, erasing.AlreadyErased, erasing.NotConfirmed):
        # Since we looked.
        return _ask_to_erase(request, contact, problem=_("Not erased: something has changed meanwhile."), status=422)
    return redirect("erasure", erasure.uuid)


def _why_not(request: HttpRequest, contact, how: str, typed: str) -> str:
    if holds.is_on_hold(contact):
        return _("This person is on legal hold: what there is of them must be kept. End the hold first.")
    if contact.erased_at:
        return _("This person has been erased already.")
    if how not in AskedHow.values:
        return _("Say how you were asked for it.")
    if typed.strip().casefold() != contact.number[-erasing.DIGITS_ASKED :].casefold():
        return _("These are not the last four digits of the number.")
    return ""


def _ask_to_erase(request: HttpRequest, contact, *, problem: str = "", is_second: bool = False, status: int = 200) -> HttpResponse:
    context = {
        "place": "phonebook",
        "contact": contact,
        "back": reverse("contact", args=[contact.pk]) if request.user.subscriber.has_sms else reverse("privacy"),
        "numbers": contact.others.order_by("pk"),
        "problem": problem,
        "is_second": is_second,
        "is_on_hold": holds.is_on_hold(contact),
        "ways": AskedHow.choices,
        "how": request.POST.get("asked_how", ""),
        "digits": request.POST.get("digits", "") if is_second else "",
    }
    return render(request, "chatui/erase.html", context, status=status)


@require_safe
@never_cache
@for_administrators
def erasure(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The certificate: who asked for it and did it, when, and what; without anything that tells who it was."""
    row = _erasure_or_404(request, uuid)
    redactions = row.redactions.select_related("line")
    context = {
        "place": "company",
        "tab": "privacy",
        "erasure": row,
        "zone": row.subscriber.timezone,
        "counts": counts_in_words(row),
        "message_count": row.messages.count(),
        "messages_shown": row.messages.order_by("written_at", "pk")[:SHOWN],
        "asked": redactions.count(),
        "confirmed": redactions.filter(confirmed_at__isnull=False).count(),
        "pending": redactions.filter(confirmed_at=None).order_by("-problem", "pk")[:SHOWN],
    }
    return render(request, "chatui/erasure.html", context)


@require_safe
@never_cache
@for_administrators
def erasure_file(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The certificate with every message's id, as a file."""
    row = _erasure_or_404(request, uuid)
    response = _download("".join(_certificate_lines(row)), "text/plain; charset=utf-8", f"fonal-{row.uuid}.txt")
    record_audit(action="erasure.certificate", at=now(), actor=request.user, subscriber=row.subscriber, target=str(row.uuid))
    return response


def _certificate_lines(row: Erasure) -> Iterator[str]:
    zone = row.subscriber.timezone
    yield _("Certificate of erasure") + f" {row.uuid}\r\n\r\n"
    for name, value in [
        (_("Company"), row.subscriber.name),
        (_("Asked for by"), f"{row.requested_by} ({row.requested_by.username})"),
        (_("Asked for at"), _clock(row.requested_at, zone)),
        (_("How we were asked"), row.get_asked_how_display()),
        (_("State"), row.get_state_display()),
        (_("Erased at"), _clock(row.finished_at, zone)),
        (_("Providers have confirmed"), _clock(row.confirmed_at, zone)),
        (_("Messages"), row.messages.count()),
        *counts_in_words(row),
    ]:
        yield f"{name}: {value}\r\n"
    yield "\r\n" + _("Messages: ID, direction, written at, erased at") + "\r\n"
    for each in row.messages.order_by("written_at", "pk").iterator(500):
        yield f"{each.uuid}\t{each.get_direction_display()}\t{_clock(each.written_at, zone)}\t{_clock(each.erased_at, zone)}\r\n"
    yield "\r\n" + _("Asked of providers: our ID, their ID, confirmed at") + "\r\n"
    for each in row.redactions.order_by("pk").iterator(500):
        said = _clock(each.confirmed_at, zone) if each.confirmed_at else problem_in_words(each)
        yield f"{each.message}\t{each.provider_message_id}\t{said}\r\n"


def _clock(moment, zone: str) -> str:
    return f"{localtime(moment, ZoneInfo(zone)):%Y-%m-%d %H:%M:%S} ({zone})" if moment else "–"


def _erasure_or_404(request: HttpRequest, uuid: UUID) -> Erasure:
    rows = Erasure.objects.select_related("subscriber", "requested_by", "contact")
    return get_object_or_404(rows, subscriber=request.user.subscriber, uuid=uuid)


# --- Files


@require_POST
@never_cache
@for_administrators_who_export
def subject_file(request: HttpRequest, contact_id: int) -> FileResponse:
    """All that there is of one person, in one click."""
    contact = contact_to_look_after(request.user, contact_id)
    file = make_subject_file(contact=contact, by=request.user, now=now())
    # Not within the f-string: the words of one are not collected for translation.
    name = _("fonal-person")
    return FileResponse(file, as_attachment=True, filename=f"{name}-{contact.pk}.zip", content_type="application/zip")


@require_safe
@never_cache
@for_administrators_who_export
def opt_outs_file(request: HttpRequest) -> HttpResponse:
    """Every opt-out of the company, or of the number looked for."""
    subscriber = request.user.subscriber
    found = opt_outs_like(subscriber, request.GET.get("number", "").strip()[:40])
    if rows_found := found.count():
        record_audit(action="optouts.downloaded", at=now(), actor=request.user, subscriber=subscriber, rows=rows_found)
    titles = [
        _("Number"),
        _("Line"),
        _("Since"),
        _("Source"),
        _("Words"),
        _("Recorded by"),
        _("Ended at"),
        _("Ended by"),
        _("Reason"),
    ]
    rows = ([*_cells(Wish(row), subscriber)] for row in found.iterator(500))
    # Not within the f-string: the words of one are not collected for translation.
    name = _("fonal-opt-outs")
    file = BytesIO()
    write_file(file, itertools.chain([titles], rows), language=request.user.language)
    return _download(file.getvalue(), "text/csv; charset=utf-8", f"{name}.csv")


def _cells(wish: Wish, subscriber: Subscriber) -> Iterator[str]:
    row, zone = wish.row, subscriber.timezone
    yield row.number
    yield row.line.label
    yield _clock(row.opted_out_at, zone)
    yield wish.source
    yield row.words
    yield str(row.recorded_by or "")
    yield _clock(row.ended_at, zone) if row.ended_at else ""
    yield str(row.ended_by or "")
    yield row.ended_because


def _download(content: str | bytes, content_type: str, name: str) -> HttpResponse:
    # All at once: under ASGI Django would first read all of a plain iterator anyway.
    response = HttpResponse(content, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _refused(request: HttpRequest, problem: str) -> HttpResponse:
    context = {"place": "company", "tab": "privacy", "problem": problem}
    return render(request, "chatui/privacy_refused.html", context, status=422)
