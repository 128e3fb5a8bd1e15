"""What the caller hears, told as a story: for the page of a call flow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from server import phone
from server.accounts.models import User
from server.calls.flows import usual_words

if TYPE_CHECKING:
    from server.calls.flows import Flow, MenuKey
    from server.lines.models import Line


@dataclass(frozen=True, slots=True)
class Moment:
    """What happens, and what is said then, in the flow's own language."""

    icon: str
    what: str
    words: list[str] = field(default_factory=list)


def moments_of(flow: Flow | None, line: Line) -> list[Moment]:
    if flow is None or not flow.is_active:
        words = [usual_words(line.subscriber.language).nobody]
        return [Moment("call-in", _("Somebody calls, and hears:"), words), _end()]
    story = _Story(flow, line)
    return [*story.beginning(), *(story.key(key) for key in flow.keys), *story.ringing(), story.last_words(), _end()]


class _Story:
    def __init__(self, flow: Flow, line: Line) -> None:
        self.flow = flow
        self.usual = usual_words(flow.language)
        people = User.objects.filter(subscriber=line.subscriber_id).exclude(phone="")
        self.names = {person.phone: person.name or person.username for person in people}

    def beginning(self) -> list[Moment]:
        words = _said(self.flow.greeting, *(key.says for key in self.flow.keys))
        return [Moment("call-in", _("Somebody calls, and hears:") if words else _("Somebody calls."), words)]

    def key(self, key: MenuKey) -> Moment:
        words = _said(key.then) or ([self.usual.goodbye] if key.ends else [])
        told = {"key": key.key or "?", "people": self._people(key.rings)}
        if key.ends:
            return Moment("hash", _("Whoever presses %(key)s hears this, and the call is over:") % told, words)
        if key.rings:
            return Moment("hash", _("Whoever presses %(key)s is put through to %(people)s.") % told, words)
        return Moment("hash", _("Whoever presses %(key)s goes on.") % told, words)

    def ringing(self) -> list[Moment]:
        told = {"people": self._people(self.flow.rings), "seconds": self.flow.ring_seconds}
        no_key = (
            [Moment("question", _("Whoever presses nothing hears this, and goes on:"), [self.usual.no_key])]
            if self.flow.keys
            else []
        )
        if not self.flow.rings:
            return no_key
        return [*no_key, Moment("call", _("For %(seconds)s seconds it rings at once at: %(people)s.") % told)]

    def last_words(self) -> Moment:
        rings = self.flow.rings or any(key.rings for key in self.flow.keys)
        what = _("If nobody answers, the caller hears:") if rings else _("Nobody is rung. The caller hears:")
        return Moment("call-missed", what, _said(self.flow.when_missed) or [self.usual.nobody])

    def _people(self, numbers: tuple[str, ...]) -> str:
        return ", ".join(self.names.get(number) or phone.display(number) for number in numbers)


def _said(*texts: str) -> list[str]:
    return [" ".join(text.split()) for text in texts if text.strip()]


def _end() -> Moment:
    return Moment("done", _("The call is in the partner's thread, and the rules decide who is told of it."))
