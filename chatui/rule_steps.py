"""A step of a rule as fields to fill in, and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.translation import get_language, get_language_info, pgettext
from django.utils.translation import gettext as _

from chatui.access import number_in
from chatui.spans import Span
from server.accounts.models import Language
from server.calls.definition import Channel, Only, Step, Who
from server.calls.languages import TEXT_LANGUAGES
from server.calls.parameters import shown, stored
from server.wording import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from django.http import QueryDict

    from chatui.rule_names import Names
    from chatui.rule_previews import Preview

LONGEST_TYPED = 4000


@dataclass(slots=True)
class Option:
    """Something that can be chosen; what is gone can only be given up."""

    value: str
    name: str
    is_chosen: bool
    is_gone: bool = False


@dataclass(slots=True)
class Wording:
    """A step's text in one language, as it is shown and typed."""

    language: str
    name: str
    text: str = ""
    subject: str = ""
    problem: str = ""
    subject_problem: str = ""

    @property
    def is_further(self) -> bool:
        """One that only callers have: it stands below those that everybody has."""
        return self.language not in Language.values

    @property
    def is_wrong(self) -> bool:
        return bool(self.problem or self.subject_problem)


@dataclass(slots=True)
class StepSheet:
    number: int
    who: str = Who.ON_DUTY
    channel: str = Channel.OWN_CHOICE
    teams: list[Option] = field(default_factory=list)
    people: list[Option] = field(default_factory=list)
    after: Span = field(default_factory=lambda: Span("0"))
    only: str = Only.ALWAYS
    has_own_text: bool = False
    wordings: list[Wording] = field(default_factory=list)
    open_language: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    # What real calls would have said, and what is wrong with the texts, while they are being written.
    preview: Preview | None = None
    is_sketched: bool = False

    @classmethod
    def of(cls, number: int, step: Step, names: Names) -> StepSheet:
        wordings = [
            Wording(language, str(name), shown(step.texts.get(language, "")), shown(step.subjects.get(language, "")))
            for language, name in _languages({*step.texts, *step.subjects})
        ]
        return cls(
            number=number,
            who=step.who,
            channel=step.channel,
            teams=options(names.teams, step.teams, _("a team that is gone")),
            people=options(names.people, step.people, _("somebody who has left")),
            after=Span.of(step.after),
            only=step.only,
            has_own_text=bool(step.texts or step.subjects),
            wordings=wordings,
            open_language=_opened(wordings),
        )

    @classmethod
    def read(cls, posted: QueryDict, place: int, number: int, names: Names) -> StepSheet:
        """What was posted as the step at `place`; it stands at `number` from now on."""

        def typed(name: str) -> str:
            return posted.get(f"s{place}-{name}", "")

        def ids(name: str) -> tuple[int, ...]:
            return tuple(filter(None, map(number_in, posted.getlist(f"s{place}-{name}"))))

        further = {language for language in TEXT_LANGUAGES if f"s{place}-text-{language}" in posted}
        if posted.get("do") == f"add-language:{place}":
            further.add(typed("another"))
        wordings = [
            Wording(language, str(name), typed(f"text-{language}")[:LONGEST_TYPED], typed(f"subject-{language}")[:LONGEST_TYPED])
            for language, name in _languages(further)
        ]
        return cls(
            number=number,
            who=_one_of(Who.values, typed("who"), Who.ON_DUTY),
            channel=_one_of(Channel.values, typed("channel"), Channel.OWN_CHOICE),
            teams=options(names.teams, ids("teams"), _("a team that is gone")),
            people=options(names.people, ids("people"), _("somebody who has left")),
            after=Span.read(posted, f"s{place}-after"),
            only=_one_of(Only.values, typed("only"), Only.ALWAYS),
            has_own_text=typed("own") == "1",
            wordings=wordings,
            open_language=_one_of(Language.values, typed("tab"), _opened(wordings)),
        )

    @property
    def step(self) -> Step:
        """What it says; a number that is none becomes one that is refused."""
        minutes = self.after.minutes if self.after.amount else 0
        written = self.wordings if self.has_own_text else []
        return Step(
            who=Who(self.who),
            channel=Channel.SMS if self.who == Who.CALLER else Channel(self.channel),
            teams=_chosen(self.teams) if self.who == Who.TEAMS else (),
            people=_chosen(self.people) if self.who == Who.PEOPLE else (),
            after=-1 if minutes is None else minutes,
            only=Only(self.only),
            texts={one.language: stored(one.text.strip()) for one in written if one.text.strip()},
            subjects={one.language: stored(one.subject.strip()) for one in written if one.subject.strip()},
        )

    def explain(self, errors: Mapping[str, str]) -> None:
        """`errors` by field: `text.hu`, `after`."""
        self.errors = dict(errors)
        for one in self.wordings:
            one.problem = errors.get(f"text.{one.language}", "")
            one.subject_problem = errors.get(f"subject.{one.language}", "")
        wrong = next((one.language for one in self.tabs if one.is_wrong), "")
        self.open_language = wrong or self.open_language

    @property
    def place(self) -> str:
        return str(self.number)

    @property
    def tabs(self) -> list[Wording]:
        return [one for one in self.wordings if not one.is_further]

    @property
    def other_languages(self) -> list[tuple[str, str]]:
        """What a text can be added in."""
        there = {one.language for one in self.wordings}
        return sorted(((code, language_name(code)) for code in TEXT_LANGUAGES if code not in there), key=lambda one: fold(one[1]))

    @property
    def problems_of_text(self) -> list[str]:
        """For the sketch: the page itself says them at the fields."""
        return [said for name, said in self.errors.items() if self.is_sketched and name.startswith(("text", "subject"))]

    @property
    def position(self) -> int:
        return self.number + 1

    @property
    def whom(self) -> list[Option]:
        return [Option(who.value, str(who.label), who == self.who) for who in Who]

    @property
    def ways(self) -> list[Option]:
        return [Option(way.value, str(way.label), way == self.channel) for way in Channel]

    @property
    def cases(self) -> list[Option]:
        """Before the first step nobody was told."""
        return [Option(case.value, str(case.label), case == self.only) for case in Only if self.number or case != Only.NOBODY_THERE]


def options(names: Mapping[int, str], chosen: Collection[int], gone: str) -> list[Option]:
    there = [Option(str(pk), name, pk in chosen) for pk, name in names.items()]
    return there + [Option(str(pk), gone, is_chosen=True, is_gone=True) for pk in chosen if pk not in names]


def _chosen(among: list[Option]) -> tuple[int, ...]:
    return tuple(int(option.value) for option in among if option.is_chosen)


def _languages(further: Collection[str] = ()) -> list[tuple[str, str]]:
    """The reader's own first, then the other of our screens, then those that only callers have."""
    ours = sorted(Language.choices, key=lambda one: one[0] != get_language())
    return ours + [(code, language_name(code)) for code in TEXT_LANGUAGES if code in further and code not in Language.values]


def language_name(code: str) -> str:
    """Our screens' languages as they call themselves, all others as the reader calls them."""
    ours = dict(Language.choices) | {"no": pgettext("language", "Norwegian"), "zh": pgettext("language", "Chinese")}
    return str(ours.get(code) or get_language_info(code)["name_translated"])


def _opened(wordings: list[Wording]) -> str:
    return next((one.language for one in wordings if one.text and not one.is_further), wordings[0].language)


def _one_of(values: Collection[str], wished: str, usual: str) -> str:
    return wished if wished in values else usual
