"""What a column of a file may be, and what its heading says it is."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from server.wording import words_in


class Field(models.TextChoices):
    NAME = "name", _("Name")
    FAMILY = "family", _("Family name")
    GIVEN = "given", _("Given name")
    COMPANY = "company", _("Company")
    NUMBER = "number", _("Telephone number")
    EMAIL = "email", _("E-mail")
    NOTE = "note", _("Remark")
    TAGS = "tags", _("Tags")
    LANGUAGE = "language", _("Language")


class Mode(models.TextChoices):
    """What becomes of contacts that are in the phone book already."""

    FILL = "fill", _("Fill in what is empty")
    OVERWRITE = "overwrite", _("Overwrite with what stands in the file")
    SKIP = "skip", _("Leave them as they are")


# As programs and people head their columns, folded; the first that fits counts.
_HEADINGS = {
    Field.FAMILY: ("vezeteknev", "csaladnev", "last name", "surname", "family name", "familyname", "lastname"),
    Field.GIVEN: ("keresztnev", "utonev", "first name", "given name", "firstname", "givenname"),
    Field.COMPANY: ("ceg", "cegnev", "company", "organization", "organisation", "szervezet", "munkahely", "vallalat"),
    Field.NUMBER: ("telefon", "telefonszam", "mobil", "mobilszam", "tel", "szam", "phone", "mobile", "cell", "number", "gsm"),
    Field.EMAIL: ("e mail", "email", "mail", "emil"),
    Field.NOTE: ("megjegyzes", "jegyzet", "note", "notes", "remark", "comment", "leiras", "remarks", "comments"),
    Field.TAGS: ("cimke", "cimkek", "tag", "tags", "label", "labels", "csoport", "group", "kategoria", "category", "categories"),
    Field.LANGUAGE: ("nyelv", "language", "lang"),
    Field.NAME: ("nev", "teljes nev", "name", "full name", "display name", "kapcsolat", "ugyfel", "contact", "customer", "partner"),
}
_ONCE = set(Field) - {Field.NUMBER, Field.EMAIL, Field.TAGS}


def guesses(headings: list[str], samples: list[list[str]]) -> list[str]:
    """For each column what it seems to be; empty when nothing says so."""
    found = [_meant_by(heading) for heading in headings]
    if not any(found):
        found = [_looks_like([row[at] for row in samples if at < len(row)]) for at in range(len(headings))]
    taken: set[str] = set()
    for at, field in enumerate(found):
        if field in taken and field in _ONCE:
            found[at] = ""
        taken.add(field)
    return found


def looks_headed(first: list[str]) -> bool:
    """Whether the first row is no contact yet: it names columns, or has no digits at all where others have."""
    return any(_meant_by(text) for text in first) and not any(_is_number(text) for text in first)


def _meant_by(heading: str) -> str:
    words = words_in(heading)
    said = " ".join(words)
    for field, names in _HEADINGS.items():
        if said in names or " ".join(word for word in words if not word.isdecimal()) in names:
            return field.value
    for field, names in _HEADINGS.items():
        if any(name in words for name in names):
            return field.value
    return ""


def _looks_like(texts: list[str]) -> str:
    texts = [text for text in texts if text.strip()]
    if texts and all("@" in text for text in texts):
        return Field.EMAIL.value
    if texts and sum(map(_is_number, texts)) > len(texts) / 2:
        return Field.NUMBER.value
    if texts and all(" " in text.strip() and not any(letter.isdigit() for letter in text) for text in texts):
        return Field.NAME.value
    return ""


def _is_number(text: str) -> bool:
    digits = sum(letter.isdigit() for letter in text)
    return digits >= 6 and not any(letter.isalpha() and letter not in "eE" for letter in text)
