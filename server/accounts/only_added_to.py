"""A table that rows are only added to: the database refuses to change, delete or empty it, whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import migrations

if TYPE_CHECKING:
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor


class OnlyAddedTo(migrations.RunPython):
    """The migration that puts the triggers on; repeat it after one that makes SQLite's table anew (triggers go with it)."""

    def __init__(self, table: str) -> None:
        self.table = table
        super().__init__(self._put_on, self._take_off)

    def deconstruct(self) -> Any:
        return self.__class__.__qualname__, [self.table], {}

    def _put_on(self, apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        for statement in statements_on(self.table, editor.connection.vendor):
            editor.execute(statement)

    def _take_off(self, apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        for statement in statements_off(self.table, editor.connection.vendor):
            editor.execute(statement)


def statements_on(table: str, vendor: str) -> list[str]:
    return [statement.format(table=table) for statement in (_POSTGRESQL if vendor == "postgresql" else _SQLITE)]


def statements_off(table: str, vendor: str) -> list[str]:
    on = f" ON {table}" if vendor == "postgresql" else ""
    return [f"DROP TRIGGER IF EXISTS {table}_no_{what}{on}" for what in ("update", "delete", "truncate")]


_SAYS = "This log is only added to"
_SQLITE = (
    f"CREATE TRIGGER {{table}}_no_update BEFORE UPDATE ON {{table}} BEGIN SELECT RAISE(ABORT, '{_SAYS}'); END",
    f"CREATE TRIGGER {{table}}_no_delete BEFORE DELETE ON {{table}} BEGIN SELECT RAISE(ABORT, '{_SAYS}'); END",
)
_POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION {table}_only_added_to() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_SAYS}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
    "CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_only_added_to()",
    "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_only_added_to()",
    "CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION {table}_only_added_to()",
)
