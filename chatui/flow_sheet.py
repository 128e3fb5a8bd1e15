"""The page on which a line's call flow is written: what was typed, with what is wrong in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from server import phone
from server.accounts.models import Language
from server.calls.flows import KEYS, Flow, MenuKey
from server.calls.nodes import live_nodes
from server.wording import fold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import QueryDict

    from server.calls.models import MessageNode
    from server.lines.models import Line

ROOM = 20
_BETWEEN = re.compile(r"[,;\n]+")


class Colleague(NamedTuple):
    number: str
    name: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key as it stands on the page."""

    index: int
    key: MenuKey
    rings: str
    errors: Mapping[str, str]

    @property
    def does(self) -> str:
        return "end" if self.key.ends else "numbers" if self.rings.strip() else "usual"


@dataclass
class FlowSheet:
    line: Line
    flow: Flow
    others: str = ""
    rings_of_keys: tuple[str, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, flow: Flow, line: Line) -> FlowSheet:
        own = _own_numbers(line)
        others = "\n".join(phone.display(number) for number in flow.rings if number not in own)
        return cls(line, flow, others, tuple(", ".join(map(phone.display, key.rings)) for key in flow.keys))

    @classmethod
    def read(cls, form: QueryDict, line: Line) -> FlowSheet:
        rows = [_read_key(form, index) for index in range(ROOM) if f"k{index}-says" in form]
        others = form.get("others", "")[:2000]
        seconds = form.get("ring_seconds", "")
        flow = Flow(
            is_active="is_active" in form,
            language=form.get("language", ""),
            greeting=form.get("greeting", "")[:2000],
            keys=tuple(key for key, _rings in rows),
            rings=(*form.getlist("rings")[:ROOM], *_numbers(others)),
            ring_seconds=int(seconds) if re.fullmatch(r"[0-9]{1,4}", seconds) else 0,
            when_missed=form.get("when_missed", "")[:2000],
        )
        return cls(line, flow, others, tuple(rings for _key, rings in rows))

    def do(self, what: str) -> bool:
        """One more key, or one fewer: buttons of the page that save nothing."""
        verb, _, index = what.partition(":")
        if verb == "add-key" and len(self.flow.keys) < len(KEYS):
            free = next(key for key in KEYS if self.flow.key(key) is None)
            self._set_keys((*self.flow.keys, MenuKey(key=free, says="")), (*self.rings_of_keys, ""))
        elif verb == "drop-key" and index.isdecimal():
            kept = [at for at in range(len(self.flow.keys)) if at != int(index)]
            self._set_keys(tuple(self.flow.keys[at] for at in kept), tuple(self.rings_of_keys[at] for at in kept))
        else:
            return False
        return True

    def _set_keys(self, keys: tuple[MenuKey, ...], rings: tuple[str, ...]) -> None:
        self.flow, self.rings_of_keys = replace(self.flow, keys=keys), rings

    @property
    def rows(self) -> list[KeyRow]:
        return [
            KeyRow(index, key, rings, _errors_of(self.errors, f"keys.{index}."))
            for index, (key, rings) in enumerate(zip(self.flow.keys, self.rings_of_keys, strict=True))
        ]

    @property
    def colleagues(self) -> list[Colleague]:
        own = _own_numbers(self.line)
        return sorted((Colleague(number, name, number in self.flow.rings) for number, name in own.items()), key=_by_name)

    @property
    def languages(self) -> list[tuple[str, str]]:
        return list(Language.choices)

    @property
    def nodes(self) -> list[MessageNode]:
        return list(live_nodes(self.line.subscriber))

    @property
    def choices(self) -> tuple[str, ...]:
        return KEYS

    @property
    def has_room(self) -> bool:
        return len(self.flow.keys) < len(KEYS)


def _read_key(form: QueryDict, index: int) -> tuple[MenuKey, str]:
    def said(name: str) -> str:
        return form.get(f"k{index}-{name}", "")[:2000]

    does, rings, node = said("does"), said("rings"), said("node")
    key = MenuKey(
        key=said("key")[:1],
        says=said("says"),
        then=said("then"),
        rings=tuple(_numbers(rings)) if does == "numbers" else (),
        ends=does == "end",
        node=int(node) if re.fullmatch(r"[0-9]{1,18}", node) else None,
    )
    return key, rings if does == "numbers" else ""


def _numbers(text: str) -> list[str]:
    return [number.strip() for number in _BETWEEN.split(text)[:ROOM] if number.strip()]


def _own_numbers(line: Line) -> dict[str, str]:
    """The colleagues' own numbers, with their names."""
    people = line.subscriber.users.filter(is_active=True).exclude(phone="")
    return {person.phone: person.name or person.username for person in people}


def _by_name(one: Colleague) -> tuple[str, str]:
    return fold(one.name), one.number


def _errors_of(errors: Mapping[str, str], begin: str) -> dict[str, str]:
    return {name.removeprefix(begin): error for name, error in errors.items() if name.startswith(begin)}
