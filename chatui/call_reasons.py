"""Why: each condition of a rule as it was asked, what was found, and whether it held, in people's words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server.accounts.models import Team, User
from server.calls.definition import Definition, DefinitionNotValid, Hours, Only, Trigger, Who
from server.calls.escalating import ESCALATION
from server.calls.models import Outcome, RuleVersion
from server.contacts.models import Tag
from server.countries import country_name
from server.lines.models import Line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from server.calls.definition import Step
    from server.calls.models import RuleRun, RuleStep, Telling

NAMES = {
    "lines": gettext_lazy("Line"),
    "queues": gettext_lazy("Queue"),
    "countries": gettext_lazy("The caller's country"),
    "not_countries": gettext_lazy("The caller's country"),
    "is_known": gettext_lazy("The caller is in the phone book"),
    "tags": gettext_lazy("The caller's tags"),
    "is_first_call": gettext_lazy("The first call ever from this number"),
    "hours": gettext_lazy("Business hours"),
    "is_holiday": gettext_lazy("Holiday"),
    "weekdays": gettext_lazy("Day of the week"),
    "repeated_within": gettext_lazy("Called again within"),
    "definition": gettext_lazy("The rule itself"),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One condition: its name, what the rule asks for, what there was."""

    name: str
    asked: str
    found: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """A step of a rule that applied: who was meant, when, and what came of it."""

    who: str
    when: str
    step: RuleStep | None
    tellings: list[Telling]


@dataclass(frozen=True, slots=True)
class Looked:
    """A rule that was looked at: as it was then, how its conditions stood, and whom it told."""

    run: RuleRun
    trigger: str
    outcome: str
    reasons: list[Reason]
    steps: list[Taken] = field(default_factory=list)
    definition: Definition | None = None

    @property
    def applies(self) -> bool:
        return self.run.outcome == Outcome.MATCHED

    @property
    def ends(self) -> bool:
        return self.applies and self.definition is not None and self.definition.ends


@dataclass(slots=True)
class _Book:
    """The names of what rules name by id."""

    lines: dict[int, str]
    tags: dict[int, str]
    teams: dict[int, str]
    people: dict[int, str]

    @classmethod
    def of(cls, subscriber_id: int) -> _Book:
        def names(model: Any) -> dict[int, str]:
            column = "label" if model is Line else "name"
            return dict(model.objects.filter(subscriber=subscriber_id).values_list("pk", column))

        return cls(names(Line), names(Tag), names(Team), names(User))


def looked_at(runs: Iterable[RuleRun], *, subscriber_id: int) -> list[Looked]:
    """The rules that were looked at, as people read it; runs with rule, steps and tellings."""
    runs = list(runs)
    if not runs:
        return []
    book, versions = _Book.of(subscriber_id), _versions_of(runs)
    return [_looked(run, versions.get((run.rule_id, run.version)), book) for run in runs]


def _versions_of(runs: list[RuleRun]) -> dict[tuple[int, int], RuleVersion]:
    found = RuleVersion.objects.filter(rule__in={run.rule_id for run in runs}, number__in={run.version for run in runs})
    return {(version.rule_id, version.number): version for version in found}


def _looked(run: RuleRun, version: RuleVersion | None, book: _Book) -> Looked:
    definition = _definition_of(run, version)
    return Looked(
        run=run,
        trigger=str(Trigger(definition.trigger).label) if definition else "",
        outcome=str(Outcome(run.outcome).label),
        reasons=[_reason(check, book) for check in run.checks],
        steps=_steps(run, definition, book),
        definition=definition,
    )


def _definition_of(run: RuleRun, version: RuleVersion | None) -> Definition | None:
    """What the rule said then; what it says now where the version is gone."""
    try:
        return Definition.from_json(version.definition) if version else run.rule.says
    except DefinitionNotValid:
        return None


def _steps(run: RuleRun, definition: Definition | None, book: _Book) -> list[Taken]:
    if run.outcome != Outcome.MATCHED:
        return []
    taken = {step.number: step for step in run.steps.all()}
    said = dict(enumerate(definition.steps)) if definition else {}
    tellings: dict[int, list[Telling]] = {}
    for telling in run.tellings.all():
        tellings.setdefault(telling.step, []).append(telling)
    numbers = sorted({*taken, *said, *tellings})
    return [Taken(*_who_and_when(number, said, book), taken.get(number), tellings.get(number, [])) for number in numbers]


def _who_and_when(number: int, said: dict[int, Step], book: _Book) -> tuple[str, str]:
    if number == ESCALATION:
        return _("supervisors and administrators"), _("as the promised call-back was overdue")
    return (who_of(said[number], book), when_of(said[number])) if number in said else ("", "")


