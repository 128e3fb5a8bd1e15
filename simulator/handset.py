"""A customer's phone as the page shows it, and what the provider told us lately."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from gateway.models import SimulatedSms, WebhookReceipt
from gateway.providers import simulator
from gateway.vocabulary import EXCHANGE
from server import phone, sms
from server.calls.models import MessageNode
from server.calls.recording import TOO_LATE
from server.contacts.models import Contact
from server.contacts.optout import opt_out_in_force
from server.lines.models import Line
from server.messaging.models import Conversation, Direction
from simulator import company
from simulator.exchange import Manner

if TYPE_CHECKING:
    from gateway.models import SimulatedPhone
    from simulator.exchange import OngoingCall

SCREEN = 40
LOG = 14
# As far back as it looks for an earlier word on the same message.
LOOKED_BACK = 80
RECENT = 7
# What became of a webhook, in words for people who have never seen one, and how it should look.
REPEATED = _("repeated: ignored")
OUTCOMES = {
    "stored": (_("received"), "good"),
    "known already": (REPEATED, "calm"),
    "applied": (_("noted"), "good"),
    "unknown message": (_("no such message: kept aside"), "odd"),
    "unknown word": (_("unknown word: kept aside"), "odd"),
}
# What a telephone exchange tells, rather than the provider of texts.
CALLS = {
    "ringing": _("Call: ringing"),
    "answered": _("Call: answered"),
    "missed": _("Call: missed"),
    "busy": _("Call: busy"),
    "failed": _("Call: failed"),
    "node": _("Call: message node"),
}
REPORTED = {"sent": _("Report: sent"), "delivered": _("Report: delivered"), "undelivered": _("Report: not delivered")}


@dataclass
class Handset:
    """One customer's phone, open at its thread with one of our lines."""

    number: str
    line: Line
    name: str
    call: OngoingCall | None = None
    # How the next call is made and told.
    is_withheld: bool = False
    manner: str = Manner.AT_ONCE

    @cached_property
    def settings(self) -> SimulatedPhone:
        return simulator.phone_of(self.number)

    @cached_property
    def lines(self) -> list[Line]:
        return list(_lines())

    @cached_property
    def texts(self) -> list[SimulatedSms]:
        """The newest texts on the screen, oldest first; what has not arrived is not there."""
        newest = simulator.conversation(self.number, self.line).order_by("-created_at", "-id")[: SCREEN * 2]
        return [text for text in newest if text.has_arrived][:SCREEN][::-1]

    @cached_property
    def nodes(self) -> list[MessageNode]:
        return list(MessageNode.objects.filter(subscriber_id=self.line.subscriber_id, deleted_at=None).order_by("name"))

    @cached_property
    def newest_text(self) -> SimulatedSms | None:
        return simulator.conversation(self.number, self.line).filter(direction=Direction.IN).order_by("-created_at", "-id").first()

    @cached_property
    def has_stopped(self) -> bool:
        return opt_out_in_force(line=self.line, number=self.number) is not None

    @property
    def can_be_answered(self) -> bool:
        return self.number.startswith("+")

    @property
    def version(self) -> str:
        """Changes whenever anything on the page does."""
        last_text = self.texts[-1].pk if self.texts else 0
        last_receipt = _receipts().values_list("pk", flat=True).first() or 0
        call = f"{self.call.id}{self.call.is_answered:d}{self.call.pressed}" if self.call else ""
        return f"{last_text}.{last_receipt}.{self.settings.is_on:d}.{self.settings.report_order}.{self.has_stopped:d}.{call}"

    def anew(self) -> Handset:
        """As it is by now: what was looked up is looked up again."""
        return replace(self)


@dataclass(frozen=True)
class Told:
    """One webhook that the provider posted."""

    at: datetime
    title: str
    detail: str
    number: str
    outcome: str
    tone: str
    is_report: bool
    is_call: bool = False


def handset_for(*, number: str, line: str) -> Handset | None:
    """The phone of any number on one of the demo's lines, by default the customer who wrote last; None without a demo."""
    lines = list(_lines())
    if not lines:
        return None
    newest = _newest_conversation() if not number.strip() else None
    sender = newest.contact.number if newest else phone.sender_of(sms.storable(number))
    chosen = next((each for each in lines if str(each.pk) == line), newest.line if newest else _line_of(sender) or lines[0])
    contact = Contact.objects.filter(subscriber__slug=company.SLUG, number=sender).first()
    return Handset(sender, chosen, contact.name if contact else "")


