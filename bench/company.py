"""The company that is measured: a line that Twilio serves, and colleagues who are logged in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
ACCOUNT_SID = "AC0123456789abcdef0123456789abcdef"


def settings(*, database_url: str, port: int = 8000) -> dict[str, str]:
    """The environment of every process that takes part."""
    return {
        "DJANGO_SETTINGS_MODULE": "server.settings",
        "DATABASE_URL": database_url,
        "REDIS_URL": "",
        "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "LOG_LEVEL": "WARNING",
        # Nothing but what is under measure.
        "LIVE_HEARTBEAT_SECONDS": "3600",
        "LIVE_RECHECK_SECONDS": "3600",
    }


@dataclass(frozen=True)
class Company:
    line: Any
    # One session key for each colleague; they are supervisors, who see every line.
    sessions: list[str]

    @property
    def webhook_path(self) -> str:
        return f"/gateway/twilio/{self.line.key}/messages/"

    def receives(self, *, sender: str, message_id: str, body: str = "Jó napot! Mikor vannak nyitva szombaton?") -> None:
        """A customer's text, stored as a webhook would."""
        from django.utils import timezone

        from server.messaging.inbound import receive_sms

        receive_sms(
            line=self.line,
            provider_account=f"twilio:{ACCOUNT_SID}",
            provider_message_id=message_id,
            sender=sender,
            body=body,
            now=timezone.now(),
        )

    def last_event(self) -> int:
        from server.accounts.models import Subscriber

        return Subscriber.objects.values_list("last_event", flat=True).get(pk=self.line.subscriber_id)


def found(*, environment: dict[str, str], colleagues: int = 0, senders: Iterable[str] = ()) -> Company:
    """Set Django up in this process, migrate, and make the company, with a conversation for each of the senders."""
    os.environ.update(environment)
    import django

    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from server.accounts.models import Activation, Subscriber
    from server.lines.models import Line

    call_command("migrate", verbosity=0)
    subscriber = Subscriber.objects.create(slug="bench", name="Bench Kft.")
    Activation.objects.create(subscriber=subscriber, sms_since=timezone.now(), chat_since=timezone.now())
    line = Line.objects.create(
        subscriber=subscriber,
        number="+36301110001",
        label="Support",
        provider="twilio",
        account_sid=ACCOUNT_SID,
        auth_token=AUTH_TOKEN,
    )
    company = Company(line, _sessions_of(_colleagues(subscriber, colleagues)))
    for sender in senders:
        company.receives(sender=sender, message_id=f"before {sender}")
    return company


def _colleagues(subscriber: Any, number: int) -> list[Any]:
    from server.accounts.models import Role, User

    people = [
        User(username=f"user{i}", password="!", name=f"User {i}", role=Role.SUPERVISOR, subscriber=subscriber, language="hu")
        for i in range(number)
    ]
    return User.objects.bulk_create(people)


def _sessions_of(people: list[Any]) -> list[str]:
    """Logged in by writing the sessions: the log-in form would only cost time."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    keys = []
    for user in people:
        session = SessionStore()
        session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session.create()
        keys.append(session.session_key)
    return keys
