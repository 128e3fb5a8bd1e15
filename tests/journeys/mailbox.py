"""A mail server of the tests' own: what Fonal's task worker sends by SMTP."""

from __future__ import annotations

import threading
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller

from tests.services import free_port

if TYPE_CHECKING:
    from email.message import EmailMessage

# A bound on a test that goes wrong, not a measurement.
PATIENCE_SECONDS = 30


class Mailbox:
    """Takes every letter; `letter_to` waits for one. A `port` of one's own is for who was away, and comes back."""

    def __init__(self, port: int | None = None) -> None:
        self._letters: list[tuple[list[str], EmailMessage]] = []
        self._came = threading.Condition()
        self._server = Controller(self, hostname="127.0.0.1", port=port or free_port())
        self._server.start()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._server.port}"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 -- aiosmtpd's name
        with self._came:
            self._letters.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
            self._came.notify_all()
        return "250 OK"

    def letter_to(self, address: str) -> EmailMessage:
        """The newest letter to an address, once there is one."""
        with self._came:
            assert self._came.wait_for(lambda: self.letters_to(address), PATIENCE_SECONDS), f"no letter to {address}"
            return self.letters_to(address)[-1]

    def close(self) -> None:
        self._server.stop()

    def letters_to(self, address: str) -> list[EmailMessage]:
        """All that have come to an address so far."""
        return [letter for receivers, letter in self._letters if address in receivers]
