"""Why a file, or a row of it, can't be imported."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Problem(models.TextChoices):
    """Of a whole file. %(where)s is a cell or a line."""

    EMPTY = "empty", _("The file is empty.")
    NOTHING = "nothing", _("There are no contacts in the file.")
    TOO_LARGE = (
        "too_large",
        _("The file is too large. Workbooks may have 5 MB, CSV and vCard files 20 MB; divide it, or save it as CSV."),
    )
    UNPACKS = "unpacks", _("The file would unpack to far more than it seems to hold, so it was not opened.")
    OLD_EXCEL = (
        "old_excel",
        _("This is an old Excel workbook or one with a password. Save it as .xlsx without a password, or as CSV."),
    )
    MACROS = "macros", _("The workbook holds macros, so it was not opened. Save it as .xlsx without them.")
    NOT_READABLE = "not_readable", _("The file can't be read: it is damaged, or none of .xlsx, .csv and .vcf.")
    FORMULA = "formula", _("The cell %(where)s holds a formula. Paste the values only into a new workbook, and import that.")
    TOO_MANY_ROWS = "too_many_rows", _("The file has more than 100,000 rows. Divide it into several files.")
    TOO_MANY_COLUMNS = "too_many_columns", _("Row %(where)s has more than 60 columns. Keep only those you need.")
    CELL_TOO_LONG = "cell_too_long", _("In row %(where)s a field is far too long. Perhaps a quotation mark is missing.")
    TOO_MANY_FILES = (
        "too_many_files",
        _("Your company has ten imports that are not finished. Finish or stop one of them, then hand in the next file."),
    )
    NO_ROOM = "no_room", _("There is too little room for files just now. Please try again later, and tell your SMS provider.")
    LOST = "lost", _("The file is no longer there: it is kept for a day only. Please upload it again.")
    NOT_ALLOWED = "not_allowed", _("The person who imports it may no longer do so.")
    INTERRUPTED = "interrupted", _("It stopped because of a fault of ours. Please try it again.")


class NotImportable(Exception):
    """The whole file is refused."""

    def __init__(self, problem: Problem, where: str = "") -> None:
        super().__init__(problem.value)
        self.problem, self.where = problem, where

    @property
    def code(self) -> str:
        """As it is kept: `formula:C17`."""
        return f"{self.problem.value}:{self.where}"[:40] if self.where else self.problem.value


def in_words(code: str) -> str:
    """What a kept problem says, in the language that is active."""
    name, _colon, where = code.partition(":")
    problem = Problem(name) if name in Problem.values else Problem.INTERRUPTED
    return str(problem.label) % {"where": where} if "%(where)s" in str(problem.label) else str(problem.label)


class Reason(models.TextChoices):
    """Of one row, which is left out."""

    NO_NUMBER = "no_number", _("There is no telephone number.")
    NO_NAME = "no_name", _("There is no name.")
    BAD_NUMBER = "bad_number", _("This is not a telephone number.")
    RUINED = "ruined", _("A spreadsheet program has rounded this number; its last digits are lost.")
    TWICE = "twice", _("The same number stands in row %(where)s already.")
    TWO_CONTACTS = "two_contacts", _("These numbers belong to different contacts of the phone book.")
    BAD_EMAIL = "bad_email", _("This is not an e-mail address.")
    BAD_LANGUAGE = "bad_language", _("This is not a language: two letters, such as hu or en.")
    TOO_LONG = "too_long", _("This is too long: %(where)s characters are the most.")
    TOO_MANY = "too_many", _("These are too many for one contact.")
    BROKEN_CARD = "broken_card", _("This card can't be read.")
    LARGE_CARD = "large_card", _("This card is too large.")


def reason_in_words(code: str, where: str = "") -> str:
    label = str(Reason(code).label) if code in Reason.values else code
    return label % {"where": where} if "%(where)s" in label else label
