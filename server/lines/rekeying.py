"""After SECRET_KEY has changed: all secrets written anew with the present one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.db import connection

from server.lines.encryption import EncryptedTextField, enciphered_anew

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = 500


@dataclass
class Rekeyed:
    """How many secrets were written anew, were so already, and can't be read with any key that we have."""

    written: int = 0
    already: int = 0
    unreadable: int = 0


def reencrypt() -> Rekeyed:
    """Write every secret in the database with the present key; may be stopped and repeated."""
    outcome = Rekeyed()
    for table, pk, column in _columns():
        after = 0
        while rows := _some(table, pk, column, after):
            for row_id, stored in rows:
                _write_anew(table, pk, column, row_id, stored, outcome)
            after = rows[-1][0]
    return outcome


def _columns() -> Iterator[tuple[str, str, str]]:
    for model in apps.get_models():
        pk = model._meta.pk
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField) and pk is not None and pk.column and field.column:
                yield model._meta.db_table, pk.column, field.column


# By hand: the ORM would decipher what it reads.
def _some(table: str, pk: str, column: str, after: int) -> list[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT "{pk}", "{column}" FROM "{table}" WHERE "{pk}" > %s AND "{column}" <> %s ORDER BY "{pk}" LIMIT {BATCH}',  # noqa: S608 - our own names
            [after, ""],
        )
        rows: list[tuple[int, str]] = cursor.fetchall()
        return rows


def _write_anew(table: str, pk: str, column: str, row_id: int, stored: str, outcome: Rekeyed) -> None:
    try:
        anew = enciphered_anew(stored)
    except InvalidToken:
        outcome.unreadable += 1
        return
    if anew is None:
        outcome.already += 1
        return
    with connection.cursor() as cursor:
        # Only what we read: somebody may be entering a new secret just now, and that one has the present key.
        cursor.execute(
            f'UPDATE "{table}" SET "{column}" = %s WHERE "{pk}" = %s AND "{column}" = %s',  # noqa: S608 - our own names
            [anew, row_id, stored],
        )
        outcome.written += cursor.rowcount
