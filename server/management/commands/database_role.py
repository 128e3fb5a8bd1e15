"""What the database user that Fonal runs as may do: everything it needs, and no more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from server.accounts.models import AuditEntry

if TYPE_CHECKING:
    from argparse import ArgumentParser

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class Command(BaseCommand):
    help = (
        "Print the SQL that lets a PostgreSQL role run Fonal without owning its tables: run it as the owner after each migrate, "
        "`manage.py database_role fonal_app | psql …`. The role reads and writes rows; of the audit log it reads and adds only."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("role", help="the role's name; it must exist (CREATE ROLE … LOGIN PASSWORD …)")

    def handle(self, *, role: str, **_: Any) -> None:
        if connection.vendor != "postgresql":
            raise CommandError("Roles are PostgreSQL's; this database is a file, and belongs to whoever may write it.")
        if not _NAME.fullmatch(role):
            raise CommandError("A role's name is of a–z, 0–9 and _, 63 characters at most.")
        self.stdout.write("\n".join(statements_for(role)))


def statements_for(role: str) -> list[str]:
    log = AuditEntry._meta.db_table
    return [
        "BEGIN;",
        # What an earlier version of this list gave must not stay.
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role};",
        f"GRANT USAGE ON SCHEMA public TO {role};",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};",
        f"REVOKE UPDATE, DELETE ON {log} FROM {role};",
        f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role};",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};",
        "COMMIT;",
    ]
