"""The rules as a flow: geometry of an SVG, drawn twice, for a wide page and for a telephone.

A call comes down the line on the left and meets one rule after the other; where a rule applies, the way goes to the
right, to the people it tells. Letters are not measured here but estimated, a little too wide rather than too narrow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from itertools import pairwise
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from chatui.rule_sentence import clauses_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from chatui.rule_names import Names
    from server.calls.models import CallRule

SIZE, LINE = 13, 18
PAD_X, PAD_Y = 14, 11
HEADING = 26
BETWEEN_ROWS, BETWEEN_STEPS = 34, 22
_MARKED = re.compile(r"<(?P<tag>b|q)(?P<more>[^>]*)>(?P<text>.*?)</(?P=tag)>", re.DOTALL)
_WIDTHS = {**dict.fromkeys("iljIftr.,:;'!|()[] ", 0.34), **dict.fromkeys("mwMWQO@%", 0.9)}


@dataclass(frozen=True, slots=True)
class Run:
    """Words of one look: "", "strong", "gone" or "quote"."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class TextLine:
    x: int
    y: int
    runs: list[Run]
    style: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    style: str
    x: int
    y: int
    width: int
    height: int
    radius: int = 10

    @property
    def bottom(self) -> int:
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Way:
    """A line of the flow; `points_at` something ends in an arrow."""

    d: str
    style: str = ""
    points_at: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """How a picture is laid out: where the line runs, where conditions and people stand."""

    name: str
    width: int
    spine: int
    when_x: int
    when_width: int
    steps_x: int
    steps_width: int

    @property
    def is_stacked(self) -> bool:
        return self.steps_x <= self.when_x + self.when_width


WIDE = Plan("wide", 1080, 28, 68, 400, 536, 530)
NARROW = Plan("narrow", 360, 14, 38, 318, 38, 318)


@dataclass
class Picture:
    plan: Plan
    height: int = 0
    boxes: list[Box] = field(default_factory=list)
    texts: list[TextLine] = field(default_factory=list)
    ways: list[Way] = field(default_factory=list)
    dots: list[tuple[int, int, str]] = field(default_factory=list)

    @property
    def width(self) -> int:
        return self.plan.width


@dataclass(frozen=True, slots=True)
class Drawn:
    """A rule with what a picture says of it; `href` only where the picture can be walked through."""

    name: str
    number: int
    standing: str
    when: list[Run]
    steps: list[list[Run]]
    limits: list[str]
    ends: bool
    href: str = ""

    @property
    def style(self) -> str:
        return "off" if self.standing else ""


def drawn(rule: CallRule, number: int, names: Names, *, now: datetime, href: str = "") -> Drawn:
    says = rule.says
    clauses = clauses_of(says, names.subscriber, names, says_the_usual=False)
    standing = _("Off") if not rule.is_active else _("Tried out: sends nothing") if rule.is_rehearsing(now) else ""
    limits = ["".join(run.text for run in _runs(limit)) for limit in clauses.limits]
    # The last of them says that the list ends: the picture shows that.
    limits = limits[:-1] if says.ends else limits
    return Drawn(rule.name, number, standing, _runs(clauses.when), [_runs(step) for step in clauses.steps], limits, says.ends, href)


def picture_of(rules: Sequence[Drawn], plan: Plan) -> Picture:
    picture = Picture(plan)
    y = _begin(picture)
    marks = [y - BETWEEN_ROWS + 8]
    for rule in rules:
        mark, y = _rule(picture, rule, y)
        marks.append(mark)
    _spine(picture, marks, rules)
    y = _finish(picture, marks[-1], y)
    picture.height = y
    return picture


def _begin(picture: Picture) -> int:
    label = _("A call")
    width = _width(label, is_strong=True) + 2 * PAD_X
    picture.boxes.append(Box("start", 1, 1, width, 32, 16))
    picture.texts.append(TextLine(1 + PAD_X, 22, [Run(label, "strong")], "on-start"))
    return 34 + BETWEEN_ROWS


def _rule(picture: Picture, rule: Drawn, y: int) -> tuple[int, int]:
    """Draws a rule from y on; returns where the line meets it, and where the next may begin."""
    plan = picture.plan
    heading = [Run(f"{rule.number}. {rule.name}", "strong"), *([Run(f"  {rule.standing}", "standing")] if rule.standing else [])]
    head = _lines(heading, plan.when_width if plan.is_stacked else plan.width - plan.when_x)
    for nth, runs in enumerate(head):
        picture.texts.append(TextLine(plan.when_x, y + 14 + nth * LINE, runs, f"name {rule.style}".strip(), rule.href))
    top = y + HEADING + (len(head) - 1) * LINE
    when = _box(picture, f"when {rule.style}".strip(), plan.when_x, top, plan.when_width, rule.when)
    mark = when.y + 20
    bottom = when.bottom
    for limit in rule.limits:
        for runs in _lines([Run(limit)], plan.when_width):
            bottom += LINE
            picture.texts.append(TextLine(plan.when_x, bottom, runs, "limit"))
    if rule.limits:
        # A line of words reaches below its own.
        bottom += 6
    last = when
    first_y = bottom + BETWEEN_STEPS if plan.is_stacked else top
    for step in rule.steps:
        box = _box(picture, f"step {rule.style}".strip(), plan.steps_x, first_y, plan.steps_width, step)
        picture.ways.append(_to_step(plan, last, box, when, bottom if last is when else last.bottom))
        first_y, last = box.bottom + BETWEEN_STEPS, box
    bottom = max(bottom, last.bottom)
    if rule.ends:
        bottom = _stop(picture, last, bottom)
    return mark, bottom + BETWEEN_ROWS


