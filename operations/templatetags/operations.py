"""What the operator's pages say in their frame."""

from __future__ import annotations

from django import template

from server.accounts.models import ServiceRequest

register = template.Library()


@register.simple_tag
def open_requests() -> int:
    """How many requests of companies wait for the staff's answer."""
    return ServiceRequest.objects.filter(settled_at=None).count()
