"""What is told of exports: to their person's screens, and to the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.accounts.models import User, record_audit
from server.events.log import record
from server.events.models import Kind

if TYPE_CHECKING:
    from datetime import datetime

    from server.history.models import Export


def tell(export: Export, now: datetime) -> None:
    record(subscriber_id=export.subscriber_id, kind=Kind.EXPORT_CHANGED, at=now, user_id=export.user_id)


def write_down(action: str, export: Export, actor: User, now: datetime, **detail: object) -> None:
    record_audit(action=action, at=now, actor=actor, subscriber=export.subscriber, target=str(export.uuid), **detail)
