"""Sets the stage beside the running server, in a process of its own: companies, people, long histories.

The test process must not touch the server's database (pytest-django keeps it for its own), so it asks
here, one JSON object a line: {"do": "company", ...}; the answer is one line, too. What must be heard
live goes through the server's own doors instead (tests/journeys/cast.py).
"""

from __future__ import annotations

import json
import sys
import traceback
import uuid
from datetime import timedelta
from importlib import import_module
from itertools import batched
from typing import Any
from unittest import mock

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.auth.hashers import PBKDF2PasswordHasher  # noqa: E402
from django.db import transaction  # noqa: E402
from django.utils.timezone import now  # noqa: E402
from django_otp import DEVICE_ID_SESSION_KEY  # noqa: E402
from django_otp.plugins.otp_totp.models import TOTPDevice  # noqa: E402

from gateway.models import SimulatedSms  # noqa: E402
from gateway.providers import simulator  # noqa: E402
from server.accounts.models import Activation, Role, Subscriber, Team, User  # noqa: E402
from server.calls.definition import Definition  # noqa: E402
from server.calls.rules import save_rule  # noqa: E402
from server.contacts.models import Contact  # noqa: E402
from server.contacts.phonebook import record_contacts  # noqa: E402
from server.history import exporting, making  # noqa: E402
from server.history.filter import HistoryFilter  # noqa: E402
from server.history.models import Export, ExportFormat, ExportStatus  # noqa: E402
from server.lines.models import Line, LineAccess  # noqa: E402
from server.messaging.inbound import conversation_between  # noqa: E402
from server.messaging.models import Conversation, Direction, Message, Note, ReadMarker, Status  # noqa: E402

PASSWORD = "tavaszi-szel-vizet"
# One round instead of a million: the tests' own people only, and logging in is not what takes time here.
QUICK_HASH = PBKDF2PasswordHasher().encode(PASSWORD, "journeys", iterations=1)


@transaction.atomic
def company(*, people: list[dict[str, str]], lines: list[dict[str, str]], has_chat: bool = True) -> dict[str, Any]:
    """A fresh company whose people all have all its lines, each with a session that is logged in already."""
    slug = f"kontakt-{uuid.uuid4().hex[:10]}"
    ours = Subscriber.objects.create(slug=slug, name="Kontakt Kft.")
    Activation.objects.create(subscriber=ours, sms_since=now(), chat_since=now() if has_chat else None)
    made_lines = [Line.objects.create(subscriber=ours, provider="simulator", **line) for line in lines]
    return {
        "id": ours.pk,
        "slug": slug,
        "lines": [
            {"id": line.pk, "key": str(line.key), "number": line.number, "label": line.label, "secret": line.pbx_secret}
            for line in made_lines
        ],
        "people": [_person(ours, slug, made_lines, **person) for person in people],
    }


def _person(ours: Subscriber, slug: str, lines: list[Line], *, username: str, **facts: str) -> dict[str, Any]:
    user = User.objects.create(username=f"{username}-{slug}", subscriber=ours, password=QUICK_HASH, **facts)
    LineAccess.objects.bulk_create(LineAccess(line=line, user=user) for line in lines)
    return {"id": user.pk, "username": user.username, "name": user.name, "session": _session_of(user)}


def _session_of(user: User, **more: str) -> str:
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.update(more)
    session.create()
    return session.session_key


def session(*, user: int) -> str:
    """Another device of the same person."""
    return _session_of(User.objects.get(pk=user))


@transaction.atomic
def thread(*, line: int, number: str, name: str = "", said: list[dict[str, Any]], read_by: list[int] = ()) -> dict[str, Any]:
    """A conversation with a history: [{"body", "minutes_ago", "by"?: user id (outgoing, delivered)}], oldest first."""
    ours = Line.objects.get(pk=line)
    contact, _ = Contact.objects.update_or_create(
        subscriber=ours.subscriber, number=number, defaults={"name": name}, create_defaults={"name": name, "created_at": now()}
    )
    conversation = conversation_between(line=ours, contact=contact, now=now())
    uuids = [str(message.uuid) for message in _say(conversation, said)]
    for user in read_by:
        ReadMarker.objects.update_or_create(
            conversation=conversation, user_id=user, defaults={"inbound_read": conversation.inbound_count}
        )
    return {"id": conversation.pk, "uuids": uuids}


