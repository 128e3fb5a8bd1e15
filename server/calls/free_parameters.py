"""The free parameters that a company's exchange has sent: what its texts may use."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from server.accounts.models import record_audit
from server.calls.models import CallParameter
from server.calls.parameters import own_name, places_in
from server.calls.rules import live_rules
from server.events.log import record
from server.events.models import Kind
from server.wording import fold

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from server.accounts.models import Subscriber, User
    from server.calls.models import CallRule

# "Seen" need not be newer than that: not each call should write a row that is the same for all calls.
FRESH = timedelta(hours=1)
# Nobody finds their way among more; an address of a message node lets whoever has it make up names.
MOST_NAMES = 200


def note_parameters(*, subscriber_id: int, parameters: Mapping[str, str], now: datetime) -> None:
    """Remember the names, each with its longest value so far."""
    if not parameters:
        return
    known = {row.name: row for row in CallParameter.objects.filter(subscriber=subscriber_id, name__in=parameters)}
    unknown = len(parameters.keys() - known)
    if unknown and CallParameter.objects.filter(subscriber=subscriber_id).count() + unknown > MOST_NAMES:
        parameters = {name: value for name, value in parameters.items() if name in known}
    # In one order, whoever else is at them.
    for name, value in sorted(parameters.items()):
        row = known.get(name)
        if row is None:
            new = CallParameter(subscriber_id=subscriber_id, name=name, longest=value, seen_at=now)
            CallParameter.objects.bulk_create([new], ignore_conflicts=True)
        elif len(value) > len(row.longest) or now - row.seen_at > FRESH:
            longest = max(row.longest, value, key=len)
            CallParameter.objects.filter(pk=row.pk).update(longest=longest, seen_at=max(row.seen_at, now))


def own_places_of(rule: CallRule) -> set[str]:
    """The parameters of the exchange that stand in a rule's texts."""
    texts = [text for step in rule.says.steps for text in (*step.texts.values(), *step.subjects.values())]
    return {fold(own_name(place)) for text in texts for place in places_in(text)}


@transaction.atomic
def forget_parameter(*, subscriber: Subscriber, name: str, by: User, now: datetime) -> bool:
    """Offer it no more, until the exchange sends it again; False when there is none, or a rule's text needs it."""
    if any(fold(name) in own_places_of(rule) for rule in live_rules(subscriber)):
        return False
    known = CallParameter.objects.filter(subscriber=subscriber, name=name).first()
    if known is None:
        return False
    CallParameter.objects.filter(pk=known.pk).delete()
    record_audit(action="call_parameter.forgotten", at=now, actor=by, subscriber=subscriber, target=name)
    record(subscriber_id=subscriber.pk, kind=Kind.CALL_LOGIC_CHANGED, at=now, message_id=known.pk)
    return True
