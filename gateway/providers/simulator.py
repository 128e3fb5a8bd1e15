"""A provider that needs no network: for the demo, for development, and for tests.

It is the other side of the real road: it keeps its own list of messages, signs its webhooks, and
posts them to our own address through the same door that a real provider's come in by
(gateway/lane.py: URL, signature, view), only without the socket in between. So it works before any
server listens, on any port, and always with the right database.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from gateway.addresses import messages_address
from gateway.forms import FORM, form_of, message_id_of, raw_of
from gateway.models import ReportOrder, SimulatedPhone, SimulatedReport, SimulatedSms
from gateway.vocabulary import Accepted, InboundSms, ListedSms, OutboundSms, WebhookRefused, Webhooks, WordUnknown
from server import sms as arithmetic
from server.messaging.delivery import Report
from server.messaging.models import Direction, Status
from server.messaging.reasons import Reason

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from server.lines.models import Line

SIGNATURE_HEADER = "X-Simulator-Signature"
ACCOUNT = "simulator:"
UNREACHABLE = "off"
# Long enough to see each tick change, short enough not to wait for it.
STEP = timedelta(seconds=0.7)

STATUSES = {"sent": Status.SENT, "delivered": Status.DELIVERED, "undelivered": Status.UNDELIVERED}
REPORTS = {
    ReportOrder.NORMAL: ["sent", "{outcome}"],
    ReportOrder.REVERSED: ["{outcome}", "sent"],
    ReportOrder.DUPLICATE: ["sent", "sent", "{outcome}", "{outcome}"],
    ReportOrder.NEVER: [],
}


class Simulator:
    """The provider's face towards the gateway."""

    def account_of(self, line: Line) -> str:
        return ACCOUNT

    def verify(self, request: HttpRequest, line: Line) -> None:
        form_of(request)
        signature = request.headers.get(SIGNATURE_HEADER, "")
        if not constant_time_compare(signature, _signature(line, request.get_full_path(), request.body)):
            raise WebhookRefused("wrong signature")

    def parse_message(self, request: HttpRequest, line: Line) -> InboundSms:
        form = form_of(request)
        if form.get("to") != line.number:
            raise WebhookRefused("another number")
        return InboundSms(
            provider_message_id=message_id_of(form, "id"),
            sender=form.get("from") or "",
            recipient=line.number,
            body=form.get("body") or "",
            raw=raw_of(form),
        )

    def parse_report(self, request: HttpRequest, line: Line) -> Report:
        form = form_of(request)
        word, code = form.get("status") or "", form.get("code") or ""
        if word not in STATUSES:
            raise WordUnknown(word)
        return Report(
            status=STATUSES[word],
            provider_status=word,
            provider_message_id=message_id_of(form, "id"),
            provider_account=ACCOUNT,
            provider_code=code[:16],
            reason=_reason_of(word),
            raw=raw_of(form),
        )

    def answer(self) -> HttpResponse:
        return HttpResponse("OK", content_type="text/plain")

    @transaction.atomic
    def send(self, line: Line, sms: OutboundSms) -> Accepted:
        now = timezone.now()
        phone = _phone(sms.recipient)
        outcome = "delivered" if phone.is_on else "undelivered"
        sent = SimulatedSms.objects.create(
            line=line,
            number=sms.recipient,
            direction=Direction.OUT,
            body=sms.body,
            uuid=sms.uuid,
            provider_message_id=_new_id(),
            status=STATUSES[outcome],
            created_at=now,
        )
        words = [word.format(outcome=outcome) for word in REPORTS[ReportOrder(phone.report_order)]]
        SimulatedReport.objects.bulk_create(
            SimulatedReport(sms=sent, status=word, due_at=now + STEP * step) for step, word in enumerate(words, start=1)
        )
        return Accepted(provider_message_id=sent.provider_message_id, segments=arithmetic.count_segments(sms.body).segments)

    def sent_since(self, line: Line, recipient: str, since: datetime) -> list[ListedSms]:
        sent = SimulatedSms.objects.filter(line=line, number=recipient, direction=Direction.OUT, created_at__gte=since)
        return [
            ListedSms(
                provider_message_id=sms.provider_message_id,
                recipient=sms.number,
                body=sms.body,
                created_at=sms.created_at,
                status=Status(sms.status),
                provider_status=sms.status,
                reason=_reason_of(sms.status),
            )
            for sms in sent.order_by("-created_at")
        ]

    def received_since(self, line: Line, since: datetime) -> list[InboundSms]:
        texted = SimulatedSms.objects.filter(line=line, direction=Direction.IN, created_at__gte=since)
        return [
            InboundSms(
                provider_message_id=sms.provider_message_id,
                sender=sms.number,
                recipient=line.number,
                body=sms.body,
                sent_at=sms.created_at,
                raw={"id": sms.provider_message_id, "listed": True},
            )
            for sms in texted.order_by("created_at")
        ]

    def redact(self, line: Line, provider_message_id: str) -> None:
        SimulatedSms.objects.filter(line=line, provider_message_id=provider_message_id).update(body="")

    def delete_media(self, line: Line, provider_message_id: str) -> None:
        """The simulated network carries no pictures."""

    def check_account(self, line: Line) -> str:
        return "Simulator"

    def webhooks_for(self, line: Line, address: str) -> Webhooks:
        return Webhooks(messages=address)

    def webhooks_of(self, line: Line) -> Webhooks:
        # Its network knows our lines and finds the way by itself.
        return Webhooks(messages=messages_address(line))

    def set_webhooks(self, line: Line, webhooks: Webhooks) -> None:
        pass


