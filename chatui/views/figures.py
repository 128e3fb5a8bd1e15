"""Kimutatás: what a filter's messages amount to, in numbers, charts and tables; and the same as a workbook."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from chatui.access import for_people_with_sms
from chatui.figure_cards import Shown, conditions_of
from chatui.history_form import periods_of, read_filter
from chatui.keeping import keeping
from server.accounts.models import record_audit
from server.history.figure_sheet import workbook_of
from server.history.figure_tables import tables_of
from server.history.figures import figures_of
from server.history.filter import FilterNotValid, HistoryFilter
from server.history.passport import who_asked
from server.history.patience import TooMuchAtOnce

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest

    from chatui.history_form import AskedFilter, Period
    from server.accounts.models import User
    from server.history.figures import Figures

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_safe
@for_people_with_sms
def figures(request: HttpRequest) -> HttpResponse:
    asked, moment = read_filter(request), now()
    if not asked.is_valid:
        return _page(request, asked, status=422)
    try:
        found = figures_of(request.user, asked.wanted, now=moment)
    except FilterNotValid as refusal:
        return _page(request, replace(asked, wanted=HistoryFilter(), problems=refusal.problems), status=422)
    except TooMuchAtOnce:
        return _page(request, asked, status=422, is_too_much=True)
    return _page(request, asked, shown=Shown(found, request.user, asked.today, moment))


def _page(request: HttpRequest, asked: AskedFilter, *, status: int = 200, **found: Any) -> HttpResponse:
    context = {
        "place": "figures",
        **keeping(request, "figures"),
        "asked": asked,
        "wanted": asked.wanted,
        "filter_action": reverse("figures"),
        "periods": _periods(asked),
    }
    return render(request, "chatui/figures.html", context | found, status=status)


@require_GET
@never_cache
@for_people_with_sms
def figures_download(request: HttpRequest) -> HttpResponse:
    if not request.user.may_export:
        raise PermissionDenied
    asked, moment = read_filter(request), now()
    page = f"{reverse('figures')}?{urlencode(asked.typed)}".rstrip("?")
    if not asked.is_valid:
        return redirect(page)
    try:
        found = figures_of(request.user, asked.wanted, now=moment)
    except (FilterNotValid, TooMuchAtOnce):
        return redirect(page)
    if found.is_empty:
        # The page says so, and what else could be asked.
        return redirect(page)
    return _workbook(request.user, found, moment)


def _workbook(user: User, found: Figures, moment: datetime) -> HttpResponse:
    zone = ZoneInfo(user.subscriber.timezone)
    about = who_asked(user, user.subscriber, moment, conditions_of(found, user))
    made = workbook_of(tables_of(found, user, now=moment), about=about, zone=zone)
    record_audit(
        action="figures.downloaded",
        at=moment,
        actor=user,
        subscriber=user.subscriber,
        target=conditions_of(found, user)[0][:120],
        filter=found.wanted.impersonal_values,
    )
    # Not within the f-string: the words of one are not collected for translation.
    name = _("fonal-figures")
    disposition = f'attachment; filename="{name}-{moment.astimezone(zone):%Y-%m-%d}.xlsx"'
    return HttpResponse(made, content_type=XLSX, headers={"Content-Disposition": disposition})


def _periods(asked: AskedFilter) -> list[Period]:
    """What one click asks for; without any dates it is the last thirty days."""
    today = asked.today
    month = today.replace(day=1)
    end_of_previous = month - timedelta(days=1)
    periods = periods_of(
        asked.wanted,
        [
            (_("7 days"), today - timedelta(days=6), today),
            (_("30 days"), today - timedelta(days=29), today),
            (_("This month"), month, today),
            (_("Last month"), end_of_previous.replace(day=1), end_of_previous),
            (_("This year"), today.replace(month=1, day=1), today),
        ],
    )
    if asked.is_valid and not (asked.wanted.since or asked.wanted.until):
        periods[1] = replace(periods[1], is_set=True)
    return periods
