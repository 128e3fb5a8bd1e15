"""Contacts from a file: handing it in, matching its columns, trying it out, importing it, taking it back; and the way out again."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.timezone import now
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chatui.access import for_people_who_export, for_people_who_import
from chatui.answers import wants_frames
from chatui.import_cards import FIELDS, MODES, ImportCard, cards_of, columns_of, errors_in_words, found_in
from chatui.phonebook_pages import Asked, entries_in
from chatui.uploads import at_most
from chatui.views.exports import SeeOther, handed_out
from server.contacts.exporting import ContactsFormat, export_contacts
from server.contacts.importing import asking
from server.contacts.importing.columns import Field, Mode
from server.contacts.importing.opening import LARGEST_TEXT
from server.contacts.importing.problems import NotImportable, Problem
from server.contacts.models import ContactImport, ImportState
from server.csv_files import write_file

if TYPE_CHECKING:
    import uuid

    from django.http import HttpRequest

# The file, and what a browser puts around it.
LARGEST_UPLOAD = LARGEST_TEXT + 100_000


def _too_large(request: HttpRequest) -> HttpResponse:
    return _offer(request, str(Problem.TOO_LARGE.label), 413)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_people_who_import
@at_most(LARGEST_UPLOAD, _too_large)
def import_new(request: HttpRequest) -> HttpResponse:
    """Where files of contacts are handed in, and which there were."""
    if request.method != "POST":
        return _offer(request)
    upload = request.FILES.get("file")
    if upload is None:
        return _offer(request, _("Choose a file first."), 422)
    try:
        one = asking.hand_in(user=request.user, file_name=upload.name, upload=upload, now=now())
    except NotImportable as refusal:
        return _offer(request, str(refusal.problem.label), 422)
    return _show(one)


@require_safe
@never_cache
@for_people_who_import
def import_one(request: HttpRequest, uuid: uuid.UUID) -> HttpResponse:
    """How an import stands, and what is to be done next."""
    return _page(request, _import_or_404(request, uuid))


@require_POST
@for_people_who_import
def import_match(request: HttpRequest, uuid: uuid.UUID) -> HttpResponse:
    one = _import_or_404(request, uuid)
    fields = [request.POST.get(f"column-{at}", "") for at in range(len(one.columns))]
    try:
        mode = Mode(request.POST.get("mode", ""))
    except ValueError:
        return _page(request, one, _("There is no such choice."), 422)
    try:
        asking.match_columns(
            one=one,
            user=request.user,
            fields=[field if field in Field.values else "" for field in fields],
            has_heading=request.POST.get("heading") == "1",
            mode=mode,
            tag=request.POST.get("tag", ""),
            now=now(),
        )
    except asking.NoColumnForNumbers:
        return _page(request, one, _("Say which column holds the telephone numbers: without a number there is no contact."), 422)
    except asking.NotNow:
        return _not_now(request, one)
    return _show(one)


@require_POST
@for_people_who_import
def import_start(request: HttpRequest, uuid: uuid.UUID) -> HttpResponse:
    one = _import_or_404(request, uuid)
    try:
        asking.start_import(one=one, user=request.user, now=now())
    except asking.AlreadyImporting:
        messages.error(request, _("Another import of your company is running. Start this one when it is done."))
    except asking.NotNow:
        return _not_now(request, one)
    return _show(one)


@require_POST
@for_people_who_import
def import_cancel(request: HttpRequest, uuid: uuid.UUID) -> HttpResponse:
    one = _import_or_404(request, uuid)
    if not asking.cancel_import(one=one, user=request.user, now=now()):
        return _not_now(request, one)
    return _show(one)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_people_who_import
def import_undo(request: HttpRequest, uuid: uuid.UUID) -> HttpResponse:
    """Asked before it is done."""
    one = _import_or_404(request, uuid)
    if request.method != "POST":
        template = "chatui/_import_undo.html" if request.htmx else "chatui/import_undo.html"
        return render(request, template, {"card": _card(one), "place": "phonebook"})
    try:
        asking.undo_import(one=one, user=request.user, now=now())
    except asking.CannotUndo:
        messages.error(request, _("Only the newest import can be undone, and only for a week."))
    except asking.AlreadyImporting:
        messages.error(request, _("Another import of your company is running. Start this one when it is done."))
    except asking.NotNow:
        return _not_now(request, one)
    return _show(one)


@require_safe
@never_cache
@for_people_who_import
def import_errors(request: HttpRequest, uuid: uuid.UUID) -> HttpResponse:
    """The rows that were left out, as a file to mend them by."""
    errors = errors_in_words(asking.found_by_dry_run(_import_or_404(request, uuid))["errors"])
    rows = [[str(error["row"]), error["column"], error["value"], error["reason"]] for error in errors]
    file = BytesIO()
    write_file(file, [[_("Row"), _("Column"), _("Value"), _("Reason")], *rows], language=get_language() or "")
    file.seek(0)
    return handed_out(request, file, _file_name(_("fonal-import-errors"), "csv"))


@require_safe
@never_cache
@for_people_who_export
def contacts_export(request: HttpRequest) -> HttpResponse:
    """The list of the phone book as a file; without a format, the choice of one."""
    asked = Asked.from_query(request.GET)
    entries = entries_in(request.user, asked)
    if request.GET.get("format") not in ContactsFormat.values:
        context = {
            "asked": asked,
            "count": entries.exclude(name="").count(),
            "formats": ContactsFormat.choices,
            "place": "phonebook",
        }
        template = "chatui/_contacts_export.html" if request.htmx else "chatui/contacts_export.html"
        return render(request, template, context)
    kind = ContactsFormat(request.GET["format"])
    file = export_contacts(user=request.user, entries=entries, format=kind, now=now())
    return handed_out(request, file, _file_name(_("fonal-phone-book"), kind.value))


# --- Answers


def _offer(request: HttpRequest, problem: str = "", status: int = 200) -> HttpResponse:
    context = {"cards": cards_of(request.user, now=now()), "problem": problem, "place": "phonebook"}
    return render(request, "chatui/import_new.html", context, status=status)


def _page(request: HttpRequest, one: ContactImport, problem: str = "", status: int = 200) -> HttpResponse:
    is_matching = one.state == ImportState.READ or (one.state == ImportState.CHECKED and ("match" in request.GET or problem))
    context = {"card": _card(one), "is_matching": is_matching, "problem": problem, "place": "phonebook"}
    if is_matching:
        context |= {"columns": columns_of(one), "fields": FIELDS, "modes": MODES}
    elif one.state in {ImportState.CHECKED, *asking.OVER}:
        context |= {"found": found_in(one)}
    template = "chatui/_import.html" if wants_frames(request) else "chatui/import.html"
    return render(request, template, context, status=status)


def _show(one: ContactImport) -> HttpResponse:
    return SeeOther(redirect("import_one", one.uuid).url)


def _not_now(request: HttpRequest, one: ContactImport) -> HttpResponse:
    messages.error(request, _("This import is at another step by now."))
    return _show(one)


def _card(one: ContactImport) -> ImportCard:
    return ImportCard(one, asking.can_undo(one, now=now()))


def _import_or_404(request: HttpRequest, uuid: uuid.UUID) -> ContactImport:
    found = asking.imports_of(request.user.subscriber).select_related("user", "subscriber").filter(uuid=uuid).first()
    if found is None:
        raise Http404
    return found


def _file_name(name: str, extension: str) -> str:
    return f"{name}-{timezone.localtime():%Y-%m-%d}.{extension}"
