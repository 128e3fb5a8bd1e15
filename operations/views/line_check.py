"""The set-up check of a line."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db import transaction
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from gateway.providers import PROVIDERS
from gateway.vocabulary import LookFailed, NumberUnknown, SendError
from operations.access import for_the_operator, staff_of
from operations.checking import ask_provider, look_here, wanted_webhooks
from operations.health import line_health
from operations.line_forms import TestForm
from operations.views.lines import line_or_404
from server.accounts.models import record_audit
from server.countries import country_names
from server.messaging import outbound
from server.messaging.models import Message

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from server.lines.models import Line

# What came within it belongs to the same check; later it is begun anew.
LASTS = timedelta(hours=1)


@require_safe
@for_the_operator
def line_check(request: HttpRequest, line_id: int) -> HttpResponse:
    """The steps. What only the provider knows is asked by a second request, as it may take long; without scripts by a link."""
    checked = line_or_404(line_id)
    part = request.GET.get("part", "")
    if part == "provider":
        return render(request, "operations/_line_check_provider.html", {"line": checked, "provider": ask_provider(checked)})
    came = _what_came(request, checked)
    if part == "live":
        return render(request, "operations/_line_check_live.html", {"line": checked, **came})
    asked = ask_provider(checked) if "ask" in request.GET else None
    return _check_page(request, checked, provider=asked, **came)


@require_POST
@for_the_operator
def line_webhooks(request: HttpRequest, line_id: int) -> HttpResponse:
    """Set the addresses at the provider, by its API."""
    line = line_or_404(line_id)
    provider, wanted = PROVIDERS.get(line.provider), wanted_webhooks(line)
    try:
        if provider is not None and wanted is not None:
            leaves_calls = "leave_calls" in request.POST
            provider.set_webhooks(line, wanted.without_calls if leaves_calls else wanted)
            record_audit(
                action="line.webhooks_set", at=now(), actor=staff_of(request), subscriber=line.subscriber, target=str(line)
            )
            messages.success(request, _("The addresses are set at the provider."))
    except NumberUnknown:
        messages.error(request, _("Not set: the number is none of this account's."))
    except (LookFailed, SendError) as problem:
        messages.error(request, _("Not set: the provider said no (%(problem)s).") % {"problem": problem})
    return redirect(f"{reverse('operator:line_check', args=[line_id])}?ask=1")


@require_POST
@for_the_operator
def line_test(request: HttpRequest, line_id: int) -> HttpResponse:
    """Send a test by the same road that people's messages take."""
    line = line_or_404(line_id)
    form = TestForm(request.POST, line=line)
    if form.is_valid():
        try:
            message = _queue_test(line, form.cleaned_data["to"], now())
        except outbound.UnableToSend as refusal:
            form.add_error("to", _why_not(refusal))
        else:
            record_audit(
                action="line.tested",
                at=now(),
                actor=staff_of(request),
                subscriber=line.subscriber,
                target=str(line),
                message=str(message.uuid),
            )
            _remember(request, line, test=str(message.uuid))
            return redirect(f"{reverse('operator:line_check', args=[line_id])}#live")
    return _check_page(request, line, form=form, **_what_came(request, line))


@transaction.atomic
def _queue_test(line: Line, number: str, at: datetime) -> Message:
    with translation.override(line.subscriber.language):
        body = _("This is a test of the SMS line %(line)s. Please answer anything.") % {"line": line.label}
        if line.is_one_way:
            body = _("This is a test of the SMS sender %(line)s.") % {"line": line.number}
    conversation = outbound.conversation_with(line=line, number=number, now=at)
    return outbound.queue_sms(uuid=uuid.uuid4(), conversation=conversation, body=body, author=None, now=at)


def _why_not(refusal: outbound.UnableToSend) -> str:
    match refusal:
        case outbound.ServiceOff():
            return _("Not sent: the company has no SMS service, or the line is switched off.")
        case outbound.DestinationNotAllowed(countries=countries):
            return _("Not sent: this line may only text mobile numbers of %(countries)s.") % {"countries": country_names(countries)}
        case outbound.DailyLimitReached(limit=limit):
            return _("Not sent: this line has sent the %(n)s messages it may send today.") % {"n": limit}
        case outbound.OptedOut():
            return _("Not sent: this number asked this line for no more messages.")
        case _:
            return _("Not sent.")


def _what_came(request: HttpRequest, line: Line) -> dict[str, Any]:
    begun_at, token = _remembered(request, line)
    test = Message.objects.filter(line=line, uuid=token).first() if token else None
    return {"live": look_here(line, since=begun_at, test=test), "begun_at": begun_at, "test": test}


def _remembered(request: HttpRequest, line: Line) -> tuple[datetime, str]:
    """When this check was begun, and the uuid of its test."""
    kept = request.session.get(_name_of(line), {})
    begun_at = datetime.fromtimestamp(kept.get("begun", 0), UTC)
    if now() - begun_at > LASTS or kept.get("key") != str(line.key):
        return _remember(request, line, begun=now().timestamp(), test="")
    return begun_at, kept.get("test", "")


def _remember(request: HttpRequest, line: Line, **changed: Any) -> tuple[datetime, str]:
    kept = {"begun": now().timestamp(), "test": ""} | request.session.get(_name_of(line), {}) | {"key": str(line.key)} | changed
    request.session[_name_of(line)] = kept
    return datetime.fromtimestamp(kept["begun"], UTC), kept["test"]


def _name_of(line: Line) -> str:
    return f"line_check_{line.pk}"


def _check_page(request: HttpRequest, line: Line, *, form: TestForm | None = None, **context: Any) -> HttpResponse:
    context |= {
        "place": "operator",
        "tab": "lines",
        "part": "check",
        "line": line,
        "health": line_health([line], now())[line.pk],
        "wanted": wanted_webhooks(line),
        "form": form or TestForm(line=line),
    }
    return render(request, "operations/line_check.html", context, status=422 if form else 200)
