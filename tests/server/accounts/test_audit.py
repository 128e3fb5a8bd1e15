"""The audit log is only added to: the database refuses the rest."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from server.accounts.circumstances import Circumstances, under
from server.accounts.models import AuditEntry, record_audit
from tests.conftest import NOW


@pytest.fixture
def entry(kontakt, ada) -> AuditEntry:
    return record_audit(action="services.switched", at=NOW, actor=ada, subscriber=kontakt, target="kontakt", changed=["sms on"])


@pytest.mark.parametrize(
    "attempt",
    [
        lambda entry: AuditEntry.objects.filter(pk=entry.pk).update(target="somebody else"),
        lambda entry: AuditEntry.objects.filter(pk=entry.pk).update(at=NOW),
        lambda entry: AuditEntry.objects.filter(pk=entry.pk).delete(),
        lambda entry: entry.delete(),
        lambda entry: entry.save(),
        lambda entry: AuditEntry.objects.all()._raw_delete("default"),
    ],
    ids=["update", "update of the time", "delete", "delete the row", "save again", "delete all"],
)
def test_nothing_in_it_is_changed_or_deleted(entry, attempt):
    before = list(AuditEntry.objects.values_list())
    with pytest.raises(DatabaseError, match="only added to"), transaction.atomic():
        attempt(entry)
    assert list(AuditEntry.objects.values_list()) == before


def test_postgresql_does_not_empty_it_either(entry):
    if connection.vendor != "postgresql":
        # SQLite has no TRUNCATE.
        return
    with pytest.raises(DatabaseError, match="only added to"), transaction.atomic(), connection.cursor() as cursor:
        # What the entry itself left to be checked at the end would forbid it, too.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("TRUNCATE accounts_auditentry")


def test_an_entry_says_from_where_it_was_done_and_whether_for_support(kontakt, oper):
    with under(Circumstances(address="192.0.2.7", is_support=True)):
        done = record_audit(action="line.released", at=NOW, actor=oper, subscriber=kontakt)
    plain = record_audit(action="line.released", at=NOW, actor=oper, subscriber=kontakt)
    assert (done.address, done.is_support) == ("192.0.2.7", True)
    assert (plain.address, plain.is_support) == (None, False)
