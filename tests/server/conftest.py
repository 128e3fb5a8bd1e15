"""What the tests of the server's rooms share: several people at the same moment, and messages on their way."""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from server.accounts.models import User
from server.messaging.delivery import Report, apply_delivery_report
from server.messaging.models import Conversation, Message, Status
from server.messaging.outbound import queue_sms
from server.messaging.sending import claim_next, mark_sent
from tests.conftest import NOW


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """Nobody logs in here, and a good password hash is slow on purpose."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def many_hands(transactional_db, tmp_path) -> Iterator[Callable[..., list[Any]]]:
    """`many_hands(call, call, …)` makes the calls on a thread each, at the same moment, and returns what they returned or raised.

    SQLite gets a file for it: one in memory is shared by threads in a way that no installation uses.
    """
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        in_memory, name = connection.connection, connection.settings_dict["NAME"]
        with sqlite3.connect(tmp_path / "rows.sqlite3") as copy:
            in_memory.backup(copy)
        copy.close()
        connection.connection = None
        connection.settings_dict["NAME"] = str(tmp_path / "rows.sqlite3")
        yield _at_once
        connection.close()
        connection.settings_dict["NAME"], connection.connection = name, in_memory
    else:
        yield _at_once


def _at_once(*calls: Callable[[], Any]) -> list[Any]:
    results: list[Any] = [None] * len(calls)
    start = threading.Barrier(len(calls))

    def run(place: int, call: Callable[[], Any]) -> None:
        try:
            start.wait(timeout=30)
            results[place] = call()
        except Exception as problem:
            results[place] = problem
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each, daemon=True) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive(), "a thread hangs"
    return results


@pytest.fixture
def overtaken(many_hands) -> Callable[..., Any]:
    """`overtaken(first, second)`: the second begins while the first is not committed, and returns what it returned or raised."""

    def overtaken(first: Callable[[], Any], second: Callable[[], Any]) -> Any:
        results: list[Any] = []

        def run() -> None:
            try:
                results.append(second())
            except Exception as problem:
                results.append(problem)
            finally:
                connection.close()

        thread = threading.Thread(target=run, daemon=True)
        with transaction.atomic():
            first()
            thread.start()
            # On SQLite nobody gets in before we are done; on PostgreSQL it goes as far as a row of ours.
            while connection.vendor == "postgresql" and thread.is_alive() and not _somebody_waits():
                pass
        thread.join(timeout=60)
        assert not thread.is_alive(), "a thread hangs"
        return results[0]

    return overtaken


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        # Within a transaction one sees the same as at the first look.
        found = cursor.fetchone()
        cursor.execute("SELECT pg_stat_clear_snapshot()")
    return bool(found)


@pytest.fixture
def queue(conversation, dana):
    """`queue("Szia")` queues dana's text to Boti."""

    def queue(
        body: str = "Jövünk!",
        *,
        at: datetime = NOW,
        by: User | None = dana,
        to: Conversation = conversation,
        id: uuid.UUID | None = None,  # noqa: A002
        seen: int | None = None,
    ) -> Message:
        return queue_sms(uuid=id or uuid.uuid4(), conversation=to, body=body, author=by, now=at, seen=seen)

    return queue


@pytest.fixture
def claim():
    """`claim()` claims the next message for a dispatcher."""

    def claim(*, at: datetime = NOW, by: str = "one") -> Message | None:
        return claim_next(by=by, now=at)

    return claim


@pytest.fixture
def send(queue, claim):
    """`send("Szia")` queues a text and has the provider accept it as SM1, SM2, …"""
    numbers = iter(range(1, 10_000))

    def send(body: str = "Jövünk!", *, at: datetime = NOW, **more: Any) -> Message:
        queued = queue(body, at=at, **more)
        message = claim(at=at)
        assert message is not None
        assert message.pk == queued.pk
        assert mark_sent(message=message, provider_account="simulator:", provider_message_id=f"SM{next(numbers)}", now=at)
        return message

    return send


@pytest.fixture
def report(line):
    """`report(message, Status.DELIVERED)` is what the provider says of it."""

    def report(
        message: Message, status: Status, *, sid: str | None = None, at: datetime = NOW, reason: str = "", code: str = ""
    ) -> Message | None:
        message.refresh_from_db()
        said = Report(
            status=status,
            provider_status=str(status),
            provider_message_id=message.provider_message_id if sid is None else sid,
            provider_account="simulator:",
            provider_code=code,
            reason=reason,
            raw={"MessageStatus": str(status)},
        )
        return apply_delivery_report(line=line, uuid=message.uuid, report=said, now=at)

    return report


def later(**much: float) -> datetime:
    return NOW + timedelta(**much)