def _say(conversation: Conversation, said: list[dict[str, Any]]) -> list[Message]:
    messages = []
    for each in said:
        at = now() - timedelta(minutes=each["minutes_ago"])
        author = each.get("by")
        facts = {"status": Status.DELIVERED, "direction": Direction.OUT, "sent_at": at, "delivered_at": at, "author_id": author}
        if not author:
            facts = {"status": Status.RECEIVED, "direction": Direction.IN}
        body = each["body"]
        messages.append(
            Message(
                subscriber_id=conversation.subscriber_id,
                conversation=conversation,
                line_id=conversation.line_id,
                body=body,
                created_at=at,
                **facts,
            )
        )
    Message.objects.bulk_create(messages)
    _stand_as(conversation, messages)
    return messages


def _stand_as(conversation: Conversation, messages: list[Message]) -> None:
    latest = messages[-1]
    conversation.latest_message, conversation.latest_at = latest, latest.created_at
    conversation.inbound_count = sum(message.is_inbound for message in messages)
    conversation.created_at = messages[0].created_at
    conversation.waiting_since = latest.created_at if latest.is_inbound else None
    conversation.save()


@transaction.atomic
def many_threads(*, line: int, count: int, by: int) -> list[int]:
    """So many answered conversations, "Partner 000" the newest, a minute between each two; their ids, newest first."""
    ours = Line.objects.get(pk=line)
    contacts = Contact.objects.bulk_create(
        Contact(subscriber=ours.subscriber, number=f"+3620{8_000_000 + n}", name=f"Partner {n:03}", created_at=now())
        for n in range(count)
    )
    times = [now() - timedelta(minutes=n + 5) for n in range(count)]
    conversations = Conversation.objects.bulk_create(
        Conversation(subscriber=ours.subscriber, line=ours, contact=contact, latest_at=at, created_at=at)
        for contact, at in zip(contacts, times, strict=True)
    )
    messages = Message.objects.bulk_create(
        Message(
            subscriber=ours.subscriber,
            conversation=conversation,
            line=ours,
            direction=Direction.OUT,
            status=Status.DELIVERED,
            author_id=by,
            body=f"The parcel of {conversation.contact.name} is on its way.",
            created_at=conversation.latest_at,
        )
        for conversation in conversations
    )
    for conversation, message in zip(conversations, messages, strict=True):
        conversation.latest_message = message
    Conversation.objects.bulk_update(conversations, ["latest_message"], batch_size=200)
    return [conversation.pk for conversation in conversations]


@transaction.atomic
def many_messages(*, line: int, number: str, count: int) -> None:
    """So many texts of one customer, the newest an hour ago, a second between each two."""
    ours = Line.objects.get(pk=line)
    contact, _ = Contact.objects.get_or_create(subscriber=ours.subscriber, number=number, defaults={"created_at": now()})
    conversation = conversation_between(line=ours, contact=contact, now=now())
    begin = now() - timedelta(hours=1, seconds=count)
    facts = {"subscriber": ours.subscriber, "line": ours, "direction": Direction.IN, "status": Status.RECEIVED}
    for numbers in batched(range(count), 5000):
        Message.objects.bulk_create(
            Message(conversation=conversation, body=f"Text {n}", created_at=begin + timedelta(seconds=n), **facts) for n in numbers
        )
    _stand_as(conversation, [conversation.messages.latest("created_at")])


def begin_export(*, user: int) -> None:
    """A person's export of everything, as it is while a worker is at it: this one does not come to its end by itself."""
    person = User.objects.get(pk=user)
    with mock.patch.object(exporting, "make_later"):
        export = exporting.request_export(user=person, wanted=HistoryFilter(), format=ExportFormat.XLSX, now=now())
    making._claim(export.pk)
    _keep_alive(user)


def reach(*, user: int, rows: int, of: int) -> None:
    """That worker has made so many rows."""
    export = Export.objects.get(user=user, status=ExportStatus.RUNNING)
    export.rows_done, export.rows_expected = rows, of
    making._Progress(export).say()
    _keep_alive(user)


def _keep_alive(user: int) -> None:
    # Else, after half a minute, the server takes it for dead and makes the file itself.
    Export.objects.filter(user=user).update(seen_at=now() + timedelta(hours=1))


def contact(*, line: int, number: str, name: str) -> None:
    ours = Line.objects.get(pk=line)
    Contact.objects.create(subscriber=ours.subscriber, number=number, name=name, created_at=now())


