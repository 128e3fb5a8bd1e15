"""One company's page: what is shown again, with what was wrong, when something on it was refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.shortcuts import render

from operations.health import LineHealth, line_health
from operations.overview import people_of, waiting_to_go_out
from server.accounts.models import AuditEntry, Role, Service, ServiceRequest, Subscriber, User
from server.accounts.provisioning import SWITCHED
from server.accounts.second_step import who_have_second_step
from server.countries import country_name
from server.lines.models import SECRETS, Line

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

    from operations.forms import SwitchForm

SHOWN_SWITCHES = 20
SHOWN_PEOPLE = 200


@dataclass(frozen=True, slots=True)
class Switch:
    """A service with its switch; `form` holds what was filled in wrongly."""

    service: Service
    since: datetime | None
    can_be_switched_on: bool
    asked: ServiceRequest | None
    form: SwitchForm | None


@dataclass(frozen=True, slots=True)
class Person:
    user: User
    has_second_step: bool


def record_page(request: HttpRequest, subscriber: Subscriber, *, now: datetime, refused: SwitchForm | None = None) -> HttpResponse:
    people = _people(subscriber)
    context = {
        "place": "operator",
        "tab": "subscribers",
        "subscriber": subscriber,
        "country": country_name(subscriber.country),
        "switches": _switches(subscriber, refused),
        "waiting": waiting_to_go_out(subscriber),
        "history": _history(subscriber),
        "lines": _lines(subscriber, now),
        "people": people,
        "administrators": sum(one.user.is_active and one.user.role == Role.ADMINISTRATOR for one in people),
    }
    return render(request, "operations/subscriber.html", context, status=422 if refused else 200)


def _lines(subscriber: Subscriber, now: datetime) -> list[LineHealth]:
    lines = Line.objects.filter(subscriber=subscriber).defer(*SECRETS).order_by("-is_active", "label")
    return list(line_health(list(lines), now).values())


def _switches(subscriber: Subscriber, refused: SwitchForm | None) -> list[Switch]:
    activation = getattr(subscriber, "activation", None)
    asked = {
        request.service: request
        for request in ServiceRequest.objects.filter(subscriber=subscriber, settled_at=None).select_related("requested_by")
    }
    return [
        Switch(
            service=service,
            since=getattr(activation, f"{service}_since", None),
            can_be_switched_on=service == Service.SMS or subscriber.has_sms,
            asked=asked.get(service),
            form=refused if refused and refused.data.get("service") == service else None,
        )
        for service in Service
    ]


def _history(subscriber: Subscriber) -> list[dict[str, Any]]:
    """When which service was switched, newest first."""
    entries = AuditEntry.objects.filter(subscriber=subscriber, action=SWITCHED).select_related("actor")
    return [
        {"entry": entry, "switched": [_switched(text) for text in entry.detail.get("changed", [])]}
        for entry in entries[:SHOWN_SWITCHES]
    ]


def _switched(text: str) -> tuple[str, bool]:
    """`sms on` → SMS, True."""
    name, _, state = text.partition(" ")
    return (str(Service(name).label) if name in Service.values else name), state == "on"


def _people(subscriber: Subscriber) -> list[Person]:
    people = list(people_of(subscriber)[:SHOWN_PEOPLE])
    with_step = who_have_second_step(people)
    return [Person(user, user.pk in with_step) for user in people]
