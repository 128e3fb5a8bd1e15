"""Set subscribers, lines and people up from a file."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError
from django.urls import reverse
from django.utils import timezone

from gateway.providers import PROVIDERS
from server.calls.flows import CARRY_VOICE
from server.provisioning.applying import apply_plan
from server.provisioning.reading import FileNotValid, read_plan

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from server.lines.models import Line

# reverse() needs a uuid where the provider gets the message's own.
ANY_UUID = "00000000-0000-0000-0000-000000000000"
RINGING = 0.5
FOR_NOBODY_ELSE = (
    "\nPUBLIC_URL and SECRET_KEY are not set here. If a server is to use these lines, run this again with its settings: "
    "it could not read credentials that were written with the well-known key, and has another address."
)


class Command(BaseCommand):
    help = (
        "Set subscribers, teams, lines, people and contacts up from a TOML file (docs/configuration.md). "
        "Running it again changes nothing; what the file does not name is left alone. Servers need no restart."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE.toml", help="the file, or - for standard input")

    def handle(self, *, file: str, **_: Any) -> None:
        try:
            plan = read_plan(_text_of(file), providers=PROVIDERS.keys())
            outcome = apply_plan(plan, now=timezone.now())
        except FileNotValid as problem:
            raise CommandError("\n".join(["Nothing was changed:", *(f"  {line}" for line in problem.problems)])) from problem
        except IntegrityError as problem:
            raise CommandError(f"Nothing was changed: somebody else changed the same things just now ({problem}).") from problem
        for change in outcome.changes:
            self.stdout.write(change)
        if not outcome.changes:
            self.stdout.write("Nothing to change: all is as the file says.")
        for line in outcome.lines:
            self._say_addresses(line)
        if settings.SECRET_KEY == settings.DEMO_SECRET_KEY and any(line.auth_token for line in outcome.lines):
            self.stderr.write(FOR_NOBODY_ELSE)
        if outcome.changes and settings.REDIS_URL:
            # The doorbell rings on a thread that ends with us; a lost one is made up for, but only after a heartbeat.
            time.sleep(RINGING)

    def _say_addresses(self, line: Line) -> None:
        arguments = {"provider": line.provider, "key": line.key}
        messages = reverse("gateway:messages", kwargs=arguments)
        status = reverse("gateway:status", kwargs={**arguments, "uuid": ANY_UUID}).replace(ANY_UUID, "<message uuid>")
        self.stdout.write(f"\n{line.number} {line.label} ({line.provider})")
        self.stdout.write(f"  messages  {settings.PUBLIC_URL}{messages}")
        self.stdout.write(f"  calls     {settings.PUBLIC_URL}{reverse('gateway:calls', args=[line.key])}  (from the exchange)")
        if line.provider in CARRY_VOICE and not line.is_one_way:
            self.stdout.write(f"  voice     {settings.PUBLIC_URL}{reverse('gateway:voice', args=[line.key])}")
            ended = reverse("gateway:voice_status", args=[line.key])
            self.stdout.write(f"            {settings.PUBLIC_URL}{ended}  (call status changes)")
        self.stdout.write(f"  status    {settings.PUBLIC_URL}{status}  (sent along with each message)")


def _text_of(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise CommandError(f"{file} can't be read: {problem}") from problem
