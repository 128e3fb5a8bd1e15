"""Call logic's rules: the list in its order, and the page on which one is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chatui.access import for_people_who_make_rules, for_people_who_see_rules, number_in
from chatui.answers import wants_frames
from chatui.rule_names import Names
from chatui.rule_previews import offered_parameters, previews_of
from chatui.rule_sentence import clauses_of, sentence_of
from chatui.rule_sheet import RuleSheet
from chatui.rule_starts import STARTS, blank, start_of
from server.calls import rules as verbs
from server.calls.checking import check_definition, tidied
from server.calls.definition import COOL_DOWN_OF_KEYS, USUAL_COOL_DOWN, DefinitionNotValid
from server.calls.models import CallRule
from server.calls.parameters import CALL_BACK_TIME, shown_name

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from server.accounts.models import User

CONFLICT = 409


@require_safe
@for_people_who_see_rules
def call_logic(request: HttpRequest) -> HttpResponse:
    return render(request, "chatui/rules.html", _list(request))


@require_http_methods(["GET", "HEAD", "POST"])
@for_people_who_make_rules
def rule_new(request: HttpRequest) -> HttpResponse:
    ours, names = request.user.subscriber, Names(request.user.subscriber)
    if request.method == "POST":
        return _answer(request, RuleSheet.read(request.POST, names), None)
    start = start_of(request.GET.get("from", ""))
    definition = (start.begin if start else blank)(ours)
    return _editor(request, RuleSheet.of(definition, names, name=str(start.name) if start else ""), None)


@require_http_methods(["GET", "HEAD", "POST"])
@for_people_who_see_rules
def rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    names = Names(request.user.subscriber)
    if request.method == "POST":
        if not request.user.administers:
            raise PermissionDenied
        return _answer(request, RuleSheet.read(request.POST, names), rule_or_404(request.user, rule_id, is_live=False))
    chosen = rule_or_404(request.user, rule_id)
    if not request.user.administers:
        context = {
            "place": "call_logic",
            "tab": "rules",
            "rule": chosen,
            "clauses": clauses_of(chosen.says, names.subscriber, names),
        }
        return render(request, "chatui/rule_read.html", context)
    sheet = RuleSheet.of(chosen.says, names, name=chosen.name, is_active=chosen.is_active, seen=chosen.version)
    return _editor(request, sheet, chosen)


@require_POST
@for_people_who_make_rules
def rule_sketch(request: HttpRequest) -> HttpResponse:
    """What stands in the fields by now: as a sentence, and as it would have read for real calls."""
    sheet = RuleSheet.read(request.POST, Names(request.user.subscriber))
    sheet.explain(_errors(sheet))
    for step in sheet.steps:
        step.is_sketched = True
    return render(request, "chatui/_rule_sketch.html", _sketch(request, sheet))


@require_POST
@for_people_who_make_rules
def rule_move(request: HttpRequest, rule_id: int) -> HttpResponse:
    chosen = rule_or_404(request.user, rule_id)
    to = number_in(request.POST.get("to"))
    before = None if to is None else verbs.move_rule(rule=chosen, to=to, by=request.user, now=now())
    if wants_frames(request):
        return render(request, "chatui/_rules.html", _list(request))
    if before is not None:
        messages.success(request, _("Moved: %(name)s.") % {"name": chosen.name})
    return redirect(reverse("call_logic") + f"#rule-{chosen.pk}")


@require_POST
@for_people_who_make_rules
def rule_switch(request: HttpRequest, rule_id: int) -> HttpResponse:
    chosen, is_on = rule_or_404(request.user, rule_id), request.POST.get("on") == "1"
    verbs.switch_rule(rule=chosen, is_active=is_on, by=request.user, now=now())
    said = _("Switched on: %(name)s.") if is_on else _("Switched off: %(name)s.")
    messages.success(request, said % {"name": chosen.name})
    return redirect(reverse("call_logic") + f"#rule-{chosen.pk}")


@require_POST
@for_people_who_make_rules
def rule_delete(request: HttpRequest, rule_id: int) -> HttpResponse:
    chosen = rule_or_404(request.user, rule_id)
    verbs.delete_rule(rule=chosen, by=request.user, now=now())
    offer_undo(request, chosen, chosen.version, _("Deleted: %(name)s.") % {"name": chosen.name})
    return redirect("call_logic")


def rule_or_404(user: User, rule_id: int, *, is_live: bool = True) -> CallRule:
    rules = CallRule.objects.select_related("subscriber").filter(subscriber=user.subscriber, pk=rule_id)
    found = (rules.filter(deleted_at=None) if is_live else rules).first()
    if found is None:
        raise Http404
    return found


def offer_undo(request: HttpRequest, chosen: CallRule, version: int, said: str) -> None:
    """Say what was done, with a button that takes it back (app.html draws it)."""
    messages.success(request, said, extra_tags=reverse("rule_restore", args=[chosen.pk, version]))


def _list(request: HttpRequest) -> dict:
    ours = request.user.subscriber
    names, rules = Names(ours), list(verbs.live_rules(ours))
    rows = [
        {"rule": one, "sentence": sentence_of(one.says, ours, names), "number": place + 1, "up": place - 1, "down": place + 1}
        for place, one in enumerate(rules)
    ]
    return {
        "place": "call_logic",
        "tab": "rules",
        "rows": rows,
        "starts": STARTS,
        "has_room": len(rows) < verbs.MOST_RULES,
        "now": now(),
    }


def _answer(request: HttpRequest, sheet: RuleSheet, chosen: CallRule | None) -> HttpResponse:
    """A button within the form changes the form; else the rule is saved."""
    return _editor(request, sheet, chosen, act=request.POST["do"]) if request.POST.get("do") else _save(request, sheet, chosen)


def _save(request: HttpRequest, sheet: RuleSheet, chosen: CallRule | None) -> HttpResponse:
    if errors := _errors(sheet):
        sheet.explain(errors)
        return _editor(request, sheet, chosen, status=422)
    wishes = {"name": sheet.name, "definition": sheet.definition, "is_active": sheet.is_active, "by": request.user, "now": now()}
    try:
        saved = verbs.save_rule(subscriber=request.user.subscriber, rule=chosen, seen=sheet.seen if chosen else None, **wishes)
    except DefinitionNotValid as refusal:
        # A team that was dissolved this very moment.
        sheet.explain(refusal.errors)
        return _editor(request, sheet, chosen, status=422)
    except verbs.TooManyRules:
        sheet.explain({"": _("There is room for %(n)s rules. Delete one that is not needed first.") % {"n": verbs.MOST_RULES}})
        return _editor(request, sheet, chosen, status=422)
    except verbs.RuleChanged as refusal:
        return _conflict(request, sheet, refusal.rule)
    if chosen and saved.version != sheet.seen:
        offer_undo(request, saved, sheet.seen, _("Saved: %(name)s.") % {"name": saved.name})
    elif chosen is None:
        messages.success(request, _("The rule is there: %(name)s.") % {"name": saved.name})
    return redirect(reverse("call_logic") + f"#rule-{saved.pk}")


def _errors(sheet: RuleSheet) -> dict[str, str]:
    errors = {}
    try:
        check_definition(tidied(sheet.definition), subscriber=sheet.names.subscriber, name=sheet.name.strip())
    except DefinitionNotValid as refusal:
        errors = refusal.errors
    return sheet.problems() | errors


def _conflict(request: HttpRequest, sheet: RuleSheet, theirs: CallRule) -> HttpResponse:
    """Somebody was quicker: what was typed is kept, and saving once more is done knowingly."""
    version = theirs.versions.select_related("by").order_by("number").last()
    if theirs.deleted_at is None:
        sheet.seen = theirs.version
        return _editor(request, sheet, theirs, status=CONFLICT, conflict={"rule": theirs, "version": version})
    # It is saved as a new one.
    sheet.seen = 0
    return _editor(request, sheet, None, status=CONFLICT, conflict={"rule": theirs, "is_deleted": True})


def _editor(request: HttpRequest, sheet: RuleSheet, chosen: CallRule | None, *, status: int = 200, **shown) -> HttpResponse:
    context = {
        "place": "call_logic",
        "tab": "rules",
        "rule": chosen,
        "sheet": sheet,
        "action": reverse("rule", args=[chosen.pk]) if chosen else reverse("rule_new"),
        "parameters": offered_parameters(request.user.subscriber),
        "call_back_place": f"{{{shown_name(CALL_BACK_TIME)}}}",
        "usual_cool_down": USUAL_COOL_DOWN,
        "cool_down_of_keys": COOL_DOWN_OF_KEYS,
        "is_begun": request.method == "POST",
        **_sketch(request, sheet),
        **shown,
    }
    part = "chatui/_rule_form.html" if wants_frames(request) else "chatui/rule.html"
    return render(request, part, context, status=status)


def _sketch(request: HttpRequest, sheet: RuleSheet) -> dict:
    definition, ours = sheet.definition, request.user.subscriber
    previews = previews_of(definition, subscriber=ours, user=request.user)
    for step, preview in zip(sheet.steps, previews, strict=True):
        step.preview = preview
    return {"sheet": sheet, "clauses": clauses_of(definition, ours, sheet.names)}
