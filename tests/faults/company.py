"""A company with a line at the fake Twilio: what its customers and colleagues do, and what must hold in the end."""

from __future__ import annotations

import itertools
import secrets
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import requests
from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from gateway.models import Chore
from server.accounts.models import Activation, Role, Subscriber, User
from server.contacts.models import Contact
from server.events.models import Event, Kind
from server.lines.models import Line, LineAccess
from server.messaging.inbound import conversation_between
from server.messaging.models import ON_ITS_WAY, Conversation, Direction, Message, Status
from tests.faults.patience import until
from tests.live import logged_in

if TYPE_CHECKING:
    from tests.gateway.fake_twilio import FakeMessage, FakeTwilio
    from tests.services import Server

CSRF = "f" * 32
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Colleague:
    """Somebody with a browser; a web process is named at each request, as a load balancer would choose it."""

    user: User
    session_key: str

    @property
    def cookies(self) -> dict[str, str]:
        return {settings.SESSION_COOKIE_NAME: self.session_key, settings.CSRF_COOKIE_NAME: CSRF}

    def get(self, web: Server, path: str) -> requests.Response:
        return requests.get(web.url + path, cookies=self.cookies, timeout=15)

    def post(self, web: Server, path: str, **form: object) -> requests.Response:
        headers = {"X-CSRFToken": CSRF, "X-Fonal": "frames"}
        return requests.post(web.url + path, data=form, cookies=self.cookies, headers=headers, timeout=15, allow_redirects=False)

    def writes(self, web: Server, conversation: Conversation, body: str, token: uuid.UUID | None = None) -> requests.Response:
        """The composer's POST."""
        return self.post(web, f"/conversations/{conversation.pk}/send/", uuid=token or uuid.uuid4(), body=body)


