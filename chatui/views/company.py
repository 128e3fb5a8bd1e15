"""The company's settings: what it is called, when it is open, what its texts cost, which words stop it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404
from django.shortcuts import render
from django.utils.timezone import localdate, now
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from chatui.access import for_administrators
from chatui.administering import lead_to
from chatui.company_forms import ClosedDayForm, CompanyForm, HoursEditor, timezones
from server.accounts.opening_hours import holidays_of, is_open, next_opening, open_until
from server.contacts.optout import STOP_WORDS
from server.contacts.stop_words import WordNotValid, add_stop_word, remove_stop_word
from server.events import company as verbs
from server.history.rights import let_colleagues_export

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from server.accounts.models import Subscriber

WHAT_IS_WRONG_WITH_A_WORD = {
    "short": gettext_lazy("A word of two letters at least, please."),
    "long": gettext_lazy("This is too long for somebody to write it as an answer."),
    "known": gettext_lazy("Every line knows this word already."),
    "start": gettext_lazy("By this word customers ask to get messages again."),
    "ordinary": gettext_lazy("Customers answer this when they mean something else: they would get no more messages."),
    "there": gettext_lazy("This word is in the list already."),
    "many": gettext_lazy("The list is full. Take a word out first."),
}


@require_http_methods(["GET", "HEAD", "POST"])
@for_administrators
def company(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request)
    form = CompanyForm(request.POST)
    if not form.is_valid():
        return _page(request, status=422, form=form)
    if verbs.change_company(subscriber=request.user.subscriber, by=request.user, now=now(), **form.cleaned_data):
        messages.success(request, _("The company's settings are saved."))
    return lead_to(request, "company")


@require_POST
@for_administrators
def company_hours(request: HttpRequest) -> HttpResponse:
    editor = HoursEditor.read(request.POST)
    hours = editor.checked()
    if hours is None:
        return _page(request, status=422, editor=editor, closes_on_holidays=bool(request.POST.get("holidays")))
    closes = request.POST.get("holidays") == "1"
    if verbs.set_hours(subscriber=request.user.subscriber, hours=hours, is_closed_on_holidays=closes, by=request.user, now=now()):
        messages.success(request, _("The opening hours are saved."))
    return lead_to(request, "company", place="#hours")


@require_POST
@for_administrators
def closed_day_add(request: HttpRequest) -> HttpResponse:
    form = ClosedDayForm(request.POST)
    if form.is_valid():
        try:
            verbs.close_on(subscriber=request.user.subscriber, by=request.user, now=now(), **form.cleaned_data)
        except verbs.DayThere:
            form.add_error("day", _("This day is closed already."))
    return _page(request, status=422, day_form=form) if form.errors else lead_to(request, "company", place="#closed-days")


@require_POST
@for_administrators
def closed_day_delete(request: HttpRequest, day_id: int) -> HttpResponse:
    closed = request.user.subscriber.closed_days.filter(pk=day_id).first()
    if closed is None:
        raise Http404
    verbs.open_again(closed=closed, by=request.user, now=now())
    return lead_to(request, "company", place="#closed-days")


@require_POST
@for_administrators
def stop_words(request: HttpRequest) -> HttpResponse:
    ours, typed = request.user.subscriber, request.POST.get("word", "")[:200]
    if request.POST.get("remove"):
        remove_stop_word(subscriber=ours, word=request.POST["remove"][:200], by=request.user, now=now())
        return lead_to(request, "company", place="#stop-words")
    try:
        added = add_stop_word(subscriber=ours, word=typed, by=request.user, now=now())
    except WordNotValid as refusal:
        problem = WHAT_IS_WRONG_WITH_A_WORD[refusal.why]
        return _page(request, status=422, typed_word=typed, word_problem=problem)
    messages.success(request, _("Whoever answers %(word)s gets no more messages from then on.") % {"word": added})
    return lead_to(request, "company", place="#stop-words")


@require_POST
@for_administrators
def export_rights(request: HttpRequest) -> HttpResponse:
    """Let colleagues download, or no longer."""
    is_allowed = request.POST.get("allowed") == "1"
    if let_colleagues_export(subscriber=request.user.subscriber, is_allowed=is_allowed, by=request.user, now=now()):
        said = _("Colleagues may download from now on.") if is_allowed else _("Colleagues may no longer download.")
        messages.success(request, said)
    return lead_to(request, "company", place="#exports")


def _page(request: HttpRequest, status: int = 200, **shown) -> HttpResponse:
    ours = request.user.subscriber
    today = localdate(now(), ZoneInfo(ours.timezone))
    initial = {name: getattr(ours, name) for name in ("name", "timezone", "language", "saves_accents")}
    context = {
        "place": "company",
        "tab": "company",
        "form": CompanyForm(initial=initial),
        "editor": HoursEditor.of(ours.opening_hours),
        "closes_on_holidays": ours.is_closed_on_holidays,
        "day_form": ClosedDayForm(),
        "timezones": timezones(),
        "door": _door(ours),
        "holidays": _holidays(ours, today.year),
        "closed_days": ours.closed_days.filter(day__gte=today - timedelta(days=31)).order_by("day"),
        "today": today,
        "standard_words": sorted(STOP_WORDS),
    }
    return render(request, "chatui/company.html", context | shown, status=status)


def _door(ours: Subscriber) -> dict:
    """Whether the company is open now, and until or from when."""
    at = now()
    return {"is_open": is_open(ours, at), "until": open_until(ours, at), "opens": next_opening(ours, at)}


def _holidays(ours: Subscriber, year: int) -> list[tuple[int, list]]:
    """This year's and the next's, by date."""
    language = get_language() or ""
    years = [(each, [*holidays_of(ours.country, each, language).items()]) for each in (year, year + 1)]
    return [(each, days) for each, days in years if days]
