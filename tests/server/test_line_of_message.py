"""The line that stands on a message is its conversation's: it decides who sees the message, and no database promises it.

A foreign key over both columns would cost each message a look-up more, and a trigger goes with each change of SQLite's
table. So each way to write messages is tried here (the demo company's in tests/simulator), and there must be no other.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from django.db.models import F

from server.messaging.inbound import conversation_between
from server.messaging.models import Conversation, Message, Origin
from server.messaging.outbound import conversation_with, queue_sms
from tests.conftest import BOTI, NOW
from tests.services import ROOT, environment

WRITERS = {"server/messaging/inbound.py", "server/messaging/outbound.py", "simulator/demo.py"}


@pytest.fixture
def threads(line, sales_line, rival_line, boti) -> list[Conversation]:
    """Boti's with two lines of the company, and one with another company's."""
    known = [conversation_between(line=each, contact=boti, now=NOW) for each in (line, sales_line)]
    return [*known, conversation_with(line=rival_line, number=BOTI, now=NOW)]


def test_what_comes_in_stands_on_the_line_it_came_to(threads, boti_texts):
    for thread in threads:
        for sender in (BOTI, "+36205551234", "INFO"):
            assert boti_texts("Szia", to=thread.line, sender=sender).line == thread.line
    assert_each_is_on_its_line(9)


def test_what_is_written_goes_out_and_stands_on_the_line_of_its_thread(threads, sam):
    for thread in threads:
        queue_sms(conversation=thread, body="Szia", author=None, origin=Origin.RULE, now=NOW, uuid=uuid.uuid4())
    for thread in threads[:2]:
        queue_sms(conversation=thread, body="Szia", author=sam, now=NOW, uuid=uuid.uuid4())
    assert_each_is_on_its_line(5)


def test_ten_million_messages_that_are_measured_stand_on_theirs(tmp_path):
    """A few of them, in a process of their own: they are written past the models."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED],
        cwd=ROOT,
        env=environment({"DATABASE_URL": f"sqlite:///{tmp_path}/years.sqlite3", "DJANGO_SETTINGS_MODULE": "server.settings"}),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout.split() == ["2000", "2000"], done.stderr[-2000:]


MEASURED = """
from bench import years
years.load(environment={}, messages=2000, conversations=200)
from django.db.models import F
from server.messaging.models import Message
right = Message.objects.filter(line=F("conversation__line"), subscriber=F("conversation__subscriber"))
print(Message.objects.count(), right.count())
"""


def assert_each_is_on_its_line(number: int) -> None:
    right = Message.objects.filter(line=F("conversation__line"), subscriber=F("conversation__subscriber"))
    assert right.count() == Message.objects.count() == number


def test_nobody_else_writes_messages():
    """A new writer stands here by name, with a test above."""
    sources = [path for folder in ("server", "gateway", "chatui", "simulator") for path in (ROOT / folder).rglob("*.py")]
    written = {str(path.relative_to(ROOT)) for path in sources if "migrations" not in path.parts and _makes_messages(path)}
    assert written == WRITERS


def _makes_messages(path: Path) -> bool:
    calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    making = ("Message", "Message.objects.create", "Message.objects.get_or_create", "Message.objects.update_or_create")
    return any(call in making or (call.startswith("Message.objects") and call.endswith("bulk_create")) for call in calls)
