"""Setting up the second step of one's log-in, and what becomes of it."""

from __future__ import annotations

from base64 import b32encode
from typing import TYPE_CHECKING

import segno
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from chatui.logging_in import become_verified
from chatui.views.log_in import demo_code, pause_in_words, wrong_code_in_words
from server.accounts import log_ins, second_step
from server.events.showing_out import show_out

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@sensitive_post_parameters("code")
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def two_factor(request: HttpRequest) -> HttpResponse:
    """What there is to do now; each button posts the name of its act."""
    if request.method != "POST":
        return _page(request)
    act = _ACTS.get(request.POST.get("act", ""))
    if act is None:
        return _page(request, status=422)
    try:
        return act(request)
    except second_step.MustWait as wait:
        return _page(request, problem=pause_in_words(wait), status=422)
    except second_step.WrongCode:
        log_ins.note_failed_log_in(name=request.user.username, step="code", now=now())
        return _page(request, problem=wrong_code_in_words(), status=422)
    except (second_step.AlreadySet, second_step.NothingBegun):
        # Another tab was quicker: show how things stand.
        return _page(request, status=409)


def _begin(request: HttpRequest) -> HttpResponse:
    second_step.begin_second_step(user=request.user)
    return _back(request)


def _confirm(request: HttpRequest) -> HttpResponse:
    codes = second_step.confirm_second_step(user=request.user, code=_code_in(request), now=now())
    become_verified(request, request.user)
    # Whoever is in without it must show it.
    show_out(user=request.user, but_session=request.session.session_key)
    return _page(request, codes=codes)


def _verify(request: HttpRequest) -> HttpResponse:
    """Somebody who is in, but came in without the second step."""
    second_step.check_code(user=request.user, code=_code_in(request), now=now())
    become_verified(request, request.user)
    return HttpResponseRedirect(_next_of(request) or request.path)


def _make_codes(request: HttpRequest) -> HttpResponse:
    second_step.check_code(user=request.user, code=_code_in(request), now=now())
    return _page(request, codes=second_step.make_recovery_codes(user=request.user, now=now()))


def _remove(request: HttpRequest) -> HttpResponse:
    if request.user.is_operator:
        raise PermissionDenied
    second_step.check_code(user=request.user, code=_code_in(request), now=now())
    second_step.remove_second_step(user=request.user, now=now())
    messages.success(request, _("Two-step log-in is switched off."))
    return redirect("two_factor")


_ACTS = {"begin": _begin, "confirm": _confirm, "verify": _verify, "codes": _make_codes, "remove": _remove}


def _code_in(request: HttpRequest) -> str:
    return request.POST.get("code", "")


def _next_of(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return wanted if safe else ""


def _back(request: HttpRequest) -> HttpResponse:
    """To the page itself, which keeps where one wanted to go."""
    return HttpResponseRedirect(request.get_full_path())


def _page(request: HttpRequest, *, problem: str = "", codes: list[str] | None = None, status: int = 200) -> HttpResponse:
    step = second_step.second_step_of(request.user)
    begun = None if step else second_step.begun_for(request.user)
    device = begun or second_step.device_of(request.user)
    context = {
        "place": "settings",
        "step": step,
        "begun": begun and {"picture": _picture_of(begun.config_url), "secret": _in_groups(begun)},
        "codes": codes,
        "problem": problem,
        "next": _next_of(request),
        "demo_code": demo_code(device),
        "is_verified": request.user.is_verified(),
        "zone": request.user.subscriber.timezone if request.user.subscriber else None,
    }
    return render(request, "chatui/two_factor.html", context, status=status)


def _picture_of(address: str) -> str:
    return segno.make(address, error="m").svg_inline(border=3, omitsize=True, svgclass="", lineclass="")


def _in_groups(device) -> str:
    """The secret as people type it: four letters at a time."""
    secret = b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
