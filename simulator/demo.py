"""Loading the demo company, and its people for the log-in page."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import OuterRef, Q, Subquery

from gateway.models import SimulatedSms
from gateway.providers.simulator import ACCOUNT
from server import sms
from server.accounts.models import Activation, Role, Subscriber, Team, User, record_audit
from server.accounts.provisioning import SWITCHED
from server.contacts.models import Contact, OptOut
from server.contacts.optout import Wish, wish_of
from server.events.log import record
from server.events.models import Kind
from server.lines.models import Line, LineAccess
from server.messaging.conversations import mentioned_in
from server.messaging.models import (
    Activity,
    ActivityKind,
    CannedText,
    Conversation,
    Direction,
    Draft,
    Message,
    Note,
    Origin,
    ReadMarker,
    Status,
)
from simulator import company, story
from simulator.calls import load_calls
from simulator.neighbour import load_neighbour
from simulator.partners import load_partners
from simulator.rules import load_rules

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from simulator.threads import Thread, Told

# Refused at the door (never handed to a network): our reason and the code that a provider gives for it.
REFUSED = {
    "invalid_number": "21211",
    "not_mobile": "21614",
    "region_off": "21408",
    "bad_sender": "21606",
    "opted_out": "21610",
    "too_long": "21617",
    "queue_full": "30001",
    "account": "30002",
    "absent": "",
    "ambiguous": "",
    # Refused by ourselves: no provider has a code for it.
    "daily_limit": "",
    "not_allowed": "",
}
UNDELIVERED = {
    "unreachable": "30003",
    "blocked": "30004",
    "unknown_phone": "30005",
    "filtered": "30007",
    "other": "30008",
    "expired": "30036",
}
SEED = "Rokolya"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the demo's log-in page offers by one click."""

    username: str
    name: str
    role_label: str
    language: str

    @property
    def initials(self) -> str:
        return self.name[:1]


def people() -> list[Person]:
    """The demo's people: colleagues, supervisor, administrator, operator; none before the demo is loaded."""
    order = [colleague.username for colleague in company.STAFF]
    users = sorted(demo_users(), key=lambda user: order.index(user.username) if user.username in order else len(order))
    return [Person(user.username, user.name, str(user.get_role_display()), user.language) for user in users]


def demo_users() -> QuerySet[User]:
    """Who may be logged in by one click: the demo company's people, and its operator."""
    operator = Q(username=company.OPERATOR, role=Role.OPERATOR)
    if not Subscriber.objects.filter(slug=company.SLUG).exists():
        return User.objects.none()
    return User.objects.filter(Q(subscriber__slug=company.SLUG) | operator, is_active=True)


def load_demo(*, now: datetime) -> Subscriber | None:
    """Load the company with its people, lines and six months of conversations; None when it is already there."""
    if Subscriber.objects.filter(slug=company.SLUG).exists():
        return None
    rng = Random(SEED)  # noqa: S311 -- invented texts, no secrets
    with transaction.atomic():
        subscriber = Subscriber.objects.create(slug=company.SLUG, name=company.NAME, opening_hours=company.OPENING_HOURS)
        Activation.objects.create(subscriber=subscriber, sms_since=now - timedelta(days=200), chat_since=now - timedelta(days=200))
        password_hash = make_password(company.PASSWORD)
        users = _load_people(subscriber, password_hash)
        lines = _load_lines(subscriber, users)
        _load_canned_texts(subscriber, users, now)
        _Loader(subscriber, users, lines, now, rng).load(story.threads(now=now, rng=rng))
        load_partners(subscriber=subscriber, users=users, lines=lines, now=now)
        load_rules(subscriber=subscriber, users=users, now=now - timedelta(days=40))
        load_calls(subscriber=subscriber, lines=lines, now=now, rng=Random(f"{SEED} calls"))  # noqa: S311
        # Chosen since: the calls before were told as usual.
        for username, ways in company.HEAR_OF_CALLS_BY.items():
            User.objects.filter(pk=users[username].pk).update(hears_of_calls_by=ways)
        _note_switches(subscriber, now)
        load_neighbour(password_hash=password_hash, now=now)
        # One summary for all of it: whoever looks on draws the page anew.
        record(subscriber_id=subscriber.pk, kind=Kind.PHONEBOOK_CHANGED, at=now)
    return subscriber


def _load_people(subscriber: Subscriber, password: str) -> dict[str, User]:
    users = {
        colleague.username: User.objects.create(
            username=colleague.username,
            password=password,
            name=colleague.name,
            role=colleague.role,
            language=colleague.language,
            phone=colleague.phone,
            email=f"{colleague.username}@rokolya.example",
            subscriber=subscriber,
        )
        for colleague in company.STAFF
    }
    User.objects.get_or_create(
        username=company.OPERATOR,
        defaults={"password": password, "name": "Olívia", "role": Role.OPERATOR, "is_staff": True, "is_superuser": True},
    )
    for name, members in company.TEAMS.items():
        Team.objects.create(subscriber=subscriber, name=name).members.set(users[username] for username in members)
    return users


