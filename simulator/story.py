"""Dialogues become dated messages: who wrote what to which line, when, and what came of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from simulator import dialogues, showcase, words
from simulator.company import ANNAS, ANSWERERS, ORDERS, STAFF, SUPPORT
from simulator.threads import ZONE, Thread, Told

if TYPE_CHECKING:
    from simulator.dialogues import Dialogue
    from simulator.words import Persona

SIX_MONTHS = timedelta(days=178)
# The newest days belong to the showcase, so that the list always begins with the same picture.
SHOWCASE_DAYS = timedelta(days=5)
COUNTS = {SUPPORT: 142, ORDERS: 122, ANNAS: 24}
CLOSERS = {
    "hu": [
        "Szívesen!",
        "Nagyon szívesen, szép napot!",
        "Mi köszönjük! Ha bármi kérdése van, itt vagyunk.",
        "Várjuk máskor is!",
        "Örülünk, hogy segíthettünk.",
        "Köszönjük, hogy írt, további szép napot!",
        "Ez természetes. Viszontlátásra!",
        "Rendben, szép délutánt kívánunk!",
    ],
    "en": ["You are welcome!", "Any time. Have a lovely day!", "Glad we could help."],
    "de": ["Sehr gerne!", "Gern geschehen, schönen Tag!"],
}  # fmt: skip
YES = {"hu": "Igen, természetesen.", "en": "Yes, of course.", "de": "Ja, natürlich."}


def threads(*, now: datetime, rng: Random) -> list[Thread]:
    """About 300 conversations over the six months before now."""
    until = now - SHOWCASE_DAYS
    everything = dialogues.all_dialogues()
    told = [thread for line in (SUPPORT, ORDERS, ANNAS) for thread in _on_line(line, everything, until, rng)]
    _close_some(told, rng)
    _hand_out(told, rng)
    return [*told, *showcase.threads(now=now)]


def _on_line(line: str, everything: list[Dialogue], until: datetime, rng: Random) -> list[Thread]:
    ours = [dialogue for dialogue in everything if dialogue.line == line]
    once = [dialogue for dialogue in ours if dialogue.is_once]
    often = [dialogue for dialogue in ours if not dialogue.is_once]
    people = {language: list(words.personas(rng, count=160, language=language)) for language in ("hu", "en", "de")}
    told = [_told(line, [dialogue], people, until, rng) for dialogue in once]
    deck: list[Dialogue] = []
    while len(told) < COUNTS[line]:
        # Like cards: each dialogue comes once before any comes again.
        deck = deck or rng.sample(often, len(often))
        first = deck.pop()
        again = [other for other in deck if other.language == first.language][: rng.choice((0, 0, 0, 1, 1, 2))]
        deck = [other for other in deck if other not in again]
        told.append(_told(line, [first, *again], people, until, rng))
    return told


def _told(line: str, chapters: list[Dialogue], people: dict[str, list[Persona]], until: datetime, rng: Random) -> Thread:
    language, sender = chapters[0].language, chapters[0].sender
    persona = words.Persona(sender, language) if sender else people[language].pop()
    # Each thread has chance of its own, so that a changed dialogue leaves the others as they were.
    rng = Random(rng.random())  # noqa: S311 -- invented texts, no secrets
    begins_at = until - SIX_MONTHS * rng.random() ** 1.25
    while (told := _chapters(chapters, line, persona, begins_at, rng))[-1].at > until:
        begins_at -= told[-1].at - until
    return Thread(line, persona, told)


def _chapters(chapters: list[Dialogue], line: str, persona: Persona, at: datetime, rng: Random) -> list[Told]:
    told: list[Told] = []
    for dialogue in chapters:
        told += _chapter(dialogue, line, persona, _opening(at, rng), rng)
        at = told[-1].at + timedelta(days=rng.randint(6, 50))
    return told


def _chapter(dialogue: Dialogue, line: str, persona: Persona, at: datetime, rng: Random) -> list[Told]:
    author, kept, told = rng.choice(ANSWERERS[line]), {}, []
    for index, turn in enumerate(dialogue.turns):
        if index:
            at += turn.pause + _pause(dialogue.turns[index - 1].kind, turn.kind, rng)
        at = _awake(at) if turn.kind == "in" else _at_work(at)
        if turn.kind != "in" and rng.random() < 0.2:
            author = rng.choice(ANSWERERS[line])
        text = dialogues.fill(turn, persona=persona, at=at, author=_name(author), kept=kept, rng=rng)
        told.append(Told(turn.kind, at, text, author if turn.kind != "in" else "", turn.fate))
        if not turn.fate and turn.kind == "out" and rng.random() < 0.014:
            # The first attempt did not arrive; the colleague wrote again.
            told[-1].fate = "unreachable"
            at = _at_work(at + timedelta(minutes=rng.randint(20, 90)))
            told.append(Told("out", at, text, author))
    if any("Fotót" in turn.text for turn in dialogue.turns):
        told[0].media = [{"url": "https://media.rokolya.example/varras.jpg", "content_type": "image/jpeg"}]
    return told


def _close_some(threads: list[Thread], rng: Random) -> None:
    """Every thread was answered; about half of them were finished."""
    for thread in threads:
        last = thread.messages[-1]
        finisher = rng.choice(ANSWERERS[thread.line])
        if last.kind == "in" and (not thread.persona.number.startswith("+") or rng.random() < 0.5):
            thread.done_by = finisher
        elif last.kind == "in" and not _is_stop(last.text):
            language = thread.persona.language
            text = YES[language] if last.text.endswith("?") else rng.choice(CLOSERS[language])
            at = _at_work(last.at + _pause("in", "out", rng))
            thread.told.append(Told("out", at, text, finisher, "sent" if rng.random() < 0.1 else ""))
        if not thread.done_by and not last.fate and rng.random() < 0.2:
            thread.done_by = finisher


def _is_stop(text: str) -> bool:
    return text.casefold().strip("!") in {"stop", "leiratkozás"}


def _hand_out(threads: list[Thread], rng: Random) -> None:
    """Some of the newer open threads belong to somebody, are unread by somebody, or hold an unfinished answer."""
    open_ones = sorted((thread for thread in threads if not thread.done_by), key=lambda thread: thread.told[-1].at, reverse=True)
    for thread in open_ones[:40]:
        if rng.random() < 0.35:
            thread.assignee = rng.choice(ANSWERERS[thread.line])
    for username in ("bela", "csaba", "judit", "marton"):
        visible = [thread for thread in open_ones[:30] if username in {"judit", "marton"} or username in ANSWERERS[thread.line]]
        for thread in rng.sample(visible, 2):
            thread.unread[username] = 1
    # One is open by all means, whatever chance has finished.
    private = max((thread for thread in threads if thread.line == ANNAS and len(thread.messages) > 2), key=_latest_open)
    private.done_by, private.unread["anna"] = "", 1
    for thread in [other for other in open_ones if other.line == ANNAS][:3]:
        thread.assignee = "anna"
    open_ones[3].drafts["bela"] = "Jó napot! Utánanéztem, és"
    recovered = next(thread for thread in open_ones if thread.told[0].kind == "in")
    recovered.told[0].recovered = True


def _latest_open(thread: Thread) -> tuple[bool, datetime]:
    return not thread.done_by, thread.told[-1].at


def _pause(before: str, after: str, rng: Random) -> timedelta:
    if before == after:
        return timedelta(seconds=rng.randint(25, 150))
    mean = 11 if after == "in" else 8
    return timedelta(seconds=60 * (0.7 + min(90, rng.expovariate(1 / mean))) + rng.randint(0, 40))


def _opening(at: datetime, rng: Random) -> datetime:
    """A moment of that day (or the next working day) when somebody would text a shop."""
    local = at.astimezone(ZONE).replace(
        hour=rng.choice((8, 9, 9, 10, 10, 11, 12, 13, 14, 14, 15, 16, 17)), minute=rng.randint(0, 59)
    )
    if local.weekday() == 6 or (local.weekday() == 5 and rng.random() < 0.6):
        local += timedelta(days=1 if local.weekday() == 6 else 2)
    return local.replace(second=rng.randint(0, 59), microsecond=0)


def _at_work(at: datetime) -> datetime:
    """When a colleague can write at the earliest: weekdays 8–18, Saturday 9–14."""
    local = at.astimezone(ZONE)
    closes = {5: 14, 6: 0}.get(local.weekday(), 18)
    if local.hour >= closes:
        local = (local + timedelta(days=2 if local.weekday() == 5 else 1)).replace(hour=8, minute=4 + local.minute // 4)
        if local.weekday() == 6:
            local += timedelta(days=1)
    elif local.hour < 8:
        local = local.replace(hour=8, minute=2 + local.minute // 4)
    return local


def _awake(at: datetime) -> datetime:
    local = at.astimezone(ZONE)
    if local.hour >= 22:
        local += timedelta(days=1)
        return local.replace(hour=7, minute=10 + local.minute // 2)
    return local.replace(hour=7, minute=10 + local.minute // 2) if local.hour < 7 else local


def _name(username: str) -> str:
    return next(colleague.name for colleague in STAFF if colleague.username == username)
