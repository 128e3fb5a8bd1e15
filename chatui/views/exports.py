"""Letöltések: messages as a file. Asking for one, watching it being made, fetching it, and checking what one was given."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from chatui import rendering
from chatui.access import for_people_who_export, open_to_auditors
from chatui.answers import wants_frames
from chatui.downloads import ALL, Card, again, card_of, cards_of, everything_like, filter_of, offer_to, words_for
from chatui.uploads import at_most
from server.history import exporting
from server.history.checking import Verdict, check_file
from server.history.filter import FilterNotValid, HistoryFilter
from server.history.models import Export, ExportFormat, ExportStatus

if TYPE_CHECKING:
    import uuid
    from collections.abc import AsyncIterator
    from typing import IO

    from server.accounts.models import User

CHUNK = 256 * 1024
# A million rows are about 100 MB.
LARGEST_CHECKED = 256 * 1024 * 1024


class SeeOther(HttpResponseRedirect):
    status_code = 303


@require_safe
@never_cache
@for_people_who_export
def export_new(request) -> HttpResponse:
    """The dialog behind "Download": what will be in the file, how many rows, and as what."""
    try:
        wanted = HistoryFilter.read(request.GET)
    except FilterNotValid as refusal:
        return _refuse(request, _first(refusal))
    return _offer(request, wanted)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_people_who_export
@open_to_auditors
def exports(request) -> HttpResponse:
    """A person's own of the last 24 hours; a POST asks for another."""
    if request.method == "POST":
        return _ask_for(request)
    cards = cards_of(request.user, now=now())
    if wants_frames(request):
        asked = request.GET.get("of", "").split(",")
        news = [card for card in cards if card.export.is_unfinished or str(card.export.uuid) in asked]
        return HttpResponse("".join(rendering.export_html(card) for card in news))
    context = {
        "cards": cards,
        "has_unfinished": any(card.export.is_unfinished for card in cards),
        # They stand in the list already.
        "unfinished_exports": [],
        "place": "messages",
    }
    return render(request, "chatui/exports.html", context)


@require_GET
@never_cache
@for_people_who_export
def export_file(request, uuid: uuid.UUID) -> HttpResponse:
    export = _own_or_404(request.user, uuid)
    if export.is_unfinished:
        return redirect("exports")
    try:
        file = exporting.open_export(export=export, user=request.user, now=now())
    except exporting.NotAllowedToExport:
        raise PermissionDenied from None
    except exporting.ExportGone:
        context = {"again": again(filter_of(export).query), "place": "messages"}
        return render(request, "chatui/export_gone.html", context, status=410)
    return handed_out(request, file, exporting.file_name(export))


@require_POST
@for_people_who_export
@open_to_auditors
def export_cancel(request, uuid: uuid.UUID) -> HttpResponse:
    export = _own_or_404(request.user, uuid)
    exporting.cancel_export(export=export, now=now())
    return _show(request, export)


def _too_large(request) -> HttpResponse:
    problem = _("The file is too large: it can't be one of ours.")
    return render(request, "chatui/export_check.html", {"problem": problem, "place": "messages"}, status=413)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_people_who_export
@at_most(LARGEST_CHECKED, _too_large)
@open_to_auditors
def export_check(request) -> HttpResponse:
    """Whether a file that somebody was given holds the rows that were downloaded."""
    context: dict = {"place": "messages"}
    if request.method != "POST":
        return render(request, "chatui/export_check.html", context)
    upload = request.FILES.get("file")
    if upload is None:
        context["problem"] = _("Choose a file first.")
        return render(request, "chatui/export_check.html", context, status=422)
    checked = check_file(upload=upload, name=upload.name, subscriber=request.user.subscriber)
    context |= {"verdict": checked.verdict.name, "export": checked.export, "name": upload.name}
    # Of what was changed only the number of the passport is left: anybody may have written it.
    if checked.export and checked.verdict in {Verdict.EXACT, Verdict.UNCHANGED}:
        context["words"] = words_for(checked.export, request.user, now=now())
    return render(request, "chatui/export_check.html", context)


# --- Asking for one


def _ask_for(request) -> HttpResponse:
    try:
        wanted = HistoryFilter.read(request.POST)
        format_ = ExportFormat(request.POST.get("format") or ExportFormat.XLSX)
    except FilterNotValid as refusal:
        return _refuse(request, _first(refusal))
    except ValueError:
        return _refuse(request, _("There is no such choice."))
    chosen = everything_like(wanted) if request.POST.get("scope") == ALL else wanted
    try:
        export = exporting.request_export(user=request.user, wanted=chosen, format=format_, now=now())
    except exporting.NotAllowedToExport:
        raise PermissionDenied from None
    except exporting.NothingToExport:
        return _offer(request, wanted, problem=_("There is nothing to download: no message meets the filter."), status=422)
    except exporting.AlreadyExporting as refusal:
        return _offer(request, wanted, running=_card(request.user, refusal.export), status=409)
    if export.status == ExportStatus.FAILED:
        problem = export.get_problem_display() or _("The file could not be made. Nothing is lost: please try it again.")
        return _offer(request, wanted, problem=problem, status=422)
    return _show(request, export)


def _show(request, export: Export) -> HttpResponse:
    """The file, when it is there already; else how far it has got."""
    if export.status == ExportStatus.FINISHED:
        address = reverse("export_file", args=[export.uuid])
        if wants_frames(request):
            return HttpResponse(format_html('<live-download href="{}"></live-download>', address))
        return SeeOther(address)
    if wants_frames(request):
        return HttpResponse(rendering.export_html(_card(request.user, export)))
    return redirect("exports")


def _offer(request, wanted: HistoryFilter, *, problem: str = "", running: Card | None = None, status: int = 200) -> HttpResponse:
    offer = offer_to(request.user, wanted, now=now(), scope=request.POST.get("scope", ""), format_=request.POST.get("format", ""))
    return _dialog(request, {"offer": offer, "problem": problem, "running": running}, status)


def _refuse(request, problem: str) -> HttpResponse:
    return _dialog(request, {"problem": problem}, 422)


def _dialog(request, context: dict, status: int) -> HttpResponse:
    is_partial = bool(request.htmx) or wants_frames(request)
    template = "chatui/_export_new.html" if is_partial else "chatui/export_new.html"
    return render(request, template, context | {"is_partial": is_partial, "place": "messages"}, status=status)


def _first(refusal: FilterNotValid) -> str:
    return str(next(iter(refusal.problems.values())))


# --- One of one's own


def _own_or_404(user: User, uuid: uuid.UUID) -> Export:
    export = Export.objects.filter(user=user, subscriber=user.subscriber_id, uuid=uuid).first()
    if export is None:
        raise Http404
    return export


def _card(user: User, export: Export) -> Card:
    export.user, export.subscriber = user, user.subscriber
    return card_of(export, now=now())


def handed_out(request, file: IO[bytes], name: str) -> FileResponse:
    response = FileResponse(file, as_attachment=True, filename=name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    if isinstance(request, ASGIRequest):
        # Django would first read all of a plain file into memory. Daphne does not wait for a slow reader, either:
        # what was not fetched yet stays in memory, unless a server in front takes it off us (docs/deployment.md).
        response.streaming_content = _chunks_of(file)
    return response


async def _chunks_of(file: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(file.read, CHUNK):
        yield chunk
