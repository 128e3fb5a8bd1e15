"""Lines as the operator's staff keep them: made, changed, given a new address, and given to people."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac
from django.views.decorators.debug import sensitive_variables

from server import phone
from server.accounts.models import Role, Subscriber, User, record_audit
from server.events.log import record
from server.events.models import Kind
from server.lines.models import Line, LineAccess, new_pbx_secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

# Whose old and new values are no secret, and say more than that they changed.
LIMITS = ("per_day", "per_minute", "countries")
# What a sender name may be: https://www.twilio.com/docs/glossary/what-alphanumeric-sender-id
_SENDER_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9+\-_&](?:[A-Za-z0-9 +\-_&]{0,9}[A-Za-z0-9+\-_&])?")


class LineNotKept(Exception):
    """Nothing was changed."""


class NotASender(LineNotKept):
    """The text is neither a telephone number nor a sender name."""


class NumberTaken(LineNotKept):
    """The number is a line already: of another subscriber, or of this one."""

    def __init__(self, line: Line) -> None:
        super().__init__(line.number)
        self.line = line


class ChangedMeanwhile(LineNotKept):
    """Somebody else has changed the line since it was looked at."""


def sender_from(text: str, *, country: str) -> str:
    """A number in any format as E.164, or a sender name as it is; raises NotASender."""
    try:
        return phone.to_e164(text, country=country)
    except phone.NumberNotValid:
        name = text.strip()
    if not _SENDER_NAME.fullmatch(name):
        raise NotASender(text)
    return name


# What a mistake of ours would tell of it must hold no secret: so no decorator that keeps the wishes in a frame of its own.
@sensitive_variables()
def add_line(*, subscriber: Subscriber, number: str, provider: str, by: User, now: datetime, **wishes: Any) -> Line:
    """A new line for the company; raises NumberTaken."""
    with transaction.atomic():
        _refuse_taken(number)
        line = Line(subscriber=subscriber, number=number, provider=provider, **wishes)
        _save(line, None)
        changed = sorted({"number", "provider", *(name for name, value in wishes.items() if value)})
        _tell("line.added", line, by, now, changed=changed, **_limits_of(line))
        return line


@sensitive_variables()
def change_line(*, line: Line, by: User, now: datetime, seen: str = "", **wishes: Any) -> list[str]:
    """Bring the line to the wishes; returns the names of the fields that changed.

    `seen` is its `state_of` when the wishes were made. Raises NumberTaken and ChangedMeanwhile.
    """
    with transaction.atomic():
        current = Line.objects.select_for_update(no_key=True).get(pk=line.pk)
        if seen and seen != state_of(current):
            raise ChangedMeanwhile
        before = {name: getattr(current, name) for name in wishes}
        changed = sorted(name for name, value in wishes.items() if value != before[name])
        if not changed:
            return []
        if "number" in changed:
            _refuse_taken(wishes["number"], besides=current)
        for name in changed:
            setattr(current, name, wishes[name])
            setattr(line, name, wishes[name])
        _save(current, changed)
        limits = {name: [before[name], wishes[name]] for name in LIMITS if name in changed}
        _tell("line.changed", current, by, now, changed=changed, **limits)
        return changed


@transaction.atomic
def give_new_address(*, line: Line, by: User, now: datetime) -> Line:
    """A new key for the line's webhook addresses; what is posted to the old ones is refused from now on."""
    line.key = uuid.uuid4()
    line.save(update_fields=["key"])
    _tell("line.readdressed", line, by, now)
    return line


@sensitive_variables("secret")
@transaction.atomic
def renew_pbx_secret(*, line: Line, by: User, now: datetime) -> str:
    """A new secret for the line's exchange, which is shown once: what is signed with the old one is refused from now on."""
    secret = new_pbx_secret()
    line.pbx_secret = secret
    line.save(update_fields=["pbx_secret"])
    _tell("line.pbx_secret_renewed", line, by, now)
    return secret


@transaction.atomic
def let_use(*, line: Line, people: Mapping[int, bool], by: User, now: datetime) -> list[str]:
    """Let exactly these colleagues of the company use the line: id → whether they may send; returns whose rights changed."""
    # Rows of people are locked nowhere else together with these: the line's own row is enough to take turns.
    Line.objects.select_for_update(no_key=True).get(pk=line.pk)
    colleagues = User.objects.filter(subscriber=line.subscriber_id, role=Role.COLLEAGUE, is_active=True)
    ours = dict(colleagues.values_list("pk", "username"))
    wanted = {pk: may_send for pk, may_send in people.items() if pk in ours}
    given = dict(LineAccess.objects.filter(line=line, user__in=ours).values_list("user", "can_send"))
    changed = sorted(pk for pk in ours if wanted.get(pk) != given.get(pk))
    if not changed:
        return []
    LineAccess.objects.filter(line=line, user__in=[pk for pk in changed if pk not in wanted]).delete()
    for pk in changed:
        if pk in wanted:
            LineAccess.objects.update_or_create(line=line, user_id=pk, defaults={"can_send": wanted[pk]})
    _tell("line.given", line, by, now, people={ours[pk]: _right(wanted.get(pk)) for pk in changed})
    return [ours[pk] for pk in changed]


@sensitive_variables("values")
def state_of(line: Line) -> str:
    """What a line looked like, to compare later; says nothing of its secrets but whether they are the same."""
    values = [line.number, line.label, line.provider, line.account_sid, line.auth_token, line.pbx_secret, line.is_active]
    values += [line.per_day, line.per_minute, line.countries]
    return salted_hmac("server.lines.keeping", repr(values), algorithm="sha256").hexdigest()[:32]


def _refuse_taken(number: str, besides: Line | None = None) -> None:
    taken = Line.objects.filter(number__iexact=number).select_related("subscriber")
    for line in taken if besides is None else taken.exclude(pk=besides.pk):
        raise NumberTaken(line)


def _save(line: Line, changed: list[str] | None) -> None:
    try:
        with transaction.atomic():
            line.save(update_fields=changed)
    except IntegrityError:
        # Somebody else made it at this very moment.
        _refuse_taken(line.number, besides=line if line.pk else None)
        raise


def _limits_of(line: Line) -> dict[str, Any]:
    return {name: [None, getattr(line, name)] for name in LIMITS if getattr(line, name)}


def _right(may_send: bool | None) -> str:
    return {None: "none", False: "reads", True: "sends"}[may_send]


def _tell(action: str, line: Line, by: User, now: datetime, **detail: Any) -> None:
    """Write it down, and let the company's open screens hear of it; last in the transaction."""
    record_audit(action=action, at=now, actor=by, subscriber=line.subscriber, target=str(line), **detail)
    record(subscriber_id=line.subscriber_id, kind=Kind.ACCESS_CHANGED, at=now, line_id=line.pk)
