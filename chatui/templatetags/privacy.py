"""Privacy on other pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template

from chatui.privacy_pages import privacy_of, problem_in_words

if TYPE_CHECKING:
    from django.template import Context

    from server.contacts.models import Contact
    from server.privacy.models import ProviderRedaction

register = template.Library()


@register.inclusion_tag("chatui/_contact_privacy.html", takes_context=True)
def contact_privacy(context: Context, contact: Contact) -> dict:
    """Wishes, consents, holds and what an administrator can do, for a contact's page."""
    request = context["request"]
    return {"user": request.user, "request": request, "csrf_token": context.get("csrf_token")} | privacy_of(contact, request.user)


@register.filter
def redaction_problem(redaction: ProviderRedaction) -> str:
    return problem_in_words(redaction)