# --- The customer's side: what the virtual handset does -----------------------------------------


def text_in(line: Line, sender: str, body: str, times: int = 1) -> SimulatedSms:
    """A customer texts the line; the webhook comes `times` times (0: it gets lost, only the provider's list knows)."""
    texted = SimulatedSms.objects.create(
        line=line,
        number=arithmetic.storable(sender)[:20],
        direction=Direction.IN,
        body=arithmetic.storable(body),
        provider_message_id=_new_id(),
        status=Status.RECEIVED,
        created_at=timezone.now(),
    )
    for _ in range(times):
        repeat_webhook(texted)
    return texted


def repeat_webhook(texted: SimulatedSms) -> int:
    """Post an inbound message's webhook (again); returns the status of our answer."""
    path = reverse("gateway:messages", args=["simulator", texted.line.key])
    form = {"id": texted.provider_message_id, "from": texted.number, "to": texted.line.number, "body": texted.body}
    return _post(texted.line, path, form)


def switch_phone(number: str, is_on: bool) -> None:
    """Switch a customer's phone on or off; while it is off, messages to it are not delivered."""
    SimulatedPhone.objects.update_or_create(number=number, defaults={"is_on": is_on})


def set_report_order(number: str, order: str) -> None:
    """How delivery reports of messages to a phone come from now on: a ReportOrder."""
    SimulatedPhone.objects.update_or_create(number=number, defaults={"report_order": ReportOrder(order)})


def phone_of(number: str) -> SimulatedPhone:
    """How a phone is set now; not saved when nobody has touched it."""
    return _phone(number)


def conversation(number: str, line: Line | None = None) -> QuerySet[SimulatedSms]:
    """What a phone has sent and was sent, oldest first; it shows those that `has_arrived`."""
    texts = SimulatedSms.objects.filter(number=number).select_related("line")
    return (texts.filter(line=line) if line else texts).order_by("created_at", "id")


# --- The network's side -----------------------------------------------------------------------


def post_due_reports(now: datetime) -> int:
    """Post the delivery reports that are due; the dispatcher calls it. Returns how many."""
    posted = 0
    for report in SimulatedReport.objects.filter(due_at__lte=now).select_related("sms__line").order_by("due_at", "id")[:100]:
        # Several dispatchers may run: who deletes the row, posts it.
        if SimulatedReport.objects.filter(pk=report.pk).delete()[0]:
            _post_report(report)
            posted += 1
    return posted


def _post_report(report: SimulatedReport) -> None:
    sms = report.sms
    path = reverse("gateway:status", args=["simulator", sms.line.key, sms.uuid])
    form = {"id": sms.provider_message_id, "status": report.status}
    if report.status == "undelivered":
        form["code"] = UNREACHABLE
    _post(sms.line, path, form)


def _post(line: Line, path: str, form: dict[str, str]) -> int:
    # The lane serves webhooks of all providers, so it stands above this file.
    from gateway.lane import answer

    body = urlencode(form).encode()
    headers = {"Content-Type": FORM, SIGNATURE_HEADER: _signature(line, path, body)}
    return answer(method="POST", path=path, headers=headers, body=body).status_code


def _signature(line: Line, path: str, body: bytes) -> str:
    return salted_hmac("gateway.simulator", f"{line.key} {path} ".encode() + body, algorithm="sha256").hexdigest()


def _reason_of(word: str) -> str:
    return Reason.UNREACHABLE if word == "undelivered" else ""


def _phone(number: str) -> SimulatedPhone:
    return SimulatedPhone.objects.filter(number=number).first() or SimulatedPhone(number=number)


def _new_id() -> str:
    return f"SIM{uuid.uuid4().hex}"
