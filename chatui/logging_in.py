"""The steps of a log-in: the password first, and then, from who has set one up, the second step.

password ──▶ in
password ──▶ pending (five minutes) ──code──▶ in

Who is pending is nobody yet: the session holds a note, but no log-in.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import django_otp
from django.contrib.auth import load_backend, login
from django.http import HttpResponseRedirect
from django.shortcuts import redirect, resolve_url
from django.utils.crypto import constant_time_compare
from django.utils.timezone import now

from chatui.acting import end_with_the_log_in
from server.accounts import log_ins, second_step
from server.accounts.middleware import NOTED
from server.events import doorbell

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from server.accounts.models import User

PENDING = "pending_log_in"
PENDING_SECONDS = 5 * 60
# Besides the pauses that grow with each: whoever guesses shows the password again.
WRONG_CODES = 5


@dataclass(frozen=True, slots=True)
class Pending:
    """Somebody whose password was right; `proof` ends it when the password is changed meanwhile."""

    user_id: int
    backend: str
    proof: str
    since: float
    to: str
    wrong_codes: int = 0


def after_password(request: HttpRequest, user: User, *, backend: str, to: str) -> HttpResponse:
    """Let in, or ask for the second step; `to` must be an address of ours, or empty."""
    if not second_step.has_second_step(user):
        return let_in(request, user, backend=backend, to=to)
    # A session that somebody else may know the key of must not become the pending one.
    _leave(request)
    note = Pending(user.pk, backend, user.get_session_auth_hash(), time.time(), to)
    request.session[PENDING] = asdict(note)
    # Not to the second, so that who comes late is still led to where they wanted to go.
    request.session.set_expiry(2 * PENDING_SECONDS)
    return redirect("login_code")


def pending_of(request: HttpRequest) -> tuple[Pending, User] | None:
    """Whose password was right a moment ago, and is still."""
    note = request.session.get(PENDING)
    if note is None:
        return None
    pending = Pending(**note)
    # It says no to who was deactivated meanwhile.
    user = load_backend(pending.backend).get_user(pending.user_id)
    is_late = not 0 <= time.time() - pending.since <= PENDING_SECONDS
    if user is None or is_late or not constant_time_compare(pending.proof, user.get_session_auth_hash()):
        return None
    return pending, user


def wanted_by(request: HttpRequest) -> str:
    """Where somebody wanted to go whose five minutes are over."""
    return request.session.get(PENDING, {}).get("to", "")


def after_wrong_code(request: HttpRequest, pending: Pending) -> bool:
    """Count it; False when that was one too many."""
    if pending.wrong_codes + 1 >= WRONG_CODES:
        request.session.flush()
        return False
    request.session[PENDING] = asdict(pending) | {"wrong_codes": pending.wrong_codes + 1}
    return True


def let_in(request: HttpRequest, user: User, *, backend: str, to: str, step: str = "") -> HttpResponse:
    """The session becomes this person's, under a key that nobody knew before."""
    _leave(request)
    login(request, user, backend=backend)
    if step:
        django_otp.login(request, second_step.device_of(user))
    note_session(request, user, step=step)
    # Not redirect(): it would take a single word for the name of a view.
    return HttpResponseRedirect(to or home_of(user))


def _leave(request: HttpRequest) -> None:
    """Whatever this browser was before, it is no more; open screens of somebody else end at once."""
    who, key = request.user, request.session.session_key or ""
    if who.is_authenticated:
        end_with_the_log_in(request)
        log_ins.note_log_out(user=who, session_key=key, now=now())
    request.session.flush()
    if who.is_authenticated:
        doorbell.dismiss(subscriber_id=who.subscriber_id, user_id=who.pk, code=doorbell.LOGGED_OUT, session_key=key)


def note_session(request: HttpRequest, user: User, *, step: str = "") -> None:
    request.session[NOTED] = True
    log_ins.note_log_in(
        user=user,
        session_key=request.session.session_key,
        user_agent=request.headers.get("User-Agent", ""),
        second_step=step,
        now=now(),
    )


def become_verified(request: HttpRequest, user: User) -> None:
    """Somebody who is in has shown their second step: the session goes on under a new key."""
    before = request.session.session_key or ""
    request.session.cycle_key()
    django_otp.login(request, second_step.device_of(user))
    log_ins.move_session(before=before, to=request.session.session_key)


def home_of(user: User) -> str:
    return resolve_url("operator:subscribers") if user.is_operator else resolve_url("chat")
