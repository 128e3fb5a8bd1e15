"""The audit log in templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template

from server.accounts import audit_words

if TYPE_CHECKING:
    from server.accounts.models import AuditEntry

register = template.Library()


@register.filter
def deed(entry: AuditEntry) -> str:
    return audit_words.name_of(entry.action)


@register.filter
def doer(entry: AuditEntry) -> str:
    return audit_words.person_of(entry)


@register.filter
def details(entry: AuditEntry) -> str:
    return audit_words.details_of(entry)


@register.filter
def target(entry: AuditEntry) -> str:
    return audit_words.target_of(entry)


@register.filter
def about(entry: AuditEntry) -> int | None:
    return audit_words.contact_of(entry)
