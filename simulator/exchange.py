"""The company's telephone exchange as the virtual handset plays it: a call from the phone to a line, told to our own address.

It goes the road that any exchange's events go (gateway/lane.py: address, signature, view), only without the socket in
between. A call that is going on is held by the page that shows it, signed; of a call that is over we keep nothing here.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.core import signing
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gateway import lane
from gateway.forms import FORM
from gateway.pbx.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, signature_of

if TYPE_CHECKING:
    from server.calls.models import MessageNode
    from server.lines.models import Line

SALT = "simulator.exchange"
TYPE = "application/json"
# Later than rules take: fifteen minutes.
LATE = timedelta(minutes=20)
# A page that was left open overnight holds no call any more.
LONGEST_CALL = timedelta(hours=1)
ENDINGS = ("missed", "busy", "failed")
KEYS = (*"123456789", "*", "0", "#")


class Manner(models.TextChoices):
    """How the exchange tells of a call."""

    AT_ONCE = "at_once", _("At once")
    TWICE = "twice", _("Everything twice")
    REVERSED = "reversed", _("In reversed order")
    LATE = "late", _("20 minutes late")


@dataclass(frozen=True, slots=True)
class OngoingCall:
    """A call between dialling and hanging up. `held` is what is told at the end only, and then the last thing first."""

    id: str
    began_at: str
    is_withheld: bool
    manner: str
    answered_at: str = ""
    pressed: str = ""
    held: tuple[dict[str, Any], ...] = ()

    @property
    def is_answered(self) -> bool:
        return self.answered_at != ""

    @property
    def since(self) -> datetime:
        return datetime.fromisoformat(self.answered_at or self.began_at)

    @property
    def signed(self) -> str:
        return signing.dumps(asdict(self), salt=SALT, compress=True)


def call_in(signed: str) -> OngoingCall | None:
    """The call that a page holds; None when it holds none."""
    try:
        found = signing.loads(signed, salt=SALT, max_age=LONGEST_CALL)
    except signing.BadSignature:
        return None
    return OngoingCall(**found | {"held": tuple(found["held"])})


def dial(*, line: Line, number: str, is_withheld: bool, manner: str) -> OngoingCall:
    """It rings at the company."""
    call = OngoingCall(f"handset-{uuid.uuid4().hex}", timezone.now().isoformat(), is_withheld, Manner(manner).value)
    return _tell(call, line, number, "ringing")


def answer(call: OngoingCall, *, line: Line, number: str) -> OngoingCall:
    """A colleague picks up."""
    return replace(_tell(call, line, number, "answered"), answered_at=timezone.now().isoformat())


def press(call: OngoingCall, key: str, *, line: Line, number: str) -> OngoingCall:
    """The caller presses a key of the menu."""
    return replace(_tell(call, line, number, "key", key=key), pressed=call.pressed + key)


def end(call: OngoingCall, how: str, *, line: Line, number: str) -> None:
    """Nobody answers, it is busy, or it fails."""
    _tell_what_was_held(_tell(call, line, number, how), line)


def hang_up(call: OngoingCall, *, line: Line, number: str) -> None:
    """Before somebody has answered it is a missed call; afterwards the exchange says how long it was."""
    if not call.is_answered:
        return end(call, "missed", line=line, number=number)
    talked = max(1, round((timezone.now() - datetime.fromisoformat(call.answered_at)).total_seconds()))
    _tell_what_was_held(_tell(call, line, number, "answered", duration=talked), line)
    return None


def reach_node(call: OngoingCall, node: MessageNode, *, line: Line, number: str) -> OngoingCall:
    """The call flow comes to a message node: one request to the node's own address."""
    if call.manner in {Manner.REVERSED, Manner.LATE}:
        # A node's address is called when it is reached; only an event can be told afterwards.
        return _tell(call, line, number, "node", node=str(node.key), parameters={"order": order_of(number)})
    said = {"call_id": call.id, "caller": _caller(call, number), "called": line.number, "order": order_of(number)}
    for _time in range(_times(call)):
        _call_us(f"/gateway/pbx/{line.key}/nodes/{node.key}/", urlencode(said).encode(), {"Content-Type": FORM})
    return call


def order_of(number: str) -> str:
    """An order number, which the company's exchange would have looked up: always the same for a phone."""
    return f"K-{52_000 + int(hashlib.sha256(number.encode()).hexdigest(), 16) % 1_000}"


def _tell(call: OngoingCall, line: Line, number: str, kind: str, **more: Any) -> OngoingCall:
    at = timezone.now() - (LATE if call.manner == Manner.LATE else timedelta(0))
    said = {"id": call.id, "event": kind, "at": at.isoformat(), "caller": _caller(call, number), "called": line.number}
    event = said | {"queue": line.label} | more
    if call.manner == Manner.REVERSED:
        return replace(call, held=(*call.held, event))
    for _time in range(_times(call)):
        post(line, [event])
    return call


def _caller(call: OngoingCall, number: str) -> str:
    return "anonymous" if call.is_withheld else number


def _times(call: OngoingCall) -> int:
    return 2 if call.manner == Manner.TWICE else 1


def _tell_what_was_held(call: OngoingCall, line: Line) -> None:
    for event in reversed(call.held):
        post(line, [event])


def post(line: Line, events: list[dict[str, Any]]) -> int:
    """Tell the line's address of events, signed; returns the status of our answer."""
    body = json.dumps({"events": events}).encode()
    timestamp = str(int(timezone.now().timestamp()))
    signature = signature_of(line.pbx_secret, timestamp, body)
    headers = {"Content-Type": TYPE, TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: signature}
    return _call_us(f"/gateway/pbx/{line.key}/calls/", body, headers)


def _call_us(path: str, body: bytes, headers: dict[str, str]) -> int:
    return lane.answer(method="POST", path=path, headers=headers, body=body).status_code
