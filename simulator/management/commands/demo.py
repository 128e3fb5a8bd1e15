"""Load the demo company once; a second run keeps what people have done with it."""

from __future__ import annotations

from django.core.management.base import BaseCommand
from django.utils import timezone, translation

from server.messaging.models import Conversation
from simulator import company
from simulator.demo import load_demo, people


class Command(BaseCommand):
    help = "Load the demo company (kept as it is when it is already there)."

    def handle(self, **options: object) -> None:
        loaded = load_demo(now=timezone.now())
        if loaded is None:
            self.stdout.write("The demo company is already there; all its data was kept.")
        else:
            count = Conversation.objects.filter(subscriber=loaded).count()
            self.stdout.write(self.style.SUCCESS(f"Loaded {loaded.name}: {count} conversations."))
        self.stdout.write(f"Log in with password {company.PASSWORD} as:")
        with translation.override("en"):
            for person in people():
                self.stdout.write(f"  {person.username:10} {person.name}, {person.role_label.lower()} ({person.language})")