def _to_step(plan: Plan, last: Box, box: Box, when: Box, below: int) -> Way:
    if last is when and not plan.is_stacked:
        return Way(f"M{when.x + when.width} {when.y + 20}H{box.x - 3}", points_at=True)
    x = box.x + 24
    return Way(f"M{x} {below + (4 if last is when else 0)}V{box.y - 3}", points_at=True)


def _stop(picture: Picture, last: Box, bottom: int) -> int:
    label = _("Stop here: the rules below are not looked at")
    width = min(_width(label) + 2 * PAD_X, picture.plan.steps_width)
    y = last.bottom + BETWEEN_STEPS
    picture.ways.append(Way(f"M{last.x + 24} {last.bottom}V{y - 3}", "end", points_at=True))
    box = _box(picture, "stop", picture.plan.steps_x, y, width, [Run(label)])
    return max(bottom, box.bottom)


def _spine(picture: Picture, marks: list[int], rules: Sequence[Drawn]) -> None:
    plan = picture.plan
    for (above, below), rule in zip(pairwise(marks), rules, strict=True):
        picture.ways.append(Way(f"M{plan.spine} {above}V{below}", "spine"))
        picture.ways.append(Way(f"M{plan.spine} {below}H{plan.when_x - 3}", rule.style, points_at=True))
        picture.dots.append((plan.spine, below, rule.style))


def _finish(picture: Picture, mark: int, y: int) -> int:
    plan = picture.plan
    picture.ways.append(Way(f"M{plan.spine} {mark}V{y - 6}", "spine", points_at=True))
    runs = [Run(_("No further rule: the call stands in its thread."))]
    for nth, line in enumerate(_lines(runs, plan.width - plan.when_x)):
        picture.texts.append(TextLine(plan.when_x, y + nth * LINE, line, "limit"))
    return y + len(_lines(runs, plan.width - plan.when_x)) * LINE


def _box(picture: Picture, style: str, x: int, y: int, width: int, runs: list[Run]) -> Box:
    lines = _lines(runs, width - 2 * PAD_X)
    box = Box(style, x, y, width, len(lines) * LINE + 2 * PAD_Y)
    picture.boxes.append(box)
    for nth, line in enumerate(lines):
        picture.texts.append(TextLine(x + PAD_X, y + PAD_Y + 13 + nth * LINE, line, style))
    return box


# --- Words ---


def _runs(marked_up: str) -> list[Run]:
    """A clause of the sentence, with what is strong in it."""
    return [run for run in _parts(str(marked_up)) if run.text]


def _parts(marked_up: str) -> Iterator[Run]:
    at = 0
    for match in _MARKED.finditer(marked_up):
        yield Run(unescape(marked_up[at : match.start()]))
        style = "quote" if match["tag"] == "q" else "gone" if "gone" in match["more"] else "strong"
        yield Run(unescape(match["text"]), style)
        at = match.end()
    yield Run(unescape(marked_up[at:]))


def _lines(runs: Iterable[Run], width: int) -> list[list[Run]]:
    """Words put into lines; one that is longer than a line is cut."""
    lines: list[list[Run]] = [[]]
    used = 0
    for word in _words(runs, width):
        wide = sum(_width(run.text, is_strong=run.style == "strong") for run in word)
        is_space = not word[0].text.strip()
        if used and used + wide > width and not is_space:
            lines.append([])
            used = 0
        if used or not is_space:
            for run in word:
                _append(lines[-1], run.text, run.style)
            used += wide
    return lines


def _append(line: list[Run], word: str, style: str) -> None:
    if line and line[-1].style == style:
        line[-1] = Run(line[-1].text + word, style)
    else:
        line.append(Run(word, style))


def _words(runs: Iterable[Run], width: int) -> Iterator[list[Run]]:
    """Words and the spaces between them; a word may change its look within, as a bracket before a strong one does."""
    longest = int(width / (SIZE * 0.62))
    word: list[Run] = []
    for run in runs:
        for part in re.findall(rf"\s+|\S{{1,{longest}}}", run.text):
            joins = word and part.strip() and word[-1].text.strip() and sum(len(each.text) for each in word) + len(part) <= longest
            if word and not joins:
                yield word
                word = []
            word = [*word, Run(part, run.style)]
    if word:
        yield word


def _width(text: str, *, is_strong: bool = False) -> int:
    ems = sum(_WIDTHS.get(letter, 0.7 if letter.isupper() else 0.58) for letter in text)
    return round(ems * SIZE * (1.05 if is_strong else 1))
