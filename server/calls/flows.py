"""What callers hear on a line whose provider carries the voice: kept, checked, and read.

The usual sentences stand here, too: those that are said where nobody wrote any.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from server import phone, sms
from server.accounts.models import Language, record_audit
from server.calls.models import CallFlow, MessageNode
from server.events.log import record
from server.events.models import Kind
from server.lines.models import Line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from server.accounts.models import User

# Providers that ask us what a caller hears; of the others' calls an exchange tells.
CARRY_VOICE = ("twilio",)
KEYS = (*"123456789", "0", "*", "#")
LONGEST_TEXT = 500
# As many as a provider rings at once.
MOST_NUMBERS = 10
SECONDS = (5, 60)


class FlowNotValid(ValueError):
    """What is wrong, by field: {"rings": "…", "keys.0.says": "…"}; in the reader's language."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {error}" for name, error in errors.items()))
        self.errors = errors


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuKey:
    """One key of the menu: what `says` what it is for, what is said `then`, and who `rings`; nobody named: who always rings.

    `ends`: after what is said then, the call is over. `node`: the id of the message node that the call reaches.
    """

    key: str
    says: str
    then: str = ""
    rings: tuple[str, ...] = ()
    ends: bool = False
    node: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """The way of a call, as it is written and read; CallFlow is the row."""

    is_active: bool = True
    language: str = Language.HUNGARIAN
    greeting: str = ""
    keys: tuple[MenuKey, ...] = ()
    rings: tuple[str, ...] = ()
    ring_seconds: int = 20
    when_missed: str = ""

    def key(self, pressed: str) -> MenuKey | None:
        return next((key for key in self.keys if key.key == pressed), None)

    def rings_for(self, key: MenuKey | None) -> tuple[str, ...]:
        return key.rings if key and key.rings else self.rings


@dataclass(frozen=True, slots=True)
class UsualWords:
    """What is said in a language where nobody wrote anything else."""

    nobody: str
    no_key: str
    unknown_key: str
    goodbye: str


def usual_words(language: str) -> UsualWords:
    with translation.override(language):
        return UsualWords(
            nobody=_("Thank you for your call. Nobody can take it right now. Goodbye."),
            no_key=_("No key was pressed."),
            unknown_key=_("There is nothing under this key."),
            goodbye=_("Thank you. Goodbye."),
        )


def flow_of(line: Line) -> Flow | None:
    """What callers of a line hear; None: nobody has said, or it is switched off."""
    row = CallFlow.objects.filter(line=line.pk).first()
    return read_flow(row) if row is not None and row.is_active else None


def read_flow(row: CallFlow) -> Flow:
    return Flow(
        is_active=row.is_active,
        language=row.language,
        greeting=row.greeting,
        keys=tuple(_read_key(key) for key in row.keys),
        rings=tuple(row.rings),
        ring_seconds=row.ring_seconds,
        when_missed=row.when_missed,
    )


def _read_key(said: dict[str, Any]) -> MenuKey:
    return MenuKey(
        key=str(said.get("key", "")),
        says=str(said.get("says", "")),
        then=str(said.get("then", "")),
        rings=tuple(said.get("rings") or ()),
        ends=bool(said.get("ends", False)),
        node=said.get("node"),
    )


@transaction.atomic
def save_flow(*, line: Line, flow: Flow, by: User | None, now: datetime) -> bool:
    """Keep what callers of the line hear; False when it was so already. Raises FlowNotValid."""
    line = Line.objects.select_for_update(no_key=True, of=("self",)).select_related("subscriber").get(pk=line.pk)
    flow = checked(line=line, flow=flow)
    row = CallFlow.objects.filter(line=line).first() or CallFlow(line=line)
    if row.pk and read_flow(row) == flow:
        return False
    row.is_active, row.language, row.updated_at = flow.is_active, flow.language, now
    row.greeting, row.when_missed = flow.greeting, flow.when_missed
    row.keys = [asdict(key) | {"rings": list(key.rings)} for key in flow.keys]
    row.rings, row.ring_seconds = list(flow.rings), flow.ring_seconds
    row.save()
    record_audit(
        action="call_flow.saved",
        at=now,
        actor=by,
        subscriber=line.subscriber,
        target=line.label,
        is_active=flow.is_active,
        numbers=sorted({*flow.rings, *(number for key in flow.keys for number in key.rings)}),
    )
    record(subscriber_id=line.subscriber_id, kind=Kind.CALL_LOGIC_CHANGED, at=now, message_id=row.pk)
    return True


