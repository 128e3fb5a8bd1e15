"""`python manage.py reencrypt`: after SECRET_KEY has changed, write all secrets with the present one."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from server.lines.rekeying import reencrypt


class Command(BaseCommand):
    help = (
        "Write the lines' secrets in the database anew with the present SECRET_KEY. Run it after a change, while the old key "
        "stands in SECRET_KEY_FALLBACKS. Running it again changes nothing. Nothing need be stopped."
    )

    def handle(self, **_: Any) -> None:
        outcome = reencrypt()
        self.stdout.write(f"{outcome.written} secrets written with the present key, {outcome.already} had it already.")
        if outcome.unreadable:
            raise CommandError(
                f"{outcome.unreadable} secrets can't be read: put the key they were written with into SECRET_KEY_FALLBACKS "
                "and run this again, or enter them anew."
            )
        self.stdout.write(
            "Lines no longer need SECRET_KEY_FALLBACKS. Without it log-ins end, recovery codes made before open nothing, the STOP "
            "of whoever was erased before is forgotten, and `provision` sets the passwords of its file once more."
        )
