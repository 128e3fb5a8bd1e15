"""Help: a page for each place, for everybody who is logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_safe

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

TOPICS = ("messages", "chat", "figures", "call-logic")


@require_safe
@login_required
def topic(request: HttpRequest, name: str) -> HttpResponse:
    if name not in TOPICS:
        raise Http404
    return render(request, f"chatui/help/{name}.html", {"place": name, "topic": name})
