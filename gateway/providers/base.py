"""What a provider must be able to do. One provider is one file beside this one and one line in the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

    from gateway.vocabulary import Accepted, InboundSms, ListedSms, OutboundSms, Webhooks
    from server.lines.models import Line
    from server.messaging.delivery import Report


class Provider(Protocol):
    """Translates between a provider's words and ours; holds no state between calls."""

    def account_of(self, line: Line) -> str:
        """The namespace in which the provider's message ids are unique, such as "twilio:AC…"."""

    def verify(self, request: HttpRequest, line: Line) -> None:
        """Raise WebhookRefused unless the request was made by the provider for this line."""

    def parse_message(self, request: HttpRequest, line: Line) -> InboundSms:
        """Read a verified inbound webhook; raises WebhookRefused (400) when it lacks what it must have."""

    def parse_report(self, request: HttpRequest, line: Line) -> Report:
        """Read a verified status webhook; raises WebhookRefused (400), or WordUnknown for a status we have no word for."""

    def answer(self) -> HttpResponse:
        """The answer that the provider expects when all is well."""

    def send(self, line: Line, sms: OutboundSms) -> Accepted:
        """Hand one message over; raises one of the SendError tree."""

    def sent_since(self, line: Line, recipient: str, since: datetime) -> list[ListedSms]:
        """Our outbound messages to a number from the provider's list, for finding unconfirmed ones.

        Raises LookFailed, and NoList when the provider keeps none.
        """

    def received_since(self, line: Line, since: datetime) -> list[InboundSms]:
        """Inbound messages from the provider's list, for those that no webhook brought. Raises LookFailed and NoList likewise."""

    def redact(self, line: Line, provider_message_id: str) -> None:
        """Have the provider forget the text of a message; one that it does not know (any more) is forgotten.

        Raises NotForgotten, and AccountRefused when it lets us in no longer. Asked twice, it has nothing left to do.
        """

    def delete_media(self, line: Line, provider_message_id: str) -> None:
        """Have the provider delete the pictures of a message; raises likewise."""

    def check_account(self, line: Line) -> str:
        """The name of the account that the credentials open; raises AccountRefused, and LookFailed when it can't be asked."""

    def webhooks_for(self, line: Line, address: str) -> Webhooks:
        """What must be set at the provider, so that texts come to `address`, and calls to us where it carries any."""

    def webhooks_of(self, line: Line) -> Webhooks:
        """What is set at the provider now. Raises NumberUnknown, AccountRefused and LookFailed."""

    def set_webhooks(self, line: Line, webhooks: Webhooks) -> None:
        """Set it; without `voice`, calls stay as they are. Raises NumberUnknown, AccountRefused and LookFailed."""
