"""The cast: Kontakt Kft. with dana (colleague), bela (colleague), sam (supervisor), ada (administrator), aron (auditor);
eve belongs to another subscriber; oper is the operator's staff. Boti is a customer."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection

from server.accounts.models import Activation, AuditEntry, Role, Subscriber, User
from server.accounts.only_added_to import statements_off, statements_on
from server.contacts.models import Contact
from server.lines.models import Line, LineAccess
from server.messaging.inbound import conversation_between, receive_sms

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
PASSWORD = "tavaszi-szel-vizet"
BOTI = "+36309990001"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """The fault tests stay together on one worker: their clusters are started once.

    Under pytest 9.2 xdist 3.8 no longer sees its own group marks (pytest-dev/pytest-xdist#1386).
    """
    from xdist.scheduler import LoadGroupScheduling

    class Scheduling(LoadGroupScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "faults" if "/faults/" in nodeid else super()._split_scope(nodeid)

    return Scheduling(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_collection_modifyitems(items) -> None:
    """What takes a worker two minutes begins first: at the end the others would wait for it."""
    items.sort(key=lambda item: "test_on_postgresql" not in item.nodeid)


@pytest.fixture(scope="session", autouse=True)
def the_log_goes_with_its_test() -> Iterator[None]:
    """Between tests that commit, Django empties all tables; from the audit log the database lets nobody take anything."""
    operations = type(connection.ops)
    empty = operations.sql_flush

    def with_the_log(self, style, tables, **options):
        table, vendor = AuditEntry._meta.db_table, self.connection.vendor
        return [*statements_off(table, vendor), *empty(self, style, tables, **options), *statements_on(table, vendor)]

    operations.sql_flush = with_the_log
    yield
    operations.sql_flush = empty


@pytest.fixture(autouse=True)
def quick_passwords(settings) -> None:
    """A cast of six would take seconds to hash as production does."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def exports_of_tests(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("exports")


@pytest.fixture(autouse=True)
def exports_folder(settings, exports_of_tests) -> Path:
    """Files that people export are made here, not in the project."""
    exports = settings.STORAGES["exports"] | {"OPTIONS": {"location": exports_of_tests}}
    settings.STORAGES = settings.STORAGES | {"exports": exports}
    return exports_of_tests


@pytest.fixture
def now() -> datetime:
    return NOW


def _subscriber(slug: str, name: str) -> Subscriber:
    subscriber = Subscriber.objects.create(slug=slug, name=name)
    Activation.objects.create(subscriber=subscriber, sms_since=NOW, chat_since=NOW)
    return subscriber


def _user(username: str, role: str, subscriber: Subscriber | None, language: str = "en") -> User:
    return User.objects.create_user(
        username=username, password=PASSWORD, name=username.title(), role=role, subscriber=subscriber, language=language
    )


@pytest.fixture
def kontakt(db) -> Subscriber:
    return _subscriber("kontakt", "Kontakt Kft.")


@pytest.fixture
def rival(db) -> Subscriber:
    return _subscriber("rival", "Rival Zrt.")


@pytest.fixture
def line(kontakt) -> Line:
    """The shared line, on the simulator provider."""
    return Line.objects.create(subscriber=kontakt, number="+36301110001", label="Support", provider="simulator")


@pytest.fixture
def sales_line(kontakt) -> Line:
    """A line that dana was not given."""
    return Line.objects.create(subscriber=kontakt, number="+36301110002", label="Sales", provider="simulator")


@pytest.fixture
def rival_line(rival) -> Line:
    return Line.objects.create(subscriber=rival, number="+36301119999", label="Rival", provider="simulator")


@pytest.fixture
def twilio_line(kontakt) -> Line:
    return Line.objects.create(
        subscriber=kontakt,
        number="+36301110003",
        label="Twilio",
        provider="twilio",
        account_sid="AC" + "0123456789abcdef" * 2,
        auth_token="12345",
    )


@pytest.fixture
def dana(kontakt, line) -> User:
    user = _user("dana", Role.COLLEAGUE, kontakt)
    LineAccess.objects.create(line=line, user=user)
    return user


@pytest.fixture
def bela(kontakt, line) -> User:
    user = _user("bela", Role.COLLEAGUE, kontakt, language="hu")
    LineAccess.objects.create(line=line, user=user)
    return user


@pytest.fixture
def sam(kontakt) -> User:
    return _user("sam", Role.SUPERVISOR, kontakt)


@pytest.fixture
def aron(kontakt) -> User:
    return _user("aron", Role.AUDITOR, kontakt)


@pytest.fixture
def ada(kontakt) -> User:
    return _user("ada", Role.ADMINISTRATOR, kontakt)


@pytest.fixture
def eve(rival, rival_line) -> User:
    user = _user("eve", Role.COLLEAGUE, rival)
    LineAccess.objects.create(line=rival_line, user=user)
    return user


@pytest.fixture
def oper(db) -> User:
    return User.objects.create_superuser("oper", password=PASSWORD, name="Oper")


@pytest.fixture
def boti(kontakt) -> Contact:
    return Contact.objects.create(subscriber=kontakt, number=BOTI, name="Kiss Boti", created_at=NOW)


@pytest.fixture
def conversation(line, boti):
    return conversation_between(line=line, contact=boti, now=NOW)


@pytest.fixture
def boti_texts(line, boti):
    """Boti texts the shared line: `boti_texts("Szia!")` returns the stored message."""

    def text(body: str, *, at: datetime = NOW, to: Line = line, sender: str = BOTI):
        return receive_sms(
            line=to, provider_account="simulator:", provider_message_id=uuid.uuid4().hex, sender=sender, body=body, now=at
        ).message

    return text
