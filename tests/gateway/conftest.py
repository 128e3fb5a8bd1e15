from __future__ import annotations

import contextlib
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from django.db import connection, connections
from django.utils import timezone

from gateway import refusals
from gateway.sending import send_due
from server.messaging.inbound import conversation_between, receive_sms
from server.messaging.models import Conversation, Message
from server.messaging.outbound import queue_sms
from tests.conftest import BOTI
from tests.gateway.fake_twilio import FakeTwilio
from tests.gateway.twilio_webhooks import PUBLIC_URL, TwilioWebhooks


@pytest.fixture(autouse=True)
def public_url(settings) -> str:
    settings.PUBLIC_URL = PUBLIC_URL
    return PUBLIC_URL


@pytest.fixture(autouse=True)
def nothing_refused_before() -> None:
    """Each test's line has the number of the last test's."""
    refusals._kept.clear()


@pytest.fixture
def on_file(transactional_db, tmp_path) -> Iterator[None]:
    """For tests with threads: SQLite in memory does not make them wait for one another, a file does."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    in_memory = connections["default"]
    with contextlib.closing(sqlite3.connect(tmp_path / "threads.sqlite3")) as copy:
        in_memory.connection.backup(copy)
    settings = connections.settings["default"]
    name, settings["NAME"] = settings["NAME"], str(tmp_path / "threads.sqlite3")
    connections["default"] = connections.create_connection("default")
    yield
    connections["default"].close()
    settings["NAME"] = name
    connections["default"] = in_memory


@pytest.fixture
def twilio(twilio_line, settings) -> Iterator[FakeTwilio]:
    with FakeTwilio({twilio_line.account_sid: twilio_line.auth_token}) as fake:
        settings.TWILIO_API_BASE_URL = fake.url
        yield fake


@pytest.fixture
def twilio_conversation(twilio_line, boti) -> Conversation:
    return conversation_between(line=twilio_line, contact=boti, now=timezone.now())


@pytest.fixture
def queued(twilio_conversation) -> Callable[..., Message]:
    """Dana writes to Boti on the Twilio line: `queued("Szia!")` returns the message in the outbox."""

    def queue(body: str = "Szia, Boti!", conversation: Conversation = twilio_conversation) -> Message:
        return queue_sms(uuid=uuid.uuid4(), conversation=conversation, body=body, author=None, now=timezone.now())

    return queue


@pytest.fixture
def sent(queued) -> Callable[..., Message]:
    """As `queued`, and the dispatcher has been."""

    def send(body: str = "Szia, Boti!") -> Message:
        message = queued(body)
        send_due()
        message.refresh_from_db()
        return message

    return send


@pytest.fixture
def webhooks(twilio_line) -> TwilioWebhooks:
    return TwilioWebhooks(twilio_line)


@pytest.fixture
def boti_texted(twilio_line) -> Callable[..., Message]:
    def text(body: str = "Szia!", at: datetime | None = None) -> Message:
        return receive_sms(
            line=twilio_line,
            provider_account=f"twilio:{twilio_line.account_sid}",
            provider_message_id=f"SM{uuid.uuid4().hex}",
            sender=BOTI,
            body=body,
            now=at or timezone.now(),
        ).message

    return text
