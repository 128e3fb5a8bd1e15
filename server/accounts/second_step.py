"""The second step of a log-in: the code of an authenticator app, or a recovery code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from server.accounts.models import record_audit

if TYPE_CHECKING:
    from datetime import datetime

    from server.accounts.models import User


def has_second_step(user: User) -> bool:
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


@transaction.atomic
def reset_second_step(*, user: User, by: User | None, now: datetime) -> bool:
    """Take away somebody's second step, who has lost it; False when there was none. The caller shows them out."""
    had_one = has_second_step(user)
    _forget(user)
    if had_one:
        record_audit(action="user.second_step_reset", at=now, actor=by, subscriber=user.subscriber, target=user.username)
    return had_one


def _forget(user: User) -> None:
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()