def who_of(step: Step, book: _Book) -> str:
    """For whom a step is."""
    if step.who == Who.TEAMS:
        return _listed(book.teams, step.teams)
    if step.who == Who.PEOPLE:
        return _listed(book.people, step.people)
    return str(Who(step.who).label)


def when_of(step: Step) -> str:
    """When a later step is taken; nothing of one that is taken at once in any case."""
    words = [_("after %(n)s minutes") % {"n": step.after}] if step.after else []
    if step.only != Only.ALWAYS:
        words.append(str(Only(step.only).label))
    return ", ".join(words)


def why_them(telling: Telling, looked: Looked) -> str:
    """Why this person was among those to be told."""
    if telling.step == ESCALATION:
        return _("supervisor or administrator, as the promised call-back was overdue")
    if looked.definition is None or telling.step >= len(looked.definition.steps):
        return ""
    step = looked.definition.steps[telling.step]
    if step.who == Who.TEAMS and telling.user is not None:
        teams = telling.user.teams.filter(pk__in=step.teams).order_by("name").values_list("name", flat=True)
        return _("in the team %(teams)s") % {"teams": ", ".join(teams)} if teams else _("in the team then")
    return str(_BECAUSE[step.who])


_BECAUSE = {
    Who.CALLER: gettext_lazy("the one who called"),
    Who.TEAMS: gettext_lazy("in the team then"),
    Who.PEOPLE: gettext_lazy("named in the rule"),
    Who.ON_DUTY: gettext_lazy("on duty at that time"),
    Who.LAST_SPOKEN: gettext_lazy("spoke last with this number"),
}


def _reason(check: dict[str, Any], book: _Book) -> Reason:
    condition, asked, found = check["condition"], check.get("asked"), check.get("found")
    name = str(NAMES.get(condition, condition))
    say = _SAYINGS.get(condition, _plain)
    return Reason(name, say(asked, book, is_asked=True), say(found, book, is_asked=False), bool(check.get("holds")))


def _listed(names: dict[int, str], ids: Iterable[Any]) -> str:
    return ", ".join(names.get(pk, _("something deleted since")) for pk in ids)


def _one_or_more(value: Any) -> list[Any]:
    return [*value] if isinstance(value, list | tuple) else [] if value in (None, "") else [value]


def _lines(value: Any, book: _Book, *, is_asked: bool) -> str:
    return _listed(book.lines, _one_or_more(value))


def _tags(value: Any, book: _Book, *, is_asked: bool) -> str:
    return _listed(book.tags, _one_or_more(value)) or _("none")


def _queues(value: Any, book: _Book, *, is_asked: bool) -> str:
    return ", ".join(str(one) for one in _one_or_more(value)) or _("none")


def _countries(value: Any, book: _Book, *, is_asked: bool) -> str:
    return ", ".join(country_name(letters) for letters in _one_or_more(value)) or _("not known")


def _no_countries(value: Any, book: _Book, *, is_asked: bool) -> str:
    said = _countries(value, book, is_asked=is_asked)
    return _("not %(countries)s") % {"countries": said} if is_asked else said


def _yes_or_no(value: Any, book: _Book, *, is_asked: bool) -> str:
    return _("not known") if value is None else _("yes") if value else _("no")


def _hours(value: Any, book: _Book, *, is_asked: bool) -> str:
    return str(Hours(value).label) if value in Hours.values else _plain(value, book, is_asked=is_asked)


def _weekdays(value: Any, book: _Book, *, is_asked: bool) -> str:
    return ", ".join(str(WEEKDAYS[day - 1]) for day in _one_or_more(value) if 1 <= day <= 7)


def _minutes(value: Any, book: _Book, *, is_asked: bool) -> str:
    return _("had not called before") if value is None else _("%(n)s minutes") % {"n": value}


def _plain(value: Any, book: _Book, *, is_asked: bool) -> str:
    return _("not known") if value is None else str(value)


def _definition(value: Any, book: _Book, *, is_asked: bool) -> str:
    return "" if is_asked else _("it can't be read")


_SAYINGS = {
    "lines": _lines,
    "queues": _queues,
    "countries": _countries,
    "not_countries": _no_countries,
    "is_known": _yes_or_no,
    "tags": _tags,
    "is_first_call": _yes_or_no,
    "hours": _hours,
    "is_holiday": _yes_or_no,
    "weekdays": _weekdays,
    "repeated_within": _minutes,
    "definition": _definition,
}
