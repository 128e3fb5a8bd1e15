"""What tests of privacy share: a person of whom the whole house knows something, and a look into every corner."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import connection

from gateway.models import SimulatedSms, WebhookReceipt
from gateway.providers import simulator
from server.contacts.models import Consent, Contact, ContactImport, ImportedContact, Tag
from server.history.exporting import request_export
from server.history.filter import HistoryFilter
from server.history.models import ExportFormat
from server.history.saved import keep_own_filter, share_filter
from server.messaging.conversations import save_draft, write_note
from server.messaging.inbound import conversation_between
from server.messaging.models import DeliveryReport, Direction, Message, Status
from server.messaging.outbound import queue_sms
from server.privacy.erasing import AskedHow, erase, request_erasure
from server.privacy.models import Erasure
from tests.conftest import BOTI, NOW

SECOND, THIRD = "+36209990002", "+36709990003"
# What must be found nowhere once Boti is erased.
TOLD = ["9990001", "9990002", "9990003", "999 0001", "Kiss Boti", "kiss boti", "boti@example.hu", "Titkos", "titkos", "Jegyzet"]


@pytest.fixture
def known_everywhere(kontakt, line, sales_line, boti, boti_texts, dana, sam, ada, settings) -> Contact:
    """Boti: three numbers, two lines, messages both ways, notes, drafts, wishes, consents, filters, files, imports, receipts."""
    Contact.objects.filter(pk=boti.pk).update(company="Titkos Bt.", note="Titkos ügyfél", emails=["boti@example.hu"])
    boti.refresh_from_db()
    for number in (SECOND, THIRD):
        Contact.objects.create(subscriber=kontakt, number=number, name="Kiss Boti", main=boti, created_at=NOW)
    boti.tags.add(Tag.objects.create(subscriber=kontakt, name="VIP"))
    Consent.objects.create(contact=boti, purpose="Titkos hírlevél", source="Titkos űrlap", given_at=NOW, recorded_by=dana)
    for number, on in ((BOTI, line), (SECOND, line), (BOTI, sales_line), (THIRD, sales_line)):
        boti_texts(f"Titkos szöveg {number} Kiss Boti", sender=number, to=on)
    boti_texts("STOP", sender=THIRD, to=sales_line)
    thread = conversation_between(line=line, contact=boti, now=NOW)
    for n in range(3):
        out = queue_sms(uuid=uuid.uuid4(), conversation=thread, body=f"Titkos válasz {n}", author=dana, now=NOW)
        Message.objects.filter(pk=out.pk).update(
            status=Status.DELIVERED, provider_account="simulator:", provider_message_id=f"SIMout{n}", media=[{"url": "Titkos"}]
        )
        report = {"message": out, "status": Status.DELIVERED, "provider_status": "delivered", "received_at": NOW}
        DeliveryReport.objects.create(**report, provider_message_id=f"SIMold{n}", raw={"to": BOTI})
    queue_sms(uuid=uuid.uuid4(), conversation=thread, body="Titkos, még nem ment el", author=dana, now=NOW)
    write_note(uuid=uuid.uuid4(), conversation=thread, body="Jegyzet Kiss Botiról", author=dana, now=NOW)
    save_draft(conversation=thread, by=dana, body="Titkos piszkozat", now=NOW + timedelta(minutes=1))
    for on, form in ((line, {"from": BOTI, "body": "Titkos szöveg"}), (sales_line, {"From": THIRD})):
        WebhookReceipt.objects.create(
            provider="simulator", line_id=on.pk, kind="message", raw=form, signature_ok=True, outcome="stored", received_at=NOW
        )
    simulator.switch_phone(BOTI, False)
    SimulatedSms.objects.create(
        line=line,
        number=BOTI,
        direction=Direction.IN,
        body="Titkos",
        provider_message_id="SIMx",
        status=Status.RECEIVED,
        created_at=NOW,
    )
    keep_own_filter(name="Kiss Boti ügye", wanted=HistoryFilter(name="Kiss Boti"), by=dana, now=NOW)
    share_filter(name="Szám", wanted=HistoryFilter(number="06 30 999 0001"), by=sam, now=NOW)
    request_export(user=sam, wanted=HistoryFilter(name="Kiss Boti", contact=boti.pk), format=ExportFormat.XLSX, now=NOW)
    imported = ContactImport.objects.create(
        subscriber=kontakt,
        user=ada,
        file_name="nevek.csv",
        kept_as="",
        format="csv",
        columns=[{"heading": "Név", "samples": ["Kiss Boti"]}],
        errors=[{"row": 3, "value": "06-30-999-0001"}],
        created_at=NOW,
    )
    ImportedContact.objects.create(source=imported, contact=boti, before={}, after={"name": "Kiss Boti"})
    LogEntry.objects.create(user=ada, object_id="1", object_repr=f"{BOTI} → 1", action_flag=CHANGE)
    return boti


@pytest.fixture
def erase_boti(known_everywhere, ada) -> Callable[..., Erasure]:
    """Ada asks for it, and the worker does it."""

    def erase_boti(*, now=NOW) -> Erasure:
        erasure = request_erasure(contact=known_everywhere, asked_how=AskedHow.LETTER, typed=BOTI[-4:], by=ada, now=now)
        erase(erasure_id=erasure.pk)
        erasure.refresh_from_db()
        return erasure

    return erase_boti


def everything_in_the_database() -> Iterator[str]:
    """Every row of every table as text; of SQLite also what no model knows, such as the index of words."""
    for model in apps.get_models(include_auto_created=True):
        for row in model._base_manager.values():
            yield f"{model._meta.label} {json.dumps(row, default=str, ensure_ascii=False)}"
    if connection.vendor == "sqlite":
        yield from _raw_tables()


def _raw_tables() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in cursor.fetchall():
            if table.endswith("_words"):
                # The index itself keeps nothing: what it has stands in the tables beside it.
                continue
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                values = [value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in row]
                yield f"{table} {' | '.join(values)}"


def told_of_boti() -> list[str]:
    return [text for text in everything_in_the_database() if any(word in text for word in TOLD)]
