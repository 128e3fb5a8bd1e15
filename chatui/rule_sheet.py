"""The rule editor's form: a definition as fields to fill in, and back; what was typed is kept, whatever is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _

from chatui.access import number_in
from chatui.country_fields import countries_in
from chatui.rule_steps import Option, StepSheet, options
from chatui.spans import Span
from server.calls.checking import MOST_STEPS
from server.calls.definition import USUAL_COOL_DOWN, Conditions, Definition, Hours, Step, Trigger, Who
from server.countries import country_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.http import QueryDict

    from chatui.rule_names import Names

# How the caller's country is asked for.
ABROAD, THESE, OTHERS = "abroad", "these", "others"
YES_OR_NO = {"yes": True, "no": False}
USUAL_REPEAT, USUAL_PROMISE = 30, 120


@dataclass(slots=True)
class RuleSheet:
    """All fields of the page; a condition counts only if it is among `ifs`."""

    names: Names
    name: str = ""
    is_active: bool = True
    seen: int = 0
    trigger: str = Trigger.MISSED
    key: str = ""
    nodes: list[Option] = field(default_factory=list)
    ifs: set[str] = field(default_factory=set)
    country_way: str = ABROAD
    countries: str = ""
    lines: list[Option] = field(default_factory=list)
    tags: list[Option] = field(default_factory=list)
    queues: str = ""
    hours: str = Hours.CLOSED
    weekdays: tuple[int, ...] = ()
    is_holiday: str = "yes"
    is_known: str = "yes"
    is_first_call: str = "yes"
    repeated_within: Span = field(default_factory=lambda: Span.of(USUAL_REPEAT))
    steps: list[StepSheet] = field(default_factory=list)
    cool_down: Span = field(default_factory=lambda: Span.of(USUAL_COOL_DOWN))
    does_promise: bool = False
    promises_within: Span = field(default_factory=lambda: Span.of(USUAL_PROMISE))
    ends: bool = False
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, definition: Definition, names: Names, *, name: str, is_active: bool = True, seen: int = 0) -> RuleSheet:
        asked, country = definition.conditions, names.subscriber.country
        is_abroad = not asked.is_in_countries and asked.countries in ((country,), ())
        return cls(
            names=names,
            name=name,
            is_active=is_active,
            seen=seen,
            trigger=definition.trigger,
            key=definition.key,
            nodes=_nodes(names, definition.node),
            ifs=_wanted(asked),
            country_way=ABROAD if is_abroad or not asked.countries else THESE if asked.is_in_countries else OTHERS,
            countries="" if is_abroad else country_names(list(asked.countries)),
            lines=options(names.lines, asked.lines, _("a line that is gone")),
            tags=options(names.tags, asked.tags, _("a tag that is gone")),
            queues=", ".join(asked.queues),
            hours=asked.hours or Hours.CLOSED,
            weekdays=asked.weekdays,
            is_holiday=_yes_or_no(asked.is_holiday),
            is_known=_yes_or_no(asked.is_known),
            is_first_call=_yes_or_no(asked.is_first_call),
            repeated_within=Span.of(asked.repeated_within or USUAL_REPEAT),
            steps=[StepSheet.of(number, step, names) for number, step in enumerate(definition.steps)],
            cool_down=Span.of(definition.cool_down),
            does_promise=definition.promises_within is not None,
            promises_within=Span.of(definition.promises_within or USUAL_PROMISE),
            ends=definition.ends,
        )

    @classmethod
    def read(cls, posted: QueryDict, names: Names) -> RuleSheet:
        """What was posted; the steps as the button that was pressed wishes them."""

        def ids(name: str) -> tuple[int, ...]:
            return tuple(filter(None, map(number_in, posted.getlist(name))))

        places = _places(posted)
        sheet = cls(
            names=names,
            name=posted.get("name", "")[:200],
            is_active=posted.get("active") == "1",
            seen=number_in(posted.get("seen")) or 0,
            trigger=posted["trigger"] if posted.get("trigger") in Trigger.values else Trigger.MISSED,
            key=posted.get("key", "").strip()[:20],
            nodes=_nodes(names, number_in(posted.get("node"))),
            ifs=set(posted.getlist("if")),
            country_way=posted.get("country-way", ABROAD),
            countries=posted.get("countries", "")[:2000],
            lines=options(names.lines, ids("lines"), _("a line that is gone")),
            tags=options(names.tags, ids("tags"), _("a tag that is gone")),
            queues=posted.get("queues", "")[:2000],
            hours=posted.get("hours", ""),
            weekdays=tuple(sorted(day for day in ids("weekdays") if day in WEEKDAY_NUMBERS)),
            is_holiday=posted.get("is_holiday", ""),
            is_known=posted.get("is_known", ""),
            is_first_call=posted.get("is_first_call", ""),
            repeated_within=Span.read(posted, "repeated_within"),
            steps=[StepSheet.read(posted, place, number, names) for number, place in enumerate(places) if place >= 0],
            cool_down=Span.read(posted, "cool_down"),
            does_promise=posted.get("promise") == "1",
            promises_within=Span.read(posted, "promises_within"),
            ends=posted.get("ends") == "1",
        )
        if NEW in places:
            sheet.steps.append(StepSheet.of(len(sheet.steps), Step(who=Who.ON_DUTY, after=10 if sheet.steps else 0), names))
        return sheet

    @property
    def definition(self) -> Definition:
        """What it says; a number that is none becomes one that is refused."""
        return Definition(
            trigger=Trigger(self.trigger),
            key=self.key if self.trigger == Trigger.KEY else "",
            node=self._node if self.trigger == Trigger.NODE else None,
            conditions=self._conditions,
            steps=tuple(step.step for step in self.steps),
            cool_down=_minutes(self.cool_down),
            promises_within=_minutes(self.promises_within) if self.does_promise else None,
            ends=self.ends,
        )

    @property
    def _node(self) -> int | None:
        return next((int(option.value) for option in self.nodes if option.is_chosen), None)

    @property
    def _conditions(self) -> Conditions:
        own, way = self.names.subscriber.country, self.country_way
        countries = (own,) if way == ABROAD else countries_in(self.countries)[0]
        asked = {
            "countries": {"countries": countries, "is_in_countries": way == THESE},
            "lines": {"lines": _chosen(self.lines)},
            "tags": {"tags": _chosen(self.tags)},
            "queues": {"queues": tuple(dict.fromkeys(filter(None, (part.strip() for part in re.split(r"[,;\n]", self.queues)))))},
            "hours": {"hours": self.hours},
            "weekdays": {"weekdays": self.weekdays},
            "is_holiday": {"is_holiday": YES_OR_NO.get(self.is_holiday)},
            "is_known": {"is_known": YES_OR_NO.get(self.is_known)},
            "is_first_call": {"is_first_call": YES_OR_NO.get(self.is_first_call)},
            "repeated_within": {"repeated_within": _minutes(self.repeated_within)},
        }
        return Conditions(**{name: value for wish in self.ifs & asked.keys() for name, value in asked[wish].items()})

    def problems(self) -> dict[str, str]:
        """What the definition can't say: conditions that were begun and say nothing, countries that there are not."""
        found = {}
        if "countries" in self.ifs and self.country_way != ABROAD:
            countries, unknown = countries_in(self.countries)
            if unknown:
                found["conditions.countries"] = _("There is no such country: %(name)s.") % {"name": ", ".join(unknown)}
            elif not countries:
                found["conditions.countries"] = _("Write at least one country.")
        empty = {"lines": _("Choose a line."), "tags": _("Choose a tag."), "queues": _("Write the name of a queue.")}
        empty["weekdays"] = _("Choose a day.")
        for name, said in empty.items():
            if name in self.ifs and not getattr(self._conditions, name):
                found[f"conditions.{name}"] = said
        return found

    def explain(self, errors: Mapping[str, str]) -> None:
        """Put what is wrong to its fields."""
        self.errors = {name.removeprefix("conditions.").replace(".", "_"): text for name, text in errors.items()}
        for step in self.steps:
            prefix = f"steps.{step.number}."
            step.explain({name.removeprefix(prefix): text for name, text in errors.items() if name.startswith(prefix)})

    # --- What the page offers
    @property
    def triggers(self) -> list[Option]:
        return [Option(one.value, str(one.label), one == self.trigger) for one in Trigger]

    @property
    def country_ways(self) -> list[Option]:
        ways = {ABROAD: _("from abroad"), THESE: _("from these countries"), OTHERS: _("from anywhere but these")}
        return [Option(value, name, value == self.country_way) for value, name in ways.items()]

    @property
    def days(self) -> list[Option]:
        return [Option(str(day), str(WEEKDAYS[day - 1]), day in self.weekdays) for day in WEEKDAY_NUMBERS]

    @property
    def has_room(self) -> bool:
        return len(self.steps) < MOST_STEPS