class Company:
    """Kontakt Kft. anew for each test, so that nothing of another one is in its way."""

    def __init__(self, twilio: FakeTwilio, public_url: str) -> None:
        number = next(_numbers)
        self.twilio, self.public_url = twilio, public_url
        self.subscriber = Subscriber.objects.create(slug=f"kontakt-{number}", name="Kontakt Kft.")
        now = timezone.now()
        Activation.objects.create(subscriber=self.subscriber, sms_since=now, chat_since=now)
        self.line = Line.objects.create(
            subscriber=self.subscriber,
            number=f"+3630111{number:04d}",
            label="Support",
            provider="twilio",
            account_sid=f"AC{secrets.token_hex(16)}",
            auth_token=secrets.token_hex(16),
        )
        twilio.accounts[self.line.account_sid] = self.line.auth_token
        self.dana = self.colleague("dana", language="en")
        self.bela = self.colleague("bela", language="hu")
        self.boti = self.conversation("+36309990001", "Kiss Boti")
        self.kata = self.conversation("+36309990002", "Nagy Kata")

    def close(self) -> None:
        """Nothing more goes out; another test's dispatchers have nothing to do with it."""
        Line.objects.filter(pk=self.line.pk).update(is_active=False)

    # --- Who is there ---
    def colleague(self, name: str, *, language: str = "en") -> Colleague:
        user = User.objects.create_user(
            username=f"{name}-{self.subscriber.slug}",
            name=name.title(),
            role=Role.COLLEAGUE,
            subscriber=self.subscriber,
            language=language,
        )
        LineAccess.objects.create(line=self.line, user=user)
        return Colleague(user, logged_in(user))

    def conversation(self, number: str, name: str) -> Conversation:
        now = timezone.now()
        contact = Contact.objects.create(subscriber=self.subscriber, number=number, name=name, created_at=now)
        return conversation_between(line=self.line, contact=contact, now=now)

    # --- What Twilio does ---
    def text(self, body: str = "Szia!", *, sender: str = "+36309990001") -> dict[str, str]:
        """The form of a webhook, not posted yet."""
        return {
            "MessageSid": f"SM{secrets.token_hex(16)}",
            "AccountSid": self.line.account_sid,
            "From": sender,
            "To": self.line.number,
            "Body": body,
            "NumMedia": "0",
        }

    def webhook(self, web: Server, form: dict[str, str]) -> requests.Response:
        """Post it, signed; whichever web process gets it, Twilio knows one address."""
        path = f"/gateway/twilio/{self.line.key}/messages/"
        headers = self.twilio.signed(self.public_url + path, form, self.line.account_sid)
        return requests.post(web.url + path, data=form, headers=headers, timeout=15)

    def report(self, web: Server, message: FakeMessage, status: str) -> requests.Response:
        """A status callback, at the web process of our choice."""
        url, form, headers = self.twilio.report(message, status)
        return requests.post(url.replace(self.public_url, web.url), data=form, headers=headers, timeout=15)

    @property
    def taken(self) -> list[FakeMessage]:
        """What the provider took from us, in its order."""
        ours = [message for message in self.twilio.messages if message.account_sid == self.line.account_sid]
        return [message for message in ours if message.direction != "inbound"]

    # --- Time ---
    def hurry(self) -> None:
        """What would happen in minutes happens now: pauses, looks at the provider's list, and the chores that do them."""
        now = timezone.now()
        out = self.outbound.filter(Q(status=Status.UNCONFIRMED) | Q(status=Status.QUEUED))
        unconfirmed = out.filter(status=Status.UNCONFIRMED)
        # Six minutes ago: old enough for both looks, young enough to hold back what comes after it.
        unconfirmed.filter(attempted_at__gt=now - timedelta(minutes=5.5)).update(attempted_at=now - timedelta(minutes=6))
        looked_at = unconfirmed.filter(absences__gt=0, next_attempt_at__gt=now - timedelta(minutes=4.5))
        looked_at.update(next_attempt_at=now - timedelta(minutes=5))
        out.filter(status=Status.QUEUED, next_attempt_at__gt=now).update(next_attempt_at=now)
        self.bring_forward("reap leases", "look up unconfirmed")

    def bring_forward(self, *chores: str) -> None:
        now = timezone.now()
        Chore.objects.filter(name__in=chores, due_at__gt=now).update(due_at=now)

    def see_done(self, chore: str) -> None:
        """Have a chore done now, and wait for it."""
        before = Chore.objects.get(name=chore).done_at
        self.bring_forward(chore)
        until(lambda: Chore.objects.get(name=chore).done_at != before, chore)

    def let_leases_run_out(self, *, of_pid: int) -> None:
        """The leases of a process that is dead."""
        held = self.outbound.filter(status=Status.SENDING, lease_by__endswith=f":{of_pid}")
        held.update(lease_until=timezone.now() - timedelta(seconds=1))

    def settle(self) -> None:
        """Hurry until nothing is on its way."""

        def nothing_is_on_its_way() -> bool:
            self.hurry()
            return not self.outbound.filter(status__in=ON_ITS_WAY).exists()

        until(nothing_is_on_its_way, "the outbox is empty")

    # --- What must hold ---
    def ask_anew(self) -> None:
        """The database was away: our own connection to it is gone, too."""
        connection.close()

    @property
    def messages(self):
        return Message.objects.filter(subscriber=self.subscriber).order_by("id")

    @property
    def outbound(self):
        return self.messages.filter(direction=Direction.OUT)

    @property
    def last_event(self) -> int:
        return Subscriber.objects.values_list("last_event", flat=True).get(pk=self.subscriber.pk)

    def has_received_once(self, forms: list[dict[str, str]]) -> None:
        """Each of these texts is one message and one event; no other came in."""
        stored = self.messages.filter(direction=Direction.IN)
        assert Counter(stored.values_list("provider_message_id", "body")) == Counter(
            (form["MessageSid"], form["Body"]) for form in forms
        )
        counts = Conversation.objects.filter(subscriber=self.subscriber).values_list("inbound_count", flat=True)
        assert sum(counts) == len(forms)
        self.log_is_whole()

    def has_sent_once(self, expected: dict[Conversation, list[str]], *, status: Status = Status.SENT) -> None:
        """Each of these texts is at the provider once, in order, and we know under which id."""
        at_provider: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for message in self.taken:
            at_provider[message.to].append((message.body, message.sid))
        for conversation, bodies in expected.items():
            there = at_provider.pop(conversation.contact.number, [])
            assert [body for body, _ in there] == bodies
            ours = self.outbound.filter(conversation=conversation)
            assert list(ours.values_list("body", "provider_message_id")) == there
            assert set(ours.values_list("status", flat=True)) == {status}
        assert not at_provider
        self.log_is_whole()

    def log_is_whole(self) -> None:
        """Numbers without a gap, and every message was announced as new once."""
        events = Event.objects.filter(subscriber=self.subscriber).order_by("number")
        assert list(events.values_list("number", flat=True)) == list(range(1, self.last_event + 1))
        created = events.filter(kind=Kind.MESSAGE_CREATED).values_list("message_id", flat=True)
        assert sorted(created) == list(self.messages.values_list("pk", flat=True))