def name_many(*, line: int, names: dict[str, str]) -> None:
    """Many names at once come into the phone book."""
    record_contacts(subscriber=Line.objects.get(pk=line).subscriber, names=names, now=now())


def own_phone(*, user: int, number: str) -> None:
    """A colleague's own telephone."""
    User.objects.filter(pk=user).update(phone=number)


def let_export(*, line: int) -> None:
    """The line's company lets its colleagues download messages."""
    Subscriber.objects.filter(lines=line).update(colleagues_may_export=True)


def promote(*, user: int) -> None:
    """Somebody becomes a supervisor."""
    User.objects.filter(pk=user).update(role=Role.SUPERVISOR)


def administrate(*, user: int) -> None:
    """Somebody becomes an administrator."""
    User.objects.filter(pk=user).update(role=Role.ADMINISTRATOR)


def audit(*, user: int) -> None:
    """Somebody becomes an auditor."""
    User.objects.filter(pk=user).update(role=Role.AUDITOR)


@transaction.atomic
def call_rules(*, line: int, teams: dict[str, list[int]], rules: list[dict[str, Any]], emails: dict[str, str]) -> None:
    """Teams of people (ids), rules whose steps name teams by their names, and where people (ids) have their mailboxes."""
    ours = Line.objects.get(pk=line).subscriber
    made = {name: Team.objects.create(subscriber=ours, name=name) for name in teams}
    for name, people in teams.items():
        made[name].members.set(people)
    for person, email in emails.items():
        User.objects.filter(pk=person).update(email=email)
    for n, rule in enumerate(rules):
        for step in rule["steps"]:
            step["teams"] = [made[name].pk for name in step.get("teams", [])]
        definition = Definition.from_json(rule)
        save_rule(subscriber=ours, rule=None, name=f"Rule {n}", definition=definition, is_active=True, by=None, now=now())


@transaction.atomic
def promise_was_due(*, line: int, number: str, minutes_ago: int) -> None:
    """The time by which a number was promised to be called back is over."""
    due_at = now() - timedelta(minutes=minutes_ago)
    thread = Conversation.objects.get(line=line, contact__number=number)
    assert thread.promises.filter(kept_at=None).update(due_at=due_at)
    Conversation.objects.filter(pk=thread.pk).update(promised_until=due_at)


def operator() -> dict[str, Any]:
    """One of the operator's staff, both steps of the log-in taken."""
    username = f"olga-{uuid.uuid4().hex[:10]}"
    facts = {"role": Role.OPERATOR, "is_staff": True, "language": "en", "password": QUICK_HASH}
    user = User.objects.create(username=username, name="Olga", **facts)
    device = TOTPDevice.objects.create(user=user, name="app", confirmed=True)
    session = _session_of(user, **{DEVICE_ID_SESSION_KEY: device.persistent_id})
    return {"id": user.pk, "username": username, "name": user.name, "session": session}


def phone(*, number: str, is_on: bool) -> None:
    """The customer switches the phone on or off."""
    simulator.switch_phone(number, is_on)


def arrived(*, line: int) -> list[list[str]]:
    """What the provider was given to send from a line: [number, text], oldest first."""
    given = SimulatedSms.objects.filter(line=line, direction=Direction.OUT).order_by("id")
    return [list(each) for each in given.values_list("number", "body")]


def outgoing(*, line: int) -> list[list[str]]:
    """The line's outgoing messages as we have them: [number, text, status], oldest first."""
    ours = Message.objects.filter(conversation__line=line, direction=Direction.OUT, deleted_at=None).order_by("id")
    return [list(each) for each in ours.values_list("conversation__contact__number", "body", "status")]


def mentioned(*, line: int) -> list[str]:
    """Who was mentioned in the line's notes."""
    return list(Note.objects.filter(conversation__line=line).values_list("mentions__name", flat=True))


VERBS = (
    promise_was_due,
    company,
    session,
    thread,
    many_threads,
    many_messages,
    begin_export,
    reach,
    contact,
    name_many,
    own_phone,
    let_export,
    promote,
    administrate,
    audit,
    call_rules,
    operator,
    phone,
    arrived,
    outgoing,
    mentioned,
)


def main() -> None:
    verbs = {verb.__name__: verb for verb in VERBS}
    for line in sys.stdin:
        wish = json.loads(line)
        try:
            answer = {"done": verbs[wish.pop("do")](**wish)}
        except Exception:
            answer = {"problem": traceback.format_exc()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
