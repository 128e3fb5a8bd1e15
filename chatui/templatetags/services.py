"""What a company has asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template

from server.accounts.models import ServiceRequest

if TYPE_CHECKING:
    from django.template import Context

register = template.Library()


@register.simple_tag(takes_context=True)
def last_request(context: Context, service: str) -> ServiceRequest | None:
    """The company's newest request for a service: open, or with its answer."""
    asked = ServiceRequest.objects.filter(subscriber=context["user"].subscriber, service=service)
    return asked.select_related("requested_by").order_by("-requested_at", "-pk").first()
