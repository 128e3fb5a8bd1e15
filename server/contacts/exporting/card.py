"""One entry of the phone book as a file says it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Card:
    name: str
    company: str
    numbers: list[str]
    emails: list[str]
    note: str
    tags: list[str]
    language: str

    def cells(self, *, numbers: int) -> list[str]:
        """In the order of the columns, with as many for numbers."""
        more = self.numbers[:numbers] + [""] * (numbers - len(self.numbers))
        return [self.name, self.company, *more, ", ".join(self.emails), self.note, ", ".join(self.tags), self.language]
