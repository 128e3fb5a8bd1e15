"""A column of words that is searched by their beginnings, the same on SQLite and PostgreSQL.

The words are folded and cut in Python (server/wording.py), so that both databases find the same rows;
they only keep the index: GIN over a tsvector, or FTS5 beside the table, kept by triggers.

    messages.filter(words__have=["szamla", "nov"])      each of these begins a word
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import migrations, models

from server.wording import words_in, words_of

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor


class WordsField(models.Field[str, str]):
    """The words of another attribute of its row, worked out when the row is saved; `of` names the attribute.

    save(update_fields=…) must name it, too, and bulk_update() does not work it out. Nor does a migration, whose models
    of their time have no properties: it saves what the column has, and what it changes it must put into words itself.
    """

    def __init__(self, *args: Any, of: str, **options: Any) -> None:
        self.of = of
        super().__init__(*args, **{"editable": False, "default": "", **options})

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        return name, path, args, options | {"of": self.of}

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "tsvector" if connection.vendor == "postgresql" else "text"

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        if _is_of_a_migration(model_instance) and not hasattr(model_instance, self.of):
            kept: str = getattr(model_instance, self.attname)
            return kept
        words = words_of(getattr(model_instance, self.of))
        setattr(model_instance, self.attname, words)
        return words


def _is_of_a_migration(row: models.Model) -> bool:
    # As Django names the module of the classes that it makes for migrations.
    return type(row).__module__ == "__fake__"


@WordsField.register_lookup
class Have(models.Lookup[Any]):
    """Whether each of the given beginnings begins one of the words."""

    lookup_name = "have"
    prepare_rhs = False

    def as_postgresql(self, compiler: Any, connection: BaseDatabaseWrapper) -> Any:
        lhs, params = self.process_lhs(compiler, connection)
        return f"{lhs} @@ %s::tsquery", [*params, " & ".join(f"'{word}':*" for word in self._beginnings())]

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper) -> Any:
        column: Any = self.lhs
        options, quoted = column.target.model._meta, compiler.quote_name
        row = f"{quoted(column.alias)}.{quoted(options.pk.column)}"
        index = quoted(f"{options.db_table}_{column.target.column}")
        found = f"SELECT rowid FROM {index} WHERE {index} MATCH %s"  # noqa: S608 (names of our own models only)
        return f"{row} IN ({found})", [" ".join(f'"{word}"*' for word in self._beginnings())]

    def _beginnings(self) -> list[str]:
        # Letters and digits alone: nothing that either database's language of searching could take for a sign of its own.
        beginnings = [word for given in self.rhs for word in words_in(given)]
        if not beginnings:
            raise ValueError("To look for no words at all is to look for nothing.")
        return beginnings


class IndexWords(migrations.RunPython):
    """The migration that gives a WordsField its index; repeat it after one that makes SQLite's table anew (triggers go with it)."""

    def __init__(self, table: str, column: str = "words") -> None:
        self.table, self.column = table, column
        super().__init__(self._make, self._drop)

    def deconstruct(self) -> Any:
        return self.__class__.__qualname__, [self.table, self.column], {}

    def _make(self, apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        names = {"table": self.table, "column": self.column, "index": f"{self.table}_{self.column}"}
        if editor.connection.vendor == "postgresql":
            editor.execute(_POSTGRESQL.format(**names))
            return
        self._drop(apps, editor)
        for statement in _SQLITE:
            editor.execute(statement.format(**names))

    def _drop(self, apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        index = f"{self.table}_{self.column}"
        if editor.connection.vendor == "postgresql":
            editor.execute(f"DROP INDEX IF EXISTS {index}")
            return
        for told in ("ai", "ad", "au"):
            editor.execute(f"DROP TRIGGER IF EXISTS {index}_{told}")
        editor.execute(f"DROP TABLE IF EXISTS {index}")


_POSTGRESQL = "CREATE INDEX IF NOT EXISTS {index} ON {table} USING gin ({column})"
# The words stand in the table; the index only points at them. `ascii` cuts at spaces only (we have no other signs) and
# leaves every other letter alone; the default would cut by the Unicode of 2012, and lack the letters since.
_SQLITE = (
    "CREATE VIRTUAL TABLE {index} USING fts5({column}, content={table}, content_rowid=id, detail=none, tokenize='ascii')",
    "INSERT INTO {index}({index}) VALUES ('rebuild')",
    "CREATE TRIGGER {index}_ai AFTER INSERT ON {table} BEGIN "
    "INSERT INTO {index}(rowid, {column}) VALUES (new.id, new.{column}); END",
    "CREATE TRIGGER {index}_ad AFTER DELETE ON {table} BEGIN "
    "INSERT INTO {index}({index}, rowid, {column}) VALUES ('delete', old.id, old.{column}); END",
    "CREATE TRIGGER {index}_au AFTER UPDATE OF {column} ON {table} WHEN old.{column} <> new.{column} BEGIN "
    "INSERT INTO {index}({index}, rowid, {column}) VALUES ('delete', old.id, old.{column}); "
    "INSERT INTO {index}(rowid, {column}) VALUES (new.id, new.{column}); END",
)
