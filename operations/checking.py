"""Whether a line is set up as it must be: what its provider says, and what came of it here. Each failing step says what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from gateway.addresses import messages_address
from gateway.models import WebhookReceipt
from gateway.providers import PROVIDERS
from gateway.vocabulary import ORDINARY_OUTCOMES, AccountRefused, LookFailed, NumberUnknown, SendError
from operations.health import PUZZLING
from operations.refusals import explained
from server.lines.encryption import Unreadable
from server.messaging.models import Message, Status
from server.messaging.reasons import Reason

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.providers.base import Provider
    from gateway.vocabulary import Webhooks
    from server.lines.models import Line

SHOWN_REFUSALS = 3
ARRIVED = frozenset({Status.DELIVERED})
FAILED = frozenset({Status.FAILED, Status.UNDELIVERED})


@dataclass(frozen=True, slots=True)
class Step:
    """`state` is ok, bad, todo (something must happen first) or none (this line does not need it)."""

    state: str
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class ProviderCheck:
    """What the provider says: of the account, of the number, of the addresses."""

    account: Step
    number: Step
    webhooks: Step
    wanted: Webhooks | None = None
    can_be_set: bool = False


@dataclass(frozen=True, slots=True)
class LiveCheck:
    """What has come of it here since the check began."""

    sent: Step
    received: Step
    refused: list[Step] = field(default_factory=list)
    is_over: bool = False


def wanted_webhooks(line: Line) -> Webhooks | None:
    provider = PROVIDERS.get(line.provider)
    return provider.webhooks_for(line, messages_address(line)) if provider else None


def ask_provider(line: Line) -> ProviderCheck:
    """Ask the provider itself; takes as long as it takes."""
    provider = PROVIDERS.get(line.provider)
    wanted = wanted_webhooks(line)
    if provider is None:
        unknown = Step("bad", _("We do not know this provider."), _("Choose another on the line's page."))
        return ProviderCheck(unknown, _waits(), _waits())
    account = _account(line, provider)
    if account.state != "ok":
        return ProviderCheck(account, _waits(), _waits(), wanted)
    if line.is_one_way:
        one_way = Step("none", _("A sender name can't be answered: nothing comes in, and nothing need be set."))
        return ProviderCheck(account, one_way, one_way)
    return _number_and_webhooks(line, provider, account, wanted)


def _account(line: Line, provider: Provider) -> Step:
    if isinstance(line.auth_token, Unreadable):
        return Step(
            "bad",
            _("The auth token can't be read: SECRET_KEY has changed."),
            _("Put the old key into SECRET_KEY_FALLBACKS, or enter the token anew."),
        )
    try:
        name = provider.check_account(line)
    except AccountRefused as refusal:
        if line.account_sid and line.auth_token:
            text = _("The provider refuses the credentials (%(answer)s).") % {"answer": refusal}
        else:
            text = _("The line has no account SID and auth token yet.")
        return Step(
            "bad", text, _("Copy account SID and auth token anew from the provider's console, without spaces, and save them.")
        )
    except LookFailed as problem:
        return _away(problem)
    return Step("ok", _("The provider accepts the credentials of “%(account)s”.") % {"account": name})


def _number_and_webhooks(line: Line, provider: Provider, account: Step, wanted: Webhooks | None) -> ProviderCheck:
    try:
        found = provider.webhooks_of(line)
    except NumberUnknown:
        text = _("The number %(number)s is none of this account's.") % {"number": line.number}
        advice = _("Rent it there, or give the credentials of the account (or sub-account) that has it.")
        return ProviderCheck(account, Step("bad", text, advice), _waits(), wanted)
    except (LookFailed, SendError) as problem:
        return ProviderCheck(account, _away(problem), _waits(), wanted)
    number = Step("ok", _("The number belongs to the account."))
    webhooks = _compared(found, wanted)
    return ProviderCheck(account, number, webhooks, wanted, can_be_set=webhooks.state != "ok")


def _compared(found: Webhooks, wanted: Webhooks | None) -> Step:
    if found == wanted or wanted is None:
        return Step("ok", _("Incoming messages come to us."))
    if found.of_messages == wanted.of_messages:
        return _calls_elsewhere(found, wanted)
    if not found.messages:
        return Step("bad", _("The provider calls nobody when an SMS comes."), _("Set the addresses below, or let us set them."))
    if found.messages.partition("#")[0] == wanted.messages.partition("#")[0]:
        text = _("The address is right, but not how often it is tried again, or where it turns when we do not answer.")
        return Step("bad", text, _("Set the addresses below, or let us set them."))
    text = _("The provider calls another address: expected %(wanted)s, got %(found)s.")
    words = {"wanted": wanted.messages, "found": found.messages[:300]}
    return Step("bad", text % words, _("Set the addresses below, or let us set them."))


def _calls_elsewhere(found: Webhooks, wanted: Webhooks) -> Step:
    advice = _("If callers should reach colleagues through Fonal, set the addresses below, or let us set them; else leave it.")
    if found.voice.partition("#")[0] == wanted.voice.partition("#")[0]:
        advice = _("Set the addresses below, or let us set them.")
        return Step("bad", _("Messages come to us, and calls; but not how a call ended, or not when we do not answer."), advice)
    if not found.voice:
        return Step("todo", _("Incoming messages come to us; the provider calls nobody when somebody rings."), advice)
    text = _("Incoming messages come to us; calls go elsewhere: %(found)s.") % {"found": found.voice[:300]}
    return Step("todo", text, advice)


def _away(problem: Exception) -> Step:
    text = _("The provider can't be asked now (%(problem)s).") % {"problem": problem}
    return Step("bad", text, _("Try again in a minute. If it stays so, this machine can't reach the provider's API."))


def _waits() -> Step:
    return Step("todo", _("First the step before."))


# --- What has come of it here -----------------------------------------------------------------


def look_here(line: Line, *, since: datetime, test: Message | None) -> LiveCheck:
    sent, received = _sent(test), _received(line, since)
    return LiveCheck(sent, received, _refused(line, since), is_over={sent.state, received.state} <= {"ok", "none"})


def _sent(test: Message | None) -> Step:
    if test is None:
        return Step("todo", _("No test sent yet."))
    state = {"state": Status(test.status).label}
    if test.status in ARRIVED:
        return Step("ok", _("The test was delivered."))
    if test.status == Status.SENT:
        return Step("todo", _("The provider took it; now its report must come (%(state)s).") % state)
    if test.status in FAILED:
        why = Reason(test.reason).label if test.reason in Reason.values else Reason.OTHER.label
        text = _("The test did not arrive: %(why)s.") % {"why": why}
        return Step("bad", text, _("Try a phone of another network. If that fails too, the line may not send there."))
    if test.status == Status.HELD:
        return Step(
            "bad", _("The line is held: the provider refused its account."), _("Mend the credentials, then release the line.")
        )
    return Step("todo", _("On its way: %(state)s.") % state)


def _received(line: Line, since: datetime) -> Step:
    if line.is_one_way:
        return Step("none", _("A sender name can't be answered: nothing comes in, and nothing need be set."))
    good = WebhookReceipt.objects.filter(line_id=line.pk, signature_ok=True, received_at__gt=since)
    if good.filter(kind="message", outcome__in=ORDINARY_OUTCOMES).exists():
        return Step("ok", _("An SMS came in, with a good signature."))
    return Step("todo", _("Text this number now from any phone. This turns green by itself."))


def _refused(line: Line, since: datetime) -> list[Step]:
    # Also what was signed, and yet could not be used: another number's.
    received = WebhookReceipt.objects.filter(line_id=line.pk, received_at__gt=since).order_by("-received_at")
    refused = received.exclude(outcome__in=[*ORDINARY_OUTCOMES, *PUZZLING])
    steps: dict[tuple[str, str], Step] = {}
    for receipt in refused[:50]:
        step = Step("bad", *explained(receipt, line))
        steps.setdefault((step.text, step.advice), step)
    return list(steps.values())[:SHOWN_REFUSALS]
