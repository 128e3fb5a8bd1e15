"""The authenticator app in somebody's hand."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.utils.timezone import now
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from server.accounts import second_step

if TYPE_CHECKING:
    from server.accounts.models import User


def app_code(user: User) -> str:
    """What the person's app shows now."""
    device = TOTPDevice.objects.get(user=user)
    totp = TOTP(device.bin_key, drift=device.drift)
    totp.time = time.time()
    return f"{totp.token():06d}"


def wrong_code(user: User) -> str:
    """Six digits that the app shows neither now nor a little earlier or later."""
    device = TOTPDevice.objects.get(user=user)
    near = {TOTP(device.bin_key, t0=-30 * step, drift=device.drift) for step in range(-3, 4)}
    for totp in near:
        totp.time = time.time()
    shown = {totp.token() for totp in near}
    return next(f"{number:06d}" for number in range(1000) if number not in shown)


def has_app(user: User) -> list[str]:
    """The person has set up the second step a while ago; returns the recovery codes."""
    second_step.begin_second_step(user=user)
    codes = second_step.confirm_second_step(user=user, code=app_code(user), now=now())
    a_while_goes_by(user)
    return codes


def a_while_goes_by(user: User) -> None:
    """The app shows another code than the one used last, and the pauses after wrong ones are over."""
    TOTPDevice.objects.filter(user=user).update(last_t=-1, throttling_failure_timestamp=None)
    StaticDevice.objects.filter(user=user).update(throttling_failure_timestamp=None)
