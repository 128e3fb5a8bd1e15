"""Call flows: what callers hear on a line whose provider carries the voice, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chatui.access import for_people_who_make_rules, for_people_who_see_rules
from chatui.flow_heard import moments_of
from chatui.flow_sheet import FlowSheet
from server.calls.flows import CARRY_VOICE, Flow, FlowNotValid, read_flow, save_flow
from server.calls.models import CallFlow
from server.lines.models import Line

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from server.accounts.models import User


@require_safe
@for_people_who_see_rules
def call_flows(request: HttpRequest) -> HttpResponse:
    lines = Line.objects.filter(
        subscriber=request.user.subscriber, provider__in=CARRY_VOICE, number__startswith="+", is_active=True
    )
    rows = {row.line_id: row for row in CallFlow.objects.filter(line__in=lines)}
    shown = [{"line": line, "flow": rows.get(line.pk)} for line in lines.order_by("label", "pk")]
    return render(request, "chatui/call_flows.html", {"place": "call_logic", "tab": "flows", "lines": shown})


@require_http_methods(["GET", "HEAD", "POST"])
@for_people_who_see_rules
def call_flow(request: HttpRequest, line_id: int) -> HttpResponse:
    line = _line_or_404(request.user, line_id)
    if request.method == "POST":
        if not request.user.administers:
            raise PermissionDenied
        return _answer(request, line)
    row = CallFlow.objects.filter(line=line).first()
    flow = read_flow(row) if row else Flow(language=line.subscriber.language)
    return _page(request, FlowSheet.of(flow, line))


@require_POST
@for_people_who_make_rules
def call_flow_heard(request: HttpRequest, line_id: int) -> HttpResponse:
    """What a caller would hear, as the page stands now."""
    sheet = FlowSheet.read(request.POST, _line_or_404(request.user, line_id))
    return render(request, "chatui/_call_flow_heard.html", _heard(sheet))


def _answer(request: HttpRequest, line: Line) -> HttpResponse:
    sheet = FlowSheet.read(request.POST, line)
    if sheet.do(request.POST.get("do", "")):
        return _page(request, sheet)
    try:
        if save_flow(line=line, flow=sheet.flow, by=request.user, now=now()):
            messages.success(request, _("Saved: callers of %(line)s hear this from now on.") % {"line": line.label})
    except FlowNotValid as refusal:
        sheet.errors = refusal.errors
        return _page(request, sheet, status=422)
    return redirect("call_flow", line.pk)


def _page(request: HttpRequest, sheet: FlowSheet, status: int = 200) -> HttpResponse:
    context = {"place": "call_logic", "tab": "flows", "sheet": sheet, "carries_voice": sheet.line.provider in CARRY_VOICE}
    return render(request, "chatui/call_flow.html", context | _heard(sheet), status=status)


def _heard(sheet: FlowSheet) -> dict:
    return {"line": sheet.line, "language": sheet.flow.language, "moments": moments_of(sheet.flow, sheet.line)}


def _line_or_404(user: User, line_id: int) -> Line:
    """A line of the company's that can be called."""
    lines = Line.objects.select_related("subscriber").filter(subscriber=user.subscriber, number__startswith="+")
    line = lines.filter(pk=line_id).first()
    if line is None:
        raise Http404
    return line
