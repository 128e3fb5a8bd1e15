"""The demo's phone book beyond mere names: further numbers, e-mail addresses, tags, and one sender that is blocked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from server.contacts.entries import Facts
from server.contacts.models import Contact
from server.messaging.inbound import receive_sms
from server.messaging.partners import block_sender, save_entry
from simulator.company import ORDERS

if TYPE_CHECKING:
    from datetime import datetime

    from server.accounts.models import Subscriber, User
    from server.lines.models import Line

# By number: tags, e-mail addresses, further numbers.
KNOWN: dict[str, tuple[list[str], list[str], list[str]]] = {
    "+36309990001": (["törzsvásárló", "viszonteladó"], ["ilona@kisstextil.example"], ["+36204440001"]),
    "+36205551234": (["törzsvásárló"], ["toth.bence@posta.example"], []),
    "+447400123098": (["külföldi"], ["james.miller@mail.example"], []),
}
SPAMMER = "+36705550666"
SPAM = (
    (26, "GRATULÁLUNK! Ön nyert egy 250 000 Ft értékű utalványt. Átvétel most: http://nyeremeny.example/u81"),
    (3, "Utolsó esély! Nyereménye ma éjfélkor lejár: http://nyeremeny.example/u81"),
)


def load_partners(*, subscriber: Subscriber, users: dict[str, User], lines: dict[str, Line], now: datetime) -> None:
    for entry in Contact.objects.filter(subscriber=subscriber, number__in=KNOWN).exclude(name=""):
        tags, emails, further = KNOWN[entry.number]
        language = "en" if entry.number.startswith("+44") else "hu"
        facts = Facts(name=entry.name, tags=tags, emails=emails, numbers=[entry.number, *further], language=language)
        save_entry(subscriber=subscriber, entry=entry, facts=facts, now=now)
    for hours_ago, text in SPAM:
        at = now - timedelta(hours=hours_ago)
        message = receive_sms(
            line=lines[ORDERS],
            provider_account="simulator:",
            provider_message_id=f"SIMspam{subscriber.pk}{hours_ago}",
            sender=SPAMMER,
            body=text,
            now=at,
        ).message
        block_sender(entry=message.conversation.contact, by=users["bela"], now=at + timedelta(minutes=20))