def _note_switches(subscriber: Subscriber, now: datetime) -> None:
    record_audit(
        action=SWITCHED,
        at=now - timedelta(days=200),
        actor=User.objects.filter(username=company.OPERATOR, role=Role.OPERATOR).first(),
        subscriber=subscriber,
        target=subscriber.slug,
        changed=["sms on", "chat on"],
        because="Szerződés: 2026/31",
    )


def _load_lines(subscriber: Subscriber, users: dict[str, User]) -> dict[str, Line]:
    lines = {
        key: Line.objects.create(
            subscriber=subscriber, number=number, label=label, provider="simulator", countries=[*company.COUNTRIES]
        )
        for key, (number, label) in company.LINES.items()
    }
    for colleague in company.STAFF:
        for key in colleague.lines:
            LineAccess.objects.create(line=lines[key], user=users[colleague.username])
    return lines


def _load_canned_texts(subscriber: Subscriber, users: dict[str, User], now: datetime) -> None:
    CannedText.objects.bulk_create(
        CannedText(subscriber=subscriber, owner=users.get(owner), title=title, body=body, updated_at=now)
        for owner, title, body in company.CANNED_TEXTS
    )


class _Loader:
    """Writes threads as rows, many at once: nobody is looking yet, so no event is needed for each."""

    def __init__(self, subscriber: Subscriber, users: dict[str, User], lines: dict[str, Line], now: datetime, rng: Random) -> None:
        self.subscriber, self.users, self.lines, self.now, self.rng = subscriber, users, lines, now, rng

    def load(self, threads: list[Thread]) -> None:
        contacts = self._contacts(threads)
        pairs = [(thread, self._conversation(thread, contacts[thread.persona.number])) for thread in threads]
        Conversation.objects.bulk_create(conversation for _, conversation in pairs)
        self._messages(pairs)
        self._markers_and_drafts(pairs)
        self._notes(pairs)
        self._activities(pairs)

    def _contacts(self, threads: list[Thread]) -> dict[str, Contact]:
        contacts: dict[str, Contact] = {}
        for thread in threads:
            persona = thread.persona
            contacts.setdefault(
                persona.number,
                Contact(
                    subscriber=self.subscriber,
                    number=persona.number,
                    name=persona.name if persona.is_known else "",
                    company=persona.company if persona.is_known else "",
                    note=thread.note,
                    created_at=thread.told[0].at,
                ),
            )
        for colleague in company.STAFF:
            contacts[colleague.phone] = Contact(
                subscriber=self.subscriber, number=colleague.phone, name=colleague.name, company=company.NAME, created_at=self.now
            )
        Contact.objects.bulk_create(contacts.values())
        return contacts

    def _conversation(self, thread: Thread, contact: Contact) -> Conversation:
        conversation = Conversation(
            subscriber=self.subscriber,
            line=self.lines[thread.line],
            contact=contact,
            assignee=self.users.get(thread.assignee),
            latest_at=thread.messages[-1].at,
            created_at=thread.told[0].at,
        )
        for told in thread.messages:
            if told.kind == "in":
                conversation.inbound_count += 1
                stops = wish_of(told.text) is Wish.STOP
                conversation.waiting_since = None if stops else conversation.waiting_since or told.at
            else:
                conversation.waiting_since, conversation.has_failed = None, told.fate in REFUSED or told.fate in UNDELIVERED
        if thread.done_by:
            conversation.waiting_since = None
            conversation.done_at = None if thread.reopened_by else _finished_at(thread)
        return conversation

    def _messages(self, pairs: list[tuple[Thread, Conversation]]) -> None:
        told = sorted(
            ((told, conversation) for thread, conversation in pairs for told in thread.messages), key=lambda pair: pair[0].at
        )
        # Ids in the order of time, as if they had come one by one: threads are paged by id.
        messages = Message.objects.bulk_create([self._message(each, conversation) for each, conversation in told], batch_size=500)
        newest = Message.objects.filter(conversation=OuterRef("pk")).order_by("-id").values("pk")[:1]
        Conversation.objects.filter(subscriber=self.subscriber).update(latest_message=Subquery(newest))
        self._provider_knows(messages)

    def _provider_knows(self, messages: list[Message]) -> None:
        SimulatedSms.objects.bulk_create(
            [
                SimulatedSms(
                    line=message.conversation.line,
                    number=message.conversation.contact.number,
                    direction=message.direction,
                    body=message.body,
                    uuid=None if message.is_inbound else message.uuid,
                    provider_message_id=message.provider_message_id,
                    # The phone shows what arrived, whether or not we were told so.
                    status=Status.DELIVERED if message.status == Status.SENT else message.status,
                    created_at=message.created_at,
                )
                for message in messages
                if message.provider_message_id
            ],
            batch_size=500,
        )

    def _message(self, told: Told, conversation: Conversation) -> Message:
        count = sms.count_segments(told.text)
        message = Message(
            uuid=uuid.UUID(int=self.rng.getrandbits(128), version=4),
            subscriber=self.subscriber,
            conversation=conversation,
            line_id=conversation.line_id,
            direction=Direction.IN if told.kind == "in" else Direction.OUT,
            status=Status.RECEIVED,
            body=told.text,
            media=told.media,
            origin=Origin.RECOVERED if told.recovered else Origin.PERSON,
            encoding=count.encoding,
            segments=count.segments,
            plain_segments=0 if told.kind == "in" else sms.count_segments(sms.unaccent(told.text)).segments,
            created_at=told.at,
        )
        if told.kind == "out":
            self._send(message, told)
        if message.is_inbound or message.sent_at:
            message.provider_account, message.provider_message_id = ACCOUNT, f"SIM{self.rng.getrandbits(128):032x}"
        return message

    def _send(self, message: Message, told: Told) -> None:
        message.author = self.users[told.author]
        message.attempts, message.attempted_at = 1, told.at
        message.sent_at = told.at + timedelta(seconds=self.rng.uniform(0.4, 2.5))
        if told.fate == "sent":
            message.status = Status.SENT
        elif told.fate == "unconfirmed":
            message.status, message.sent_at = Status.UNCONFIRMED, None
            # Looked for once and not found; the next look lies so far ahead that it waits for a person, as a demo should.
            message.absences, message.next_attempt_at = 1, self.now + timedelta(days=365)
        elif told.fate in UNDELIVERED:
            message.status, message.reason, message.provider_code = Status.UNDELIVERED, told.fate, UNDELIVERED[told.fate]
            message.failed_at = told.at + timedelta(seconds=self.rng.uniform(20, 400))
        elif told.fate:
            message.status, message.reason, message.provider_code = Status.FAILED, told.fate, REFUSED[told.fate]
            message.failed_at, message.sent_at = message.sent_at, None
        else:
            message.status, message.delivered_at = Status.DELIVERED, message.sent_at + timedelta(seconds=self.rng.uniform(1.5, 9))

    def _markers_and_drafts(self, pairs: list[tuple[Thread, Conversation]]) -> None:
        ReadMarker.objects.bulk_create(
            [
                ReadMarker(conversation=conversation, user=user, inbound_read=read)
                for thread, conversation in pairs
                for user in self._readers(thread.line)
                if (read := conversation.inbound_count - thread.unread.get(user.username, 0)) > 0
            ],
            batch_size=500,
        )
        Draft.objects.bulk_create(
            Draft(conversation=conversation, user=self.users[username], body=body, updated_at=self.now)
            for thread, conversation in pairs
            for username, body in thread.drafts.items()
        )

    def _readers(self, line: str) -> list[User]:
        return [
            self.users[colleague.username]
            for colleague in company.STAFF
            if line in colleague.lines or self.users[colleague.username].sees_all_lines
        ]

    def _notes(self, pairs: list[tuple[Thread, Conversation]]) -> None:
        for thread, conversation in pairs:
            for told in thread.told:
                if told.kind == "note":
                    note = Note.objects.create(
                        conversation=conversation, author=self.users[told.author], body=told.text, created_at=told.at
                    )
                    note.mentions.set(mentioned_in(told.text, conversation))

    def _activities(self, pairs: list[tuple[Thread, Conversation]]) -> None:
        activities: list[Activity] = []
        for thread, conversation in pairs:
            if thread.assignee:
                user, at = self.users[thread.assignee], _taken_at(thread)
                activities.append(Activity(conversation=conversation, kind=ActivityKind.ASSIGNED, actor=user, subject=user, at=at))
            if thread.done_by:
                done = Activity(
                    conversation=conversation, kind=ActivityKind.DONE, actor=self.users[thread.done_by], at=_finished_at(thread)
                )
                activities.append(done)
            if thread.reopened_by:
                at = _finished_at(thread) + timedelta(minutes=25)
                again = Activity(conversation=conversation, kind=ActivityKind.REOPENED, actor=self.users[thread.reopened_by], at=at)
                activities.append(again)
            activities += self._wishes(thread, conversation)
        Activity.objects.bulk_create(activities)

    def _wishes(self, thread: Thread, conversation: Conversation) -> list[Activity]:
        activities: list[Activity] = []
        for told in thread.messages:
            wish = wish_of(told.text) if told.kind == "in" else None
            if wish is None:
                continue
            opt_outs = OptOut.objects.filter(line=conversation.line, number=conversation.contact.number, ended_at=None)
            if wish is Wish.STOP:
                opt_outs.create(
                    line=conversation.line,
                    number=conversation.contact.number,
                    source="sms",
                    words=told.text,
                    opted_out_at=told.at,
                )
                activities.append(Activity(conversation=conversation, kind=ActivityKind.OPTED_OUT, at=told.at))
            else:
                opt_outs.update(ended_at=told.at)
                activities.append(Activity(conversation=conversation, kind=ActivityKind.OPTED_IN, at=told.at))
        return activities


def _taken_at(thread: Thread) -> datetime:
    """A minute after the text that made somebody take it: the last one that came before our last answer."""
    inbound = [told.at for told in thread.messages if told.kind == "in"]
    return (inbound[-1] if inbound else thread.told[0].at) + timedelta(seconds=40)


def _finished_at(thread: Thread) -> datetime:
    return thread.told[-1].at + timedelta(minutes=3)
