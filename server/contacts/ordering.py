"""Names in the order in which people look them up: upper and lower case, with or without an accent, all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Func, TextField

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler

_ACCENTED = "áéíóöőúüűÁÉÍÓÖŐÚÜŰäÄ"
_PLAIN = "aeiooouuuAEIOOOUUUaA"


class Folded(Func):
    """A name as it is sorted; the letters stand in the SQL itself, or SQLite would not know its index again."""

    function = "LOWER"
    arity = 1
    output_field: TextField[str, str] = TextField()

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        folded = "%(expressions)s"
        for accented, plain in zip(_ACCENTED, _PLAIN, strict=True):
            folded = f"replace({folded}, '{accented}', '{plain}')"
        return self.as_sql(compiler, connection, template=f"lower({folded})", **context)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        template = f"lower(translate(%(expressions)s, '{_ACCENTED}', '{_PLAIN}'))"
        return self.as_sql(compiler, connection, template=template, **context)