def checked(*, line: Line, flow: Flow) -> Flow:
    """The flow as it is kept: texts in one line, numbers in E.164. Raises FlowNotValid."""
    check = _Check(line)
    kept = replace(
        flow,
        greeting=check.text("greeting", flow.greeting),
        when_missed=check.text("when_missed", flow.when_missed),
        rings=check.numbers("rings", flow.rings),
        keys=tuple(check.key(f"keys.{index}", key) for index, key in enumerate(flow.keys)),
    )
    check.whole(kept)
    if check.errors:
        raise FlowNotValid(check.errors)
    return kept


class _Check:
    """Takes a flow's parts, and notes what is wrong with them."""

    def __init__(self, line: Line) -> None:
        self.line, self.errors, self._seen = line, dict[str, str](), set[str]()

    def text(self, name: str, text: str) -> str:
        spoken = " ".join("".join(c if c.isprintable() else " " for c in sms.storable(text)).split())
        if len(spoken) > LONGEST_TEXT:
            self._wrong(name, _("At most %(n)s characters, please.") % {"n": LONGEST_TEXT})
        return spoken

    def numbers(self, name: str, numbers: Iterable[str]) -> tuple[str, ...]:
        kept = dict.fromkeys(self._number(name, number) for number in numbers if number.strip())
        ours = Line.objects.filter(number__in=[*kept]).values_list("number", flat=True).first()
        if ours is not None:
            # The call would come back, and ring again, for ever.
            self._wrong(name, _("%(number)s is a line itself: a call would go round in circles.") % {"number": phone.display(ours)})
        if len(kept) > MOST_NUMBERS:
            self._wrong(name, _("At most %(n)s numbers can ring at once.") % {"n": MOST_NUMBERS})
        return tuple(kept)

    def _number(self, name: str, written: str) -> str:
        country = self.line.subscriber.country
        try:
            number = phone.to_e164(written, country=country)
        except phone.NumberNotValid:
            self._wrong(name, _("“%(number)s” is no telephone number.") % {"number": written.strip()[:40]})
            return written
        if not phone.is_ordinary(number):
            self._wrong(name, _("%(number)s may cost extra, so it can't be rung.") % {"number": phone.display(number)})
        elif phone.country_of(number) not in (self.line.countries or [country]):
            self._wrong(name, _("%(number)s is abroad: this line can't ring there.") % {"number": phone.display(number)})
        return number

    def key(self, name: str, key: MenuKey) -> MenuKey:
        if key.key not in KEYS:
            self._wrong(f"{name}.key", _("Choose a key, please."))
        elif key.key in self._seen:
            self._wrong(f"{name}.key", _("This key is there twice."))
        self._seen.add(key.key)
        says = self.text(f"{name}.says", key.says)
        if not says:
            self._wrong(f"{name}.says", _("Say what the key is for: callers hear it."))
        nodes = MessageNode.objects.filter(subscriber=self.line.subscriber_id, deleted_at=None)
        if key.node is not None and not nodes.filter(pk=key.node).exists():
            self._wrong(f"{name}.node", _("This message node is gone. Please choose again."))
        rings = () if key.ends else self.numbers(f"{name}.rings", key.rings)
        return replace(key, says=says, then=self.text(f"{name}.then", key.then), rings=rings)

    def whole(self, flow: Flow) -> None:
        least, most = SECONDS
        if not least <= flow.ring_seconds <= most:
            self._wrong("ring_seconds", _("Between %(least)s and %(most)s seconds, please.") % {"least": least, "most": most})
        if flow.language not in Language.values:
            self._wrong("language", _("Choose a language, please."))

    def _wrong(self, name: str, error: str) -> None:
        self.errors.setdefault(name, error)
