"""An installation that has rows is brought to today's tables with all of them."""

from __future__ import annotations

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from server.contacts.models import Contact
from server.messaging.models import Message
from tests.conftest import NOW

BEFORE_WORDS = [(room, "0002_names") for room in ("contacts", "messaging", "accounts", "lines")]


def migrate(to):
    executor = MigrationExecutor(connection)
    executor.migrate(to)
    return executor.loader.project_state(to).apps


def test_rows_from_before_the_words_are_found_by_them_afterwards(transactional_db):
    today = MigrationExecutor(connection).loader.graph.leaf_nodes()
    try:
        old = migrate(BEFORE_WORDS)
        subscriber = old.get_model("accounts", "Subscriber").objects.create(name="Old", slug="old")
        line = old.get_model("lines", "Line").objects.create(
            subscriber_id=subscriber.pk, number="+361", label="Old", provider="simulator"
        )
        contact = old.get_model("contacts", "Contact").objects.create(
            subscriber_id=subscriber.pk, number="+36301234567", name="Árpád", created_at=NOW
        )
        thread = old.get_model("messaging", "Conversation").objects.create(
            subscriber_id=subscriber.pk, line_id=line.pk, contact_id=contact.pk, latest_at=NOW, created_at=NOW
        )
        for direction, status in (("in", "received"), ("out", "sent")):
            old.get_model("messaging", "Message").objects.create(
                subscriber_id=subscriber.pk,
                conversation_id=thread.pk,
                direction=direction,
                status=status,
                body="Tűrő " * 20,
                created_at=NOW,
            )
    finally:
        migrate(today)
    assert Contact.objects.get(words__have=["arpad"]).pk == Contact.objects.get(words__have=["tel1234"]).pk == contact.pk
    inbound, outbound = Message.objects.filter(words__have=["turo"]).order_by("pk")
    assert inbound.line_id == outbound.line_id == line.pk
    assert (inbound.plain_segments, outbound.plain_segments) == (0, 1)
    outbound.delete()
    assert Message.objects.filter(words__have=["turo"]).count() == 1
