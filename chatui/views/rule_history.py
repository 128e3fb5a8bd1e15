"""What a rule said before, and going back to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from chatui.access import for_people_who_make_rules, for_people_who_see_rules
from chatui.rule_changes import changes_of
from chatui.rule_names import Names
from chatui.views.rules import rule_or_404
from server.calls import rules as verbs

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_safe
@for_people_who_see_rules
def rule_versions(request: HttpRequest, rule_id: int) -> HttpResponse:
    chosen = rule_or_404(request.user, rule_id, is_live=False)
    versions = chosen.versions.select_related("by").order_by("number")
    context = {
        "place": "call_logic",
        "tab": "rules",
        "rule": chosen,
        "changes": changes_of(list(versions), Names(request.user.subscriber)),
        "zone": request.user.subscriber.timezone,
    }
    return render(request, "chatui/rule_versions.html", context)


@require_POST
@for_people_who_make_rules
def rule_restore(request: HttpRequest, rule_id: int, number: int) -> HttpResponse:
    chosen = rule_or_404(request.user, rule_id, is_live=False)
    try:
        restored = verbs.restore_version(rule=chosen, number=number, by=request.user, now=now())
    except verbs.NoSuchVersion as missing:
        raise Http404 from missing
    except verbs.TooManyRules:
        full = _("There is room for %(n)s rules. Delete one that is not needed first.") % {"n": verbs.MOST_RULES}
        messages.error(request, full)
    else:
        messages.success(request, _("As it was before: %(name)s.") % {"name": restored.name})
    return redirect(reverse("call_logic") + f"#rule-{chosen.pk}")
