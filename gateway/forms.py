"""Reading the form that a provider posted, whatever is in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http.request import UnreadablePostError

from gateway.vocabulary import WebhookRefused
from server import sms

if TYPE_CHECKING:
    from django.http import HttpRequest, QueryDict

FORM = "application/x-www-form-urlencoded"
# An id must fit its column and be plain ASCII: whatever else it is, no provider sent it.
_MESSAGE_ID = re.compile(r"[A-Za-z0-9_.:@=\-]{1,64}")


def form_of(request: HttpRequest) -> QueryDict:
    """The posted form; raises WebhookRefused when the body is something else."""
    if request.content_type != FORM:
        raise WebhookRefused("not a form", 415)
    try:
        return request.POST
    except (BadRequest, SuspiciousOperation, UnreadablePostError, ValueError) as problem:
        raise WebhookRefused("form not readable", 400) from problem


def raw_of(form: QueryDict) -> dict[str, Any]:
    """Every parameter, known or not, as a database can keep it; one that came twice is a list."""
    everything = "".join([*form, *(value for _, values in form.lists() for value in values)])
    # One look instead of one at each: nearly always there is nothing to mend.
    mend = str if sms.storable(everything) == everything else sms.storable
    return {mend(name): mend(values[0]) if len(values) == 1 else [mend(value) for value in values] for name, values in form.lists()}


def message_id_of(form: QueryDict, name: str) -> str:
    """The provider's id of the message; raises WebhookRefused when it is missing or can't be one."""
    message_id = form.get(name) or ""
    if not _MESSAGE_ID.fullmatch(message_id):
        raise WebhookRefused(f"no {name}", 400)
    return message_id
