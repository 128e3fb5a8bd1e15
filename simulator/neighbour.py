"""A second company for the operator's pages: no service yet, and asking for one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from server.accounts.models import Role, Service, ServiceRequest, Subscriber, User, record_audit
from server.calls.definition import Channel, Definition, Step, Trigger, Who
from server.calls.rules import save_rule

if TYPE_CHECKING:
    from datetime import datetime

SLUG = "szomszed"
NAME = "Szomszéd Bt."
ADMINISTRATOR = "szabina"
RULE = "Nem fogadott hívás"


def load_neighbour(*, password_hash: str, now: datetime) -> Subscriber:
    """Make the company, its administrator and what she asked for yesterday; no letter goes out about it."""
    subscriber = Subscriber.objects.create(slug=SLUG, name=NAME)
    szabina = User.objects.create(
        username=ADMINISTRATOR,
        password=password_hash,
        name="Szabina",
        role=Role.ADMINISTRATOR,
        email="szabina@szomszed.example",
        subscriber=subscriber,
    )
    asked_at = now - timedelta(hours=20)
    ServiceRequest.objects.create(
        subscriber=subscriber,
        service=Service.SMS,
        remark="December elsején nyitunk, addigra jó volna. A számunkat hoznánk magunkkal.",
        requested_by=szabina,
        requested_at=asked_at,
    )
    record_audit(action="service.requested", at=asked_at, actor=szabina, subscriber=subscriber, target=Service.SMS)
    for_all = Definition(Trigger.NOT_REACHED, steps=(Step(Who.ON_DUTY, Channel.EMAIL),))
    save_rule(subscriber=subscriber, rule=None, name=RULE, definition=for_all, is_active=True, by=szabina, now=asked_at)
    return subscriber
