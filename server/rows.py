"""Writing one row by a statement that is written once.

The ORM compiles its SQL anew for every row: 0.3 ms, where the database itself needs a tenth of that. Only the road
that each inbound SMS takes is worth this.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, connections, models

if TYPE_CHECKING:
    from django.db.models import Field, Model


def insert(row: Model) -> None:
    """Insert a new row and give it its id."""
    _insert(row, "")


def insert_unless_there(row: Model) -> bool:
    """Insert a new row; False when a unique constraint says that it is there already."""
    return _insert(row, " ON CONFLICT DO NOTHING")


def _insert(row: Model, on_conflict: str) -> bool:
    sql, fields = _statement(type(row), on_conflict)
    database = connections[DEFAULT_DB_ALIAS]
    held = row.__dict__
    values = []
    for name, field, is_plain in fields:
        value = held[name]
        if not is_plain or type(value) not in _PLAIN_VALUES:
            value = field.get_db_prep_save(field.pre_save(row, True), database)
        values.append(value)
    with database.cursor() as cursor:
        cursor.execute(sql, values)
        inserted = cursor.fetchone()
    if inserted is None:
        return False
    row.pk = inserted[0]
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return True


# What a driver takes as it is, in fields that would only hand it on.
_PLAIN_VALUES = {str, int, type(None)}
_PLAIN_FIELDS = {
    models.CharField,
    models.TextField,
    models.BigIntegerField,
    models.PositiveSmallIntegerField,
    models.ForeignKey,
    models.DateTimeField,
}


@cache
def _statement(model: type[Model], on_conflict: str) -> tuple[str, list[tuple[str, Field[Any, Any], bool]]]:
    meta = model._meta
    fields = [field for field in meta.concrete_fields if not field.primary_key]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join(["%s"] * len(fields))
    # Names from our own models only, nothing from outside.
    sql = f'INSERT INTO "{meta.db_table}" ({columns}) VALUES ({places}){on_conflict} RETURNING "{meta.pk.column}"'  # noqa: S608
    return sql, [(field.attname, field, type(field) in _PLAIN_FIELDS) for field in fields]
