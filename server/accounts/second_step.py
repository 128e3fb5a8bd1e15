"""The second step of a log-in: the code of an authenticator app, or a recovery code.

none ──begin──▶ shown (QR picture) ──confirm──▶ set ──remove, reset──▶ none
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac
from django_otp import verify_token
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from server.accounts.models import User, record_audit

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

type Kind = Literal["app", "recovery_code"]

RECOVERY_CODES = 10
# Nothing that looks like something else on paper; 31 signs, so ten of them are 49 bits.
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
_APP_CODE = re.compile(r"[0-9]{6}")


class WrongCode(Exception):
    """Neither the app's code of now (or it was used already) nor an unused recovery code."""


class MustWait(Exception):
    """After wrong codes the next is only looked at from `until` on; the pause doubles each time."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


class AlreadySet(Exception):
    """The person has a second step; it must be removed first."""


class NothingBegun(Exception):
    """There is no second step to be confirmed, or to check a code with."""


@dataclass(frozen=True, slots=True)
class SecondStep:
    """What a person may know of their second step."""

    since: datetime | None
    recovery_codes_left: int


def has_second_step(user: User) -> bool:
    return device_of(user) is not None


def who_have_second_step(users: Collection[User]) -> set[int]:
    """The ids of those of them who have one, in one question."""
    return set(TOTPDevice.objects.filter(user__in=users, confirmed=True).values_list("user_id", flat=True))


def device_of(user: User) -> TOTPDevice | None:
    """The app that the person's log-in asks for."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()


def begun_for(user: User) -> TOTPDevice | None:
    """The app that is being set up, but has not shown yet that it knows the secret."""
    return TOTPDevice.objects.filter(user=user, confirmed=False).first()


def second_step_of(user: User) -> SecondStep | None:
    device = device_of(user)
    if device is None:
        return None
    return SecondStep(device.created_at, StaticToken.objects.filter(device__user=user).count())


@transaction.atomic
def begin_second_step(*, user: User) -> TOTPDevice:
    """A new secret for the person's app; it counts only once confirmed. Raises AlreadySet."""
    _lock(user)
    if has_second_step(user):
        raise AlreadySet
    _forget(user)
    return TOTPDevice.objects.create(user=user, name="phone", confirmed=False)


def confirm_second_step(*, user: User, code: str, now: datetime) -> list[str]:
    """The app knows the secret: from now on it is asked. Returns the recovery codes, readable only now.

    Raises AlreadySet, NothingBegun, WrongCode and MustWait.
    """
    if has_second_step(user):
        raise AlreadySet
    device = begun_for(user)
    if device is None:
        raise NothingBegun
    _verify(device, _plain(code))
    with transaction.atomic():
        _lock(user)
        if not TOTPDevice.objects.filter(pk=device.pk, confirmed=False).update(confirmed=True):
            raise AlreadySet
        codes = _fresh_codes(user)
        _note(user, "user.second_step_set", by=user, now=now)
    return codes


def check_code(*, user: User, code: str, now: datetime) -> Kind:
    """Use up a code of the person's app, or a recovery code. Raises NothingBegun, WrongCode and MustWait."""
    plain = _plain(code)
    app = device_of(user)
    if app is None:
        raise NothingBegun
    if _APP_CODE.fullmatch(plain):
        _verify(app, plain)
        return "app"
    _use_recovery_code(user, plain, now)
    return "recovery_code"


@transaction.atomic
def make_recovery_codes(*, user: User, now: datetime) -> list[str]:
    """New recovery codes, readable only now; those before are worth nothing any more. Raises NothingBegun."""
    _lock(user)
    if not has_second_step(user):
        raise NothingBegun
    codes = _fresh_codes(user)
    _note(user, "user.recovery_codes_made", by=user, now=now)
    return codes


@transaction.atomic
def remove_second_step(*, user: User, now: datetime) -> bool:
    """The person's own wish, and their code was checked; False when there was none."""
    return _remove(user, "user.second_step_removed", by=user, now=now)


@transaction.atomic
def reset_second_step(*, user: User, by: User | None, now: datetime) -> bool:
    """Take away somebody's second step, who has lost it; False when there was none. The caller shows them out."""
    return _remove(user, "user.second_step_reset", by=by, now=now)


def code_of_now(device: TOTPDevice) -> str:
    """What the person's app shows, or, when that was used already, what it shows next: for the demo only."""
    if not settings.DEMO:
        raise RuntimeError("only a demo tells codes")
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    totp.time = time.time()
    used = device.last_t - totp.t()
    if used >= 0:
        totp.time += (used + 1) * device.step
    return f"{totp.token():06d}"


def _verify(device: TOTPDevice | StaticDevice, token: str) -> None:
    allowed, because = device.verify_is_allowed()
    if not allowed:
        raise MustWait(because["locked_until"])
    # It locks the device's row: of two who show the same code at once, one is told no.
    if verify_token(device.user, device.persistent_id, token) is None:
        raise WrongCode


def _use_recovery_code(user: User, plain: str, now: datetime) -> None:
    device = StaticDevice.objects.filter(user=user).first()
    if device is None:
        raise WrongCode
    kept = StaticToken.objects.filter(device=device, token__in=_fingerprints(user, plain)).first()
    _verify(device, kept.token if kept else "")
    _note(user, "user.recovery_code_used", by=user, now=now, left=StaticToken.objects.filter(device=device).count())


def _fresh_codes(user: User) -> list[str]:
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="recovery codes")
    codes = ["".join(secrets.choice(_SIGNS) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=_fingerprints(user, code)[0]) for code in codes)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def _fingerprints(user: User, plain: str) -> list[str]:
    """How a recovery code is kept: nobody reads it out of the database. One for each SECRET_KEY that is still good."""
    value = f"{user.pk}\n{plain}"
    return [
        salted_hmac("fonal.recovery-code", value, secret=key, algorithm="sha256").hexdigest()[:16]
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]


def _plain(code: str) -> str:
    """A code as it is kept, however it was typed: `123 456`, `ABCDE-FGHJK`."""
    return re.sub(r"[\s-]", "", code).lower()[:40]


def _remove(user: User, what: str, *, by: User | None, now: datetime) -> bool:
    had_one = has_second_step(user)
    _forget(user)
    if had_one:
        _note(user, what, by=by, now=now)
    return had_one


def _forget(user: User) -> None:
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()


def _lock(user: User) -> None:
    """Two tabs of one person take turns."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _note(user: User, action: str, *, by: User | None, now: datetime, **detail: object) -> None:
    record_audit(action=action, at=now, actor=by, subscriber=user.subscriber, target=user.username, **detail)
