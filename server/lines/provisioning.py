"""Lines and who may use them, as the operator or an administrator wishes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from server.accounts.models import Subscriber, User, record_audit
from server.accounts.provisioning import bring
from server.lines.models import Line, LineAccess

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

CREDENTIALS = frozenset({"provider", "account_sid", "auth_token"})


def record_line(
    *, subscriber: Subscriber, number: str, provider: str, now: datetime, actor: User | None = None, **wishes: Any
) -> tuple[Line, list[str]]:
    """Make the line, or bring it to the wishes that are not None; returns it and what changed.

    A number that moves to another provider stays the same line, with its conversations.
    """
    ours = Line.objects.filter(subscriber=subscriber, number=number)
    line = ours.filter(provider=provider).first() or ours.first()
    line = line or Line(subscriber=subscriber, number=number, provider=provider, label=number)
    changed = bring(line, {"provider": provider, **wishes})
    if changed:
        # Names of fields only: their values are secrets.
        record_audit(action="line.recorded", at=now, actor=actor, subscriber=subscriber, target=str(line), changed=changed)
    return line, changed


def give_lines(*, user: User, numbers: Collection[str], now: datetime, actor: User | None = None) -> list[str]:
    """Let the person use exactly these lines of their company; returns what changed."""
    wanted = set(Line.objects.filter(subscriber=user.subscriber, number__in=numbers).values_list("pk", flat=True))
    held = set(LineAccess.objects.filter(user=user).values_list("line_id", flat=True))
    if wanted == held:
        return []
    LineAccess.objects.filter(user=user).exclude(line__in=wanted).delete()
    LineAccess.objects.bulk_create([LineAccess(user=user, line_id=pk) for pk in sorted(wanted - held)], ignore_conflicts=True)
    record_audit(action="user.lines", at=now, actor=actor, subscriber=user.subscriber, target=user.username, lines=sorted(numbers))
    return [f"{len(wanted - held)} lines given, {len(held - wanted)} taken"]