def recent_customers() -> list[Conversation]:
    """Whom one may want to play, one row for each person."""
    newest = (
        Conversation.objects.filter(line__in=_lines()).select_related("contact", "line").order_by("-latest_at", "-id")[: RECENT * 3]
    )
    by_contact = {conversation.contact_id: conversation for conversation in reversed(newest)}
    return sorted(by_contact.values(), key=lambda conversation: conversation.latest_at, reverse=True)[:RECENT]


def latest_receipts() -> list[Told]:
    """The provider's newest webhooks for the demo's lines, newest first."""
    receipts = list(_receipts()[:LOOKED_BACK])
    texts = SimulatedSms.objects.in_bulk([receipt.provider_message_id for receipt in receipts], field_name="provider_message_id")
    told, words = [], defaultdict(set)
    for receipt in reversed(receipts):
        if receipt.provider == EXCHANGE:
            told.append(_told_of_call(receipt))
            continue
        told.append(_told(receipt, texts.get(receipt.provider_message_id), words[receipt.provider_message_id]))
        words[receipt.provider_message_id].add(receipt.raw.get("status"))
    return told[::-1][:LOG]


def _told(receipt: WebhookReceipt, text: SimulatedSms | None, said_before: set[str]) -> Told:
    is_report = receipt.kind == "status"
    word = str(receipt.raw.get("status", ""))
    outcome, tone = _outcome(receipt, word, said_before) if is_report else _outcome_of(receipt)
    return Told(
        at=receipt.received_at,
        title=str(REPORTED.get(word, word)) if is_report else gettext("Message"),
        detail=text.body if text else "",
        number=text.number if text else "",
        outcome=str(outcome),
        tone=tone,
        is_report=is_report,
    )


def _told_of_call(receipt: WebhookReceipt) -> Told:
    """An exchange's request, by the first thing it says."""
    event = next(iter(receipt.raw.get("events", [])), receipt.raw)
    word = "node" if receipt.kind == "node" else str(event.get("event", ""))
    outcome, tone = _outcome_of(receipt)
    if receipt.outcome == "stored" and _is_late(event, receipt):
        outcome, tone = _("too late for rules"), "odd"
    caller = str(event.get("caller", ""))
    return Told(
        at=receipt.received_at,
        title=gettext("Call: key %s") % event.get("key", "") if word == "key" else str(CALLS.get(word, word)),
        detail=str(event.get("queue", "")),
        number=caller if caller.startswith("+") else gettext("withheld number"),
        outcome=str(outcome),
        tone=tone,
        is_report=False,
        is_call=True,
    )


def _is_late(event: dict[str, str], receipt: WebhookReceipt) -> bool:
    at = event.get("at")
    return at is not None and receipt.received_at - datetime.fromisoformat(at) > TOO_LATE


def _outcome(receipt: WebhookReceipt, word: str, said_before: set[str]) -> tuple[object, str]:
    """A report is kept in any case, but moves a message only forward."""
    if receipt.outcome == "applied" and word in said_before:
        return REPEATED, "calm"
    if receipt.outcome == "applied" and word == "sent" and said_before & {"delivered", "undelivered"}:
        return _("late: changes nothing"), "calm"
    outcome, tone = _outcome_of(receipt)
    return outcome, "bad" if word == "undelivered" else tone


def _outcome_of(receipt: WebhookReceipt) -> tuple[object, str]:
    return OUTCOMES.get(receipt.outcome) or (gettext("refused: %s") % receipt.outcome, "bad")


def _lines():
    return Line.objects.filter(subscriber__slug=company.SLUG, provider="simulator", is_active=True).order_by("id")


def _receipts():
    return WebhookReceipt.objects.filter(line_id__in=_lines().values("pk")).order_by("-id")


def _newest_conversation() -> Conversation | None:
    return Conversation.objects.filter(line__in=_lines()).select_related("contact", "line").order_by("-latest_at", "-id").first()


def _line_of(number: str) -> Line | None:
    conversation = (
        Conversation.objects.filter(line__in=_lines(), contact__number=number).select_related("line").order_by("-latest_at").first()
    )
    return conversation.line if conversation else None
