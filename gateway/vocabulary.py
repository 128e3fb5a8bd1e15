"""Our words for what passes between us and a provider; a provider's own words stop at its file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from server.messaging.models import Status


# What became of a webhook, in the ordinary course of things; whatever else a receipt says wants somebody's attention.
ORDINARY_OUTCOMES = ("stored", "known already", "applied")
# Under which name the receipts of telephone exchanges are kept: none of our providers.
EXCHANGE = "pbx"


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundSms:
    """A customer's SMS as a provider told it; `raw` keeps every parameter, known or not."""

    provider_message_id: str
    sender: str
    recipient: str
    body: str
    media: tuple[dict[str, Any], ...] = ()
    sent_at: datetime | None = None
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundSms:
    """What a provider needs to send one message; `callback_url` carries our uuid."""

    uuid: UUID
    sender: str
    recipient: str
    body: str
    callback_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The provider took the message."""

    provider_message_id: str
    segments: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSms:
    """An outbound message found in the provider's own list."""

    provider_message_id: str
    recipient: str
    body: str
    created_at: datetime
    status: Status
    provider_status: str
    provider_code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """What a provider calls when a customer texts or calls a number; an empty address: nothing."""

    messages: str
    # Where it turns when that address does not answer.
    fallback: str = ""
    # What a caller hears, where it turns when that address does not answer, and where it tells how the call ended.
    voice: str = ""
    voice_fallback: str = ""
    voice_status: str = ""

    @property
    def of_messages(self) -> tuple[str, str]:
        return self.messages, self.fallback

    @property
    def of_calls(self) -> tuple[str, str, str]:
        return self.voice, self.voice_fallback, self.voice_status

    @property
    def without_calls(self) -> Webhooks:
        return replace(self, voice="", voice_fallback="", voice_status="")


class WebhookRefused(Exception):
    """The request is not an honest webhook of this line; answered with `status`.

    `is_proved` when it was the provider's all the same, and only lacks what it must have; `signed_for` is the
    address that it was signed for, where that was not ours.
    """

    def __init__(self, outcome: str, status: int = 403, signed_for: str = "") -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.status = status
        self.is_proved = False
        self.signed_for = signed_for


class WordUnknown(Exception):
    """A provider used a word that we have no translation for; kept and logged, never an error."""


class LookFailed(Exception):
    """The provider's list could not be read now; nothing follows from it."""


class NoList(LookFailed):
    """This provider keeps no list of messages that could be asked."""


class NumberUnknown(LookFailed):
    """The number is none of this account's."""


class NotForgotten(Exception):
    """The provider has not said that it forgot a message: ask again later."""


class SendError(Exception):
    """The provider did not say that it took the message."""


class NotTaken(SendError):
    """Surely not taken (429, refused connection, DNS): try again after `retry_after` seconds, or when we think fit."""

    def __init__(self, outcome: str, retry_after: float | None = None) -> None:
        super().__init__(outcome)
        self.retry_after = retry_after


class Refused(SendError):
    """Refused for good; `reason` is one of server.messaging.reasons.Reason."""

    def __init__(self, reason: str, provider_code: str = "") -> None:
        super().__init__(f"{reason} {provider_code}".strip())
        self.reason = reason
        self.provider_code = provider_code


class OutcomeUnknown(SendError):
    """The connection broke, or the answer made no sense, after the request may have been read."""


class AccountRefused(SendError):
    """Our credentials are refused (401, 403, unknown account): nothing of this line can go out."""
