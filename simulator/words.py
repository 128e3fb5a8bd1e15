"""People, streets, goods and dates to fill the demo's dialogues with."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

LISTS = tomllib.loads((Path(__file__).parent / "words.toml").read_text(encoding="utf-8"))
# The days of a month whose Hungarian "on the …th" ends in -án.
_BACK_VOWELS = {2, 3, 6, 8, 13, 16, 18, 20, 23, 26, 28, 30}


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody who texts the company."""

    number: str
    language: str
    given: str = ""
    family: str = ""
    is_known: bool = False
    company: str = ""

    @property
    def name(self) -> str:
        return f"{self.family} {self.given}" if self.language == "hu" else f"{self.given} {self.family}"


def personas(rng: Random, *, count: int, language: str = "hu"):
    """People with a name and a number of their own; two thirds of them stand in the phone book."""
    foreigners = [foreigner for foreigner in LISTS["foreigners"] if foreigner[3] == language]
    numbers: set[str] = set()
    for index in range(count):
        if language == "hu":
            given, family = rng.choice(LISTS["givens"]), rng.choice(LISTS["families"])
        else:
            given, family, pattern, _ = foreigners[index % len(foreigners)]
        number = ""
        while not number or number in numbers:
            number = (
                f"+36{rng.choice((20, 30, 70))}{rng.randrange(2_000_000, 9_700_000)}"
                if language == "hu"
                else _foreign(pattern, rng)
            )
        numbers.add(number)
        company = rng.choice(LISTS["companies"]) if language == "hu" and rng.random() < 0.12 else ""
        yield Persona(number, language, given, family, is_known=rng.random() < 0.68, company=company)


def invent(name: str, *, persona: Persona, at: datetime, rng: Random) -> dict[str, str]:
    """A value for a word, with those of the words that must agree with it (a day and its date)."""
    if name in {"date", "ondate", "day", "onday", "day_en", "day_de"}:
        return _coming_day(at + timedelta(days=rng.randint(2, 6)))
    if name == "past":
        return {"past": _on_date(at - timedelta(days=rng.randint(5, 12)))}
    hour = rng.randint(9, 11)
    choices = {
        "order": f"K-{rng.randint(41_000, 58_999)}",
        "invoice": f"{at.year}/{rng.randint(1_000, 8_999):05d}",
        "product": rng.choice(LISTS["products"]),
        "product_en": rng.choice(LISTS["products_en"]),
        "size": rng.choice(["32", "34", "40", "42", "44"]),
        "price": f"{rng.randint(4, 68)} {rng.choice(('490', '990', '900', '750'))} Ft",
        "street": f"{rng.choice(LISTS['streets'])} {rng.randint(2, 118)}.",
        "street_en": rng.choice(LISTS["streets_en"]),
        "city": rng.choice(LISTS["cities"]),
        "country_en": rng.choice(LISTS["countries_en"]),
        "hour": str(hour),
        "time": f"{rng.randint(10, 15)}:{rng.choice(('00', '15', '30', '45'))}",
        "given": persona.given,
        "family": persona.family,
        "name": persona.name,
        "dear": f"Kedves {persona.given}" if persona.is_known else "Tisztelt Vásárlónk",
    }
    return {name: choices[name]}


def _coming_day(at: datetime) -> dict[str, str]:
    if at.weekday() == 6:
        at += timedelta(days=1)
    weekday = at.weekday()
    return {
        "date": f"{LISTS['months'][at.month - 1]} {at.day}.",
        "ondate": _on_date(at),
        "day": LISTS["days"][weekday],
        "onday": LISTS["on_days"][weekday],
        "day_en": LISTS["days_en"][weekday],
        "day_de": LISTS["days_de"][weekday],
    }


def _on_date(at: datetime) -> str:
    ending = "jén" if at.day == 1 else "án" if at.day in _BACK_VOWELS else "én"
    return f"{LISTS['months'][at.month - 1]} {at.day}-{ending}"


def _foreign(pattern: str, rng: Random) -> str:
    digits = int(pattern[pattern.index(":0") + 2])
    return pattern.format(rng.randrange(10**digits))
