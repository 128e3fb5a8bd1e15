"""The company's audit log: who did what, when, from where."""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import FileResponse, HttpResponse
from django.shortcuts import render
from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from chatui.access import for_people_who_audit
from server.accounts.audit_log import KINDS, AuditFilter, AuditFilterNotValid, entries, page_of
from server.accounts.audit_words import contact_of
from server.accounts.models import User, record_audit
from server.contacts.models import Contact
from server.cursor import read_cursor
from server.history.audit_sheet import MOST_ROWS, write_audit

if TYPE_CHECKING:
    from django.http import HttpRequest

    from server.accounts.audit_log import Page
    from server.accounts.models import Subscriber

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_safe
@for_people_who_audit
def audit(request: HttpRequest) -> HttpResponse:
    """The newest entries that match the filter in the address; older ones follow by keyset."""
    subscriber = request.user.subscriber
    try:
        wanted, problems = AuditFilter.read(request.GET.dict()), {}
    except AuditFilterNotValid as refusal:
        wanted, problems = None, refusal.problems
    context = {
        "problems": problems,
        "asked": request.GET,
        "kinds": KINDS.items(),
        "zone": subscriber.timezone,
        "place": "company",
        "tab": "audit",
    }
    if wanted is not None:
        after = read_cursor(request.GET.get("after", ""))
        page = page_of(entries(subscriber=subscriber, wanted=wanted, zone=subscriber.timezone, after=after), wanted)
        _name_contacts(page, subscriber)
        context |= {"page": page, "query": urlencode(wanted.values), "is_filtered": bool(wanted.values)}
    context["people"] = User.objects.filter(subscriber=subscriber).order_by("name")
    template = "chatui/_audit_rows.html" if request.htmx and request.GET.get("after") else "chatui/audit.html"
    return render(request, template, context, status=422 if problems else 200)


def _name_contacts(page: Page, subscriber: Subscriber) -> None:
    """As the phone book calls them now: the log, which is for ever, only knows their numbers in it."""
    ids = {contact_of(entry) for entry in page.entries} - {None}
    names = dict(Contact.objects.filter(subscriber=subscriber, pk__in=ids).exclude(name="").values_list("pk", "name"))
    for entry in page.entries:
        entry.whom = names.get(contact_of(entry), "")


@require_safe
@for_people_who_audit
def audit_export(request: HttpRequest) -> HttpResponse:
    """What the filter shows, as a workbook: the newest hundred thousand entries at most. It is written into the log itself."""
    subscriber = request.user.subscriber
    try:
        wanted = AuditFilter.read(request.GET.dict())
    except AuditFilterNotValid:
        return audit(request)
    moment = now()
    found = entries(subscriber=subscriber, wanted=wanted, zone=subscriber.timezone)[:MOST_ROWS]
    file = TemporaryFile()  # noqa: SIM115 (FileResponse closes it)
    rows = write_audit(file, entries=found.iterator(chunk_size=2000), zone=ZoneInfo(subscriber.timezone))
    file.seek(0)
    record_audit(
        action="audit.exported", at=moment, actor=request.user, subscriber=subscriber, rows=rows, filter=wanted.impersonal_values
    )
    name = _("audit-log") + f"-{localtime(moment, ZoneInfo(subscriber.timezone)):%Y-%m-%d-%H%M}.xlsx"
    return FileResponse(file, as_attachment=True, filename=name, content_type=XLSX)
