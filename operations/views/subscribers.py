"""The operator's subscribers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_safe

from operations.access import for_the_operator
from server.accounts.models import Subscriber

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_safe
@for_the_operator
def subscribers(request: HttpRequest) -> HttpResponse:
    """All of them, by name."""
    return render(
        request,
        "operations/subscribers.html",
        {"place": "operator", "tab": "subscribers", "subscribers": Subscriber.objects.order_by("name")},
    )
