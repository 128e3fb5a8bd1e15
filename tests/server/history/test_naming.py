"""Whatever is looked for, a statement names no more rows than SQLite takes, as whoever builds it may have left it."""

from __future__ import annotations

import sqlite3

import pytest
from django.db import connection

from server.contacts.models import Contact
from server.history.filter import HistoryFilter
from server.history.rows import number_of, page_of
from server.history.threads import in_threads
from server.messaging.models import Conversation, Direction, Message, Note, Status
from tests.conftest import NOW

WORDS = "one two three four five six seven eight"


@pytest.fixture
def smallest_sqlite(db):
    """Debian's and Python's own take 250,000 values in a statement, SQLite as its makers give it 32,766."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    usual = connection.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)
    yield
    connection.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, usual)


def named_and_texted(line, author, number: int) -> None:
    """So many contacts, each of whom has all the words in the name, in a note's thread and in a message."""
    ours = {"subscriber": line.subscriber, "created_at": NOW}
    contacts = Contact.objects.bulk_create([Contact(number=f"+3630{n:07}", name=WORDS, **ours) for n in range(number)])
    threads = Conversation.objects.bulk_create([
        Conversation(line=line, contact=contact, latest_at=NOW, **ours) for contact in contacts
    ])  # fmt: skip
    said = {"line": line, "direction": Direction.IN, "status": Status.RECEIVED, "body": WORDS}
    Message.objects.bulk_create([Message(conversation=thread, **said, **ours) for thread in threads])
    Note.objects.bulk_create([Note(conversation=thread, author=author, body="n", created_at=NOW) for thread in threads])


# As many as are named at most on SQLite, and as many as would be too many of eight words.
@pytest.mark.parametrize("number", [2000, 4200])
def test_what_everybody_has_is_found(smallest_sqlite, line, sam, number):
    named_and_texted(line, sam, number)
    for text in (WORDS, "one two three", "one"):
        wanted = HistoryFilter.read({"q": text, "number": "3630", "note": "1"})
        assert number_of(sam, wanted) == number
        assert len(page_of(sam, wanted, size=50)) == 50
        assert Conversation.objects.filter(in_threads(sam.subscriber, text)).count() == number
