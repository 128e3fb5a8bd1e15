"""What customers and colleagues of the demo company said to each other; the texts lie in dialogues/*.txt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from simulator import words

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from simulator.words import Persona

_GAP = re.compile(r"\.\.(\d+)([mhd])")
_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_WORD = re.compile(r"\{(\w+)\}")
_SENTENCE_BEGINS = re.compile(r"(^|[!?] )([a-zá-ű])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Turn:
    """One line of a dialogue: in, out or note; `reason` when it failed, `fate` when no report came."""

    kind: str
    text: str
    pause: timedelta = timedelta()
    fate: str = ""


@dataclass(frozen=True, slots=True)
class Dialogue:
    line: str
    language: str
    turns: tuple[Turn, ...]
    is_once: bool = False
    sender: str = ""


def all_dialogues() -> list[Dialogue]:
    texts = [path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parent / "dialogues").glob("*.txt"))]
    return [_dialogue(block) for text in texts for block in text.strip().split("\n\n")]


def fill(turn: Turn, *, persona: Persona, at: datetime, author: str, kept: dict[str, str], rng: Random) -> str:
    """The text with its choices made and its words filled in; `kept` remembers a word for the rest of the dialogue."""
    text = _CHOICE.sub(lambda choice: rng.choice(choice[1].split("|")), turn.text)

    def word(name: str) -> str:
        if name == "me":
            return author
        if name not in kept:
            kept.update(
                {key: value for key, value in words.invent(name, persona=persona, at=at, rng=rng).items() if key not in kept}
            )
        return kept[name]

    text = _WORD.sub(lambda found: word(found[1]), text).replace("\\n", "\n")
    # Colleagues write properly; customers as they like.
    return _SENTENCE_BEGINS.sub(lambda begin: begin[1] + begin[2].upper(), text) if turn.kind == "out" else text


def _dialogue(block: str) -> Dialogue:
    head, *lines = block.splitlines()
    line, language, *flags = head.removeprefix("==").split()
    sender = flags[flags.index("from") + 1] if "from" in flags else ""
    return Dialogue(line, language, tuple(_turns(lines)), is_once="once" in flags, sender=sender)


def _turns(lines: list[str]):
    pause = timedelta()
    for line in lines:
        gap = _GAP.fullmatch(line)
        if gap:
            pause = timedelta(**{_UNITS[gap[2]]: int(gap[1])})
            continue
        mark, text = line.split(" ", 1)
        if mark.startswith("!"):
            yield Turn("out", text, pause, fate=mark[1:])
        else:
            kind = {">": "in", "#": "note"}.get(mark, "out")
            yield Turn(kind, text, pause, fate={"~": "sent", "?": "unconfirmed"}.get(mark, ""))
        pause = timedelta()
