"""Asking providers to forget messages of people who were erased, again and again until they have."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from django.utils import timezone

from gateway.providers import PROVIDERS
from gateway.vocabulary import AccountRefused, NotForgotten
from server.lines.models import Line
from server.privacy.provider_redactions import (
    ACCOUNT_REFUSED,
    LINE_HELD,
    NO_PROVIDER,
    OTHER_ACCOUNT,
    claim_due,
    confirm,
    postpone,
    postpone_line,
)

if TYPE_CHECKING:
    from datetime import datetime

    from server.privacy.models import ProviderRedaction

logger = logging.getLogger(__name__)

AT_ONCE = 20
# Other questions to providers wait meanwhile.
BUDGET_SECONDS = 10.0


def ask_to_forget(now: datetime) -> int:
    """Ask for what is due, for some seconds at most; returns how many were confirmed."""
    confirmed, began = 0, time.monotonic()
    while time.monotonic() - began < BUDGET_SECONDS:
        due = claim_due(now=now, most=AT_ONCE)
        if not due:
            break
        confirmed += sum(_ask(redaction) for redaction in due)
    return confirmed


def _ask(redaction: ProviderRedaction) -> bool:
    line = Line.objects.select_related("subscriber").get(pk=redaction.line_id)
    provider = PROVIDERS.get(line.provider)
    if provider is None:
        return _wait(redaction, NO_PROVIDER)
    if redaction.provider_account not in {"", provider.account_of(line)}:
        return _wait(redaction, OTHER_ACCOUNT)
    if line.held_since:
        return _wait_all(line, LINE_HELD)
    try:
        if redaction.has_media:
            provider.delete_media(line, redaction.provider_message_id)
        provider.redact(line, redaction.provider_message_id)
    except AccountRefused as refusal:
        logger.warning("line %s: its provider forgets nothing, the account is refused (%s)", line.key, refusal)
        return _wait_all(line, ACCOUNT_REFUSED)
    except NotForgotten as problem:
        return _wait(redaction, str(problem))
    except Exception as mistake:
        logger.exception("message %s: the provider's own file failed", redaction.message)
        return _wait(redaction, type(mistake).__name__)
    confirm(redaction=redaction, now=timezone.now())
    return True


def _wait(redaction: ProviderRedaction, problem: str) -> bool:
    postpone(redaction=redaction, problem=problem, now=timezone.now())
    return False


def _wait_all(line: Line, problem: str) -> bool:
    postpone_line(line=line, problem=problem, now=timezone.now())
    return False
