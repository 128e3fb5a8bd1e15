"""The virtual handset's pages, and logging in by one click."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from chatui.logging_in import after_password
from gateway.models import ReportOrder
from gateway.providers import simulator
from server.calls.models import MessageNode
from simulator import demo, exchange
from simulator import handset as handsets
from simulator.exchange import KEYS, Manner

if TYPE_CHECKING:
    from django.http import HttpRequest

    from simulator.exchange import OngoingCall
    from simulator.handset import Handset

# Twice: the provider repeats its webhook. Never: it gets lost, and only the provider's list knows the message.
TIMES = {"0": 0, "1": 1, "2": 2}
# Numbers to try rules for countries with.
ABROAD = ("+447400123456", "+4915123456780")


def demo_only(view):
    """A demo's pages must not answer in production, even where somebody has named them in the addresses."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not settings.DEMO:
            raise Http404
        return never_cache(view)(request, *args, **kwargs)

    return guarded


@demo_only
@require_GET
def handset(request: HttpRequest) -> HttpResponse:
    """The phone of a customer; anybody on this machine may hold it."""
    phone = handsets.handset_for(number=request.GET.get("number", ""), line=request.GET.get("line", ""))
    if phone is None:
        return render(request, "simulator/empty.html")
    shown = {**_shown(_with_call(phone, request.GET)), "recent": handsets.recent_customers(), "ideas": _ideas()}
    return render(request, "simulator/handset.html", {**shown, "manners": Manner.choices, "abroad": ABROAD})


@demo_only
@require_GET
def live(request: HttpRequest) -> HttpResponse:
    """The phone's screen and the log as they are now; 204 when nothing has changed since `seen`."""
    phone = _phone(request, request.GET)
    if request.GET.get("seen") == phone.version:
        return HttpResponse(status=204)
    return render(request, "simulator/_live.html", _shown(phone))


@demo_only
@require_POST
def text(request: HttpRequest) -> HttpResponse:
    """The customer texts the line."""
    phone = _phone(request, request.POST)
    body = request.POST.get("idea") or request.POST.get("body", "").replace("\r\n", "\n")
    times = TIMES.get(request.POST.get("times", "1"))
    if body.strip() and times is not None and phone.settings.is_on:
        simulator.text_in(phone.line, phone.number, body, times)
    return _back(request, phone)


@demo_only
@require_POST
def repeat(request: HttpRequest) -> HttpResponse:
    """The provider sends the webhook of the newest text once more."""
    phone = _phone(request, request.POST)
    if phone.newest_text is not None:
        simulator.repeat_webhook(phone.newest_text)
    return _back(request, phone)


@demo_only
@require_POST
def call(request: HttpRequest) -> HttpResponse:
    """The customer calls the line, or something happens in the call."""
    phone = _phone(request, request.POST)
    if phone.settings.is_on:
        act, _colon, value = request.POST.get("act", "").partition(":")
        phone.call = _dialled(phone) if act == "dial" else phone.call and _acted(phone, phone.call, act, value)
    return _back(request, phone)


def _dialled(phone: Handset) -> OngoingCall:
    return exchange.dial(line=phone.line, number=phone.number, is_withheld=phone.is_withheld, manner=phone.manner)


def _acted(phone: Handset, call: OngoingCall, act: str, value: str) -> OngoingCall | None:
    """The call as it goes on; None when it is over."""
    whose = {"line": phone.line, "number": phone.number}
    if act in exchange.ENDINGS:
        return exchange.end(call, act, **whose)
    if act == "hang_up":
        return exchange.hang_up(call, **whose)
    if act == "answered" and not call.is_answered:
        return exchange.answer(call, **whose)
    if act == "key" and value in KEYS:
        return exchange.press(call, value, **whose)
    if act == "node":
        node = get_object_or_404(MessageNode, pk=value, subscriber_id=phone.line.subscriber_id, deleted_at=None)
        return exchange.reach_node(call, node, **whose)
    return call


@demo_only
@require_POST
def phone(request: HttpRequest) -> HttpResponse:
    """Switch the phone on or off, or choose how its delivery reports come."""
    handset = _phone(request, request.POST)
    if request.POST.get("power") in {"on", "off"}:
        simulator.switch_phone(handset.number, request.POST["power"] == "on")
    if request.POST.get("reports") in ReportOrder.values:
        simulator.set_report_order(handset.number, request.POST["reports"])
    return _back(request, handset)


@demo_only
@require_POST
def log_in_as(request: HttpRequest, username: str) -> HttpResponse:
    """One click instead of a password: only the demo company's people and its operator. The second step stays."""
    user = get_object_or_404(demo.demo_users(), username=username)
    to = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(to, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return after_password(request, user, backend="django.contrib.auth.backends.ModelBackend", to=to if is_ours else "")


def _phone(request: HttpRequest, asked) -> Handset:
    phone = handsets.handset_for(number=asked.get("number", ""), line=asked.get("line", ""))
    if phone is None:
        raise Http404
    return _with_call(phone, asked)


def _with_call(phone: Handset, asked) -> Handset:
    phone.call = exchange.call_in(asked.get("call", ""))
    phone.is_withheld = bool(asked.get("withheld"))
    phone.manner = asked.get("manner") if asked.get("manner") in Manner.values else Manner.AT_ONCE
    return phone


def _back(request: HttpRequest, phone: Handset) -> HttpResponse:
    """To the page; the script asks for what has changed by itself."""
    if request.headers.get("X-Requested-With") == "fetch":
        return render(request, "simulator/_live.html", _shown(phone.anew()))
    where = {"number": phone.number, "line": phone.line.pk, "manner": phone.manner, "withheld": "on" if phone.is_withheld else ""}
    held = {"call": phone.call.signed} if phone.call else {}
    return redirect(f"{reverse('simulator:handset')}?{urlencode(where | held)}")


def _shown(phone: Handset) -> dict[str, object]:
    shown = {"phone": phone, "log": handsets.latest_receipts(), "orders": ReportOrder.choices}
    return {**shown, "keys": KEYS, "now": timezone.now()}


def _ideas() -> list[str]:
    return [
        _("Hello! Where is my order?"),
        _("Are you open on Saturday?"),
        _("Thank you, perfect! 👍"),
        "STOP",
        "START",
    ]
