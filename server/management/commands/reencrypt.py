"""`python manage.py reencrypt`: after SECRET_KEY has changed, write all secrets with the present one."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from server.lines.rekeying import reencrypt


class Command(BaseCommand):
    help = (
        "Write every secret in the database anew with the present SECRET_KEY. Run it after a change, while the old key stands "
        "in SECRET_KEY_FALLBACKS; afterwards that one can be removed. Running it again changes nothing. Nothing need be stopped."
    )

    def handle(self, **_: Any) -> None:
        outcome = reencrypt()
        self.stdout.write(f"{outcome.written} secrets written with the present key, {outcome.already} had it already.")
        if outcome.unreadable:
            raise CommandError(
                f"{outcome.unreadable} secrets can't be read: put the key they were written with into SECRET_KEY_FALLBACKS "
                "and run this again, or enter them anew."
            )
        self.stdout.write("SECRET_KEY_FALLBACKS is not needed any longer for what the database keeps.")