WEEKDAY_NUMBERS = range(1, 8)
# In the place of a step that is not there yet.
NEW = -1


def _places(posted: QueryDict) -> list[int]:
    """The steps that were posted, by their places, in the order that the pressed button wishes."""
    places = list(range(min(number_in(posted.get("steps")) or 0, MOST_STEPS)))
    act, _colon, at = posted.get("do", "").partition(":")
    if act == "add-step":
        return [*places, NEW]
    place = number_in(at)
    if place is None or place not in places:
        return places
    if act == "drop-step":
        places.remove(place)
    elif act in {"raise-step", "lower-step"}:
        places.insert(max(0, place + (1 if act == "lower-step" else -1)), places.pop(place))
    return places


def _wanted(asked: Conditions) -> set[str]:
    usual = Conditions()
    names = [name for name in Conditions.__slots__ if name != "is_in_countries" and getattr(asked, name) != getattr(usual, name)]
    return set(names)


def _nodes(names: Names, chosen: int | None) -> list[Option]:
    return options(names.nodes, [] if chosen is None else [chosen], _("a message node that is gone"))


def _chosen(among: Iterable[Option]) -> tuple[int, ...]:
    return tuple(int(option.value) for option in among if option.is_chosen)


def _yes_or_no(value: bool | None) -> str:
    return "no" if value is False else "yes"


def _minutes(span: Span) -> int:
    return -1 if span.minutes is None else span.minutes
