"""Call logic as a picture: on its page, and as a file to print or hang on the wall."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from django.contrib.staticfiles import finders
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from chatui.access import for_people_who_see_rules
from chatui.picture import NARROW, WIDE, Drawn, drawn, picture_of
from chatui.rule_names import Names
from chatui.rule_sentence import sentence_of
from server.calls.rules import live_rules

if TYPE_CHECKING:
    from django.http import HttpRequest

SVG = "image/svg+xml"
# A file has no fonts of ours.
_FONT_FACE = re.compile(r"@font-face \{.*?\}\n", re.DOTALL)


@require_safe
@for_people_who_see_rules
def call_logic_picture(request: HttpRequest) -> HttpResponse:
    if request.GET.get("as") == "svg":
        return _file(request)
    rules, names = list(live_rules(request.user.subscriber)), Names(request.user.subscriber)
    shown = _drawn(rules, names, are_linked=True)
    context = {
        "place": "call_logic",
        "tab": "picture",
        "rules": [{"rule": rule, "sentence": sentence_of(rule.says, names.subscriber, names)} for rule in rules],
        "pictures": [picture_of(shown, plan) for plan in (WIDE, NARROW)],
    }
    return render(request, "chatui/call_logic_picture.html", context)


def _file(request: HttpRequest) -> HttpResponse:
    rules = list(live_rules(request.user.subscriber))
    picture = picture_of(_drawn(rules, Names(request.user.subscriber), are_linked=False), WIDE)
    context = {"picture": picture, "style": _style(), "company": request.user.subscriber.name}
    svg = render_to_string("chatui/_picture.svg", context, request)
    return HttpResponse(svg, content_type=SVG, headers={"Content-Disposition": 'attachment; filename="call-logic.svg"'})


def _drawn(rules: list, names: Names, *, are_linked: bool) -> list[Drawn]:
    moment = now()
    return [
        drawn(rule, number, names, now=moment, href=reverse("rule", args=[rule.pk]) if are_linked else "")
        for number, rule in enumerate(rules, start=1)
    ]


def _style() -> str:
    """The page's own rules: a file must bring them along."""
    sheets = (finders.find(f"chatui/css/{name}.css") for name in ("tokens", "picture"))
    return _FONT_FACE.sub("", "\n".join(Path(sheet).read_text(encoding="utf-8") for sheet in sheets if sheet))
