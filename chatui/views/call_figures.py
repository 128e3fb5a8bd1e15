"""Visszahívások: whether missed calls were followed up, and promises kept; and the same as a workbook."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from chatui.access import for_people_who_see_rules
from chatui.call_figure_cards import ShownCalls
from chatui.views.figures import XLSX
from server.accounts.models import record_audit
from server.history.call_figures import LONGEST, CallFigures, call_figures, tables_of
from server.history.figure_sheet import workbook_of
from server.history.passport import who_asked

if TYPE_CHECKING:
    from django.http import HttpRequest, QueryDict

    from server.accounts.models import User


@dataclass(frozen=True, slots=True)
class Asked:
    """A period of whole days, both included; `problem` says what was wrong with the one asked for."""

    since: date
    until: date
    problem: str = ""

    @property
    def query(self) -> str:
        return urlencode({"from": self.since, "to": self.until})

    @classmethod
    def of_last_30_days(cls, today: date, problem: str = "") -> Asked:
        return cls(today - timedelta(days=29), today, problem)

    @classmethod
    def from_query(cls, query: QueryDict, today: date) -> Asked:
        said = (query.get("from", ""), query.get("to", ""))
        usual = cls.of_last_30_days(today)
        try:
            since, until = (date.fromisoformat(text) if text else None for text in said)
        except ValueError:
            return cls.of_last_30_days(today, _("This is no day of the calendar."))
        since = since or min(usual.since, until or today)
        until = until or max(today, since)
        if since > until:
            return cls.of_last_30_days(today, _("The period ends before it begins."))
        if until - since > LONGEST:
            return cls.of_last_30_days(today, _("A year at most."))
        return cls(since, until)


@require_safe
@for_people_who_see_rules
def call_figures_page(request: HttpRequest) -> HttpResponse:
    moment = now()
    today = _today(request.user, moment)
    asked = Asked.from_query(request.GET, today)
    found = call_figures(request.user.subscriber, asked.since, asked.until, now=moment)
    context = {
        "place": "call_logic",
        "tab": "figures",
        "asked": asked,
        "typed": request.GET if asked.problem else {"from": asked.since.isoformat(), "to": asked.until.isoformat()},
        "periods": [(text, period.query, period == asked) for text, period in _periods(today)],
        "found": found,
        "shown": ShownCalls(found, request.user.subscriber.timezone),
    }
    return render(request, "chatui/call_figures.html", context, status=422 if asked.problem else 200)


@require_GET
@never_cache
@for_people_who_see_rules
def call_figures_download(request: HttpRequest) -> HttpResponse:
    if not request.user.may_export:
        raise PermissionDenied
    moment = now()
    asked = Asked.from_query(request.GET, _today(request.user, moment))
    found = call_figures(request.user.subscriber, asked.since, asked.until, now=moment)
    if asked.problem or found.is_empty:
        return redirect("call_figures")
    return _workbook(request.user, found, moment)


def _workbook(user: User, found: CallFigures, moment: datetime) -> HttpResponse:
    zone, period = ZoneInfo(user.subscriber.timezone), ShownCalls(found, user.subscriber.timezone).period
    made = workbook_of(tables_of(found), about=who_asked(user, user.subscriber, moment, [period]), zone=zone)
    record_audit(action="figures.downloaded", at=moment, actor=user, subscriber=user.subscriber, target=period[:120])
    # Not within the f-string: the words of one are not collected for translation.
    name = _("fonal-call-backs")
    disposition = f'attachment; filename="{name}-{moment.astimezone(zone):%Y-%m-%d}.xlsx"'
    return HttpResponse(made, content_type=XLSX, headers={"Content-Disposition": disposition})


def _today(user: User, moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(user.subscriber.timezone)).date()


def _periods(today: date) -> list[tuple[str, Asked]]:
    month = today.replace(day=1)
    end_of_previous = month - timedelta(days=1)
    return [
        (_("7 days"), Asked(today - timedelta(days=6), today)),
        (_("30 days"), Asked.of_last_30_days(today)),
        (_("This month"), Asked(month, today)),
        (_("Last month"), Asked(end_of_previous.replace(day=1), end_of_previous)),
        (_("This year"), Asked(today.replace(month=1, day=1), today)),
    ]
