"""Rehearsing a rule on past calls, saved or as it stands in the editor; and trying one out for two days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from chatui.access import for_people_who_make_rules, for_people_who_see_rules
from chatui.rehearsal_words import Said
from chatui.rehearsed_period import PERIODS, Period
from chatui.rule_names import Names
from chatui.rule_sentence import clauses_of
from chatui.rule_sheet import RuleSheet
from chatui.views.rules import rule_or_404
from server.calls.checking import check_definition, tidied
from server.calls.definition import DefinitionNotValid
from server.calls.rehearsing import rehearse, tried_out
from server.calls.trying import TRIAL, start_trying, stop_trying

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, QueryDict

    from server.calls.definition import Definition
    from server.calls.models import CallRule

SHOWN_OF_TRIAL = 20
# Of the fields that come with a rule that is not saved.
NOT_WRITTEN = {"csrfmiddlewaretoken", "days", "from", "to"}


@require_http_methods(["GET", "HEAD", "POST"])
@for_people_who_see_rules
def rule_rehearse(request: HttpRequest, rule_id: int) -> HttpResponse:
    """The rule as it is saved; by POST as it stands in the editor, with a period."""
    chosen = rule_or_404(request.user, rule_id)
    if request.method == "POST":
        if not request.user.administers:
            raise PermissionDenied
        return _of_sheet(request, chosen)
    return _page(request, chosen.says, chosen, name=chosen.name, asked=request.GET)


@require_POST
@for_people_who_make_rules
def rule_rehearse_new(request: HttpRequest) -> HttpResponse:
    """A rule that is not saved yet, as the last of the list."""
    return _of_sheet(request, None)


@require_POST
@for_people_who_make_rules
def rule_try(request: HttpRequest, rule_id: int) -> HttpResponse:
    chosen, moment = rule_or_404(request.user, rule_id), now()
    if request.POST.get("on") == "1":
        start_trying(rule=chosen, by=request.user, now=moment)
        messages.success(request, _("Being tried out for 48 hours: %(name)s. Nothing is sent until then.") % {"name": chosen.name})
    elif stop_trying(rule=chosen, by=request.user, now=moment):
        messages.success(request, _("The trial is over: %(name)s sends from now on.") % {"name": chosen.name})
    return redirect("rule_rehearse", rule_id=chosen.pk)


def _of_sheet(request: HttpRequest, chosen: CallRule | None) -> HttpResponse:
    sheet = RuleSheet.read(request.POST, Names(request.user.subscriber))
    definition, errors = tidied(sheet.definition), sheet.problems()
    try:
        # Whatever it will be called.
        check_definition(definition, subscriber=request.user.subscriber, name=sheet.name.strip() or "…")
    except DefinitionNotValid as refusal:
        errors = refusal.errors | errors
    name = sheet.name or _("New rule")
    if errors:
        context = {"place": "call_logic", "tab": "rules", "rule": chosen, "name": name, "errors": list(errors.values())}
        return render(request, "chatui/rehearsal.html", context, status=422)
    return _page(request, definition, chosen, name=name, asked=request.POST, is_unsaved=True)


def _page(
    request: HttpRequest, definition: Definition, chosen: CallRule | None, *, name: str, asked: QueryDict, is_unsaved: bool = False
) -> HttpResponse:
    ours, moment = request.user.subscriber, now()
    period = Period.of(asked, zone=ours.timezone, now=moment)
    found = rehearse(subscriber=ours, definition=definition, rule=chosen, since=period.since, until=period.until, now=moment)
    context = {
        "place": "call_logic",
        "tab": "rules",
        "rule": chosen,
        "name": name,
        "clauses": clauses_of(definition, ours),
        "found": found,
        "said": Said(found),
        "period": period,
        "periods": PERIODS,
        # What is not saved yet travels along to the next period.
        "written": _written(asked) if is_unsaved else (),
        "is_unsaved": is_unsaved,
        **(_trial(chosen, moment) if chosen and not is_unsaved else {}),
    }
    return render(request, "chatui/rehearsal.html", context, status=422 if period.problem else 200)


def _written(posted: QueryDict) -> list[tuple[str, str]]:
    return [(name, value) for name, values in posted.lists() if name not in NOT_WRITTEN for value in values]


def _trial(rule: CallRule, moment) -> dict:
    """What a trial that runs, or ran lately, has noted."""
    if rule.rehearses_until is None:
        return {"trial_until": moment + TRIAL}
    noted = tried_out(rule, since=rule.rehearses_until - TRIAL).order_by("-id")
    return {
        "is_tried": rule.is_rehearsing(moment),
        "trial_until": rule.rehearses_until if rule.is_rehearsing(moment) else moment + TRIAL,
        "noted": noted[:SHOWN_OF_TRIAL],
        "noted_count": noted.count(),
    }
