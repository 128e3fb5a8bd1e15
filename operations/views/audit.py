"""What was done by the operator's staff, and by every company's people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.shortcuts import render
from django.views.decorators.http import require_safe

from operations.access import for_the_operator
from server.accounts.audit_log import KINDS, AuditFilter, AuditFilterNotValid, entries, page_of
from server.accounts.models import Role, Subscriber, User
from server.cursor import read_cursor

if TYPE_CHECKING:
    from typing import Any

    from django.http import HttpRequest, HttpResponse


@require_safe
@for_the_operator
def audit(request: HttpRequest) -> HttpResponse:
    """The newest entries of all companies, or of one, that match the filter in the address."""
    companies = Subscriber.objects.order_by("name")
    context: dict[str, Any] = {
        "asked": request.GET,
        "kinds": KINDS.items(),
        "companies": companies,
        "people": User.objects.filter(role=Role.OPERATOR).order_by("name"),
        "zone": settings.TIME_ZONE,
        "place": "operator",
        "tab": "audit",
    }
    try:
        wanted = AuditFilter.read(request.GET.dict())
    except AuditFilterNotValid as refusal:
        return render(request, "operations/audit.html", context | {"problems": refusal.problems}, status=422)
    company = next((one for one in companies if str(one.pk) == request.GET.get("company")), None)
    found = entries(subscriber=company, wanted=wanted, zone=settings.TIME_ZONE, after=read_cursor(request.GET.get("after", "")))
    also = {"company": str(company.pk)} if company else {}
    context |= {"page": page_of(found, wanted, also=also), "is_filtered": bool(wanted.values or company)}
    template = (
        "chatui/_audit_rows.html" if request.GET.get("after") and request.headers.get("HX-Request") else "operations/audit.html"
    )
    return render(request, template, context)
