"""Forms about the company itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server.accounts.invitations import plain_name
from server.accounts.models import Language
from server.accounts.opening_hours import SPANS_A_DAY, Hours, HoursNotValid, checked_hours
from server.zones import zones

if TYPE_CHECKING:
    from collections.abc import Mapping

WHAT_IS_WRONG_WITH_HOURS = {
    "time": gettext_lazy("Write times like 8:00 or 17:30."),
    "half": gettext_lazy("Say both from when and until when, or leave both empty."),
    "order": gettext_lazy("It must open before it closes."),
    "overlap": gettext_lazy("The two overlap."),
    "many": gettext_lazy("Two spans a day at most."),
}

_TIME = re.compile(r"([0-9]{1,2})(?:[:.]?([0-9]{2}))?", re.ASCII)


class CompanyForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name of the company"), max_length=120)
    timezone = forms.CharField(label=gettext_lazy("Time zone"), max_length=64)
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=Language)
    saves_accents = forms.BooleanField(required=False)

    def clean_name(self) -> str:
        name = plain_name(self.cleaned_data["name"])
        if not name:
            raise forms.ValidationError(_("Please write the name."))
        return name

    def clean_timezone(self) -> str:
        name = self.cleaned_data["timezone"].strip()
        if name not in zones():
            raise forms.ValidationError(_("This is not a time zone, such as Europe/Budapest."))
        return name


class ClosedDayForm(forms.Form):
    day = forms.DateField(
        label=gettext_lazy("Day"),
        input_formats=["%Y-%m-%d", "%Y.%m.%d.", "%Y. %m. %d.", "%Y.%m.%d"],
        error_messages={"invalid": gettext_lazy("Write the day like 2026-12-31.")},
    )
    name = forms.CharField(label=gettext_lazy("Why"), max_length=80, required=False)


@dataclass(slots=True)
class Day:
    """A weekday in the editor: its spans as they were written."""

    weekday: int
    label: str
    spans: list[tuple[str, str]]
    problem: str = ""

    @property
    def is_closed(self) -> bool:
        return not any(begins or ends for begins, ends in self.spans)


@dataclass(slots=True)
class HoursEditor:
    """The week's hours: as they are, or as they were posted."""

    days: list[Day] = field(default_factory=list)

    @classmethod
    def of(cls, hours: Hours) -> HoursEditor:
        return cls([_day(weekday, hours.get(str(weekday), [])) for weekday in range(1, 8)])

    @classmethod
    def read(cls, posted: Mapping[str, str]) -> HoursEditor:
        def written(weekday: int, span: int, end: str) -> str:
            return _padded(posted.get(f"{end}-{weekday}-{span}", "")[:10])

        spans = {
            weekday: [[written(weekday, span, end) for end in ("from", "to")] for span in range(SPANS_A_DAY)]
            for weekday in range(1, 8)
        }
        return cls([_day(weekday, spans[weekday]) for weekday in range(1, 8)])

    def checked(self) -> Hours | None:
        """What was written, if it can be; else each day says what is wrong."""
        hours: Hours = {}
        for day in self.days:
            try:
                hours |= checked_hours({day.weekday: day.spans})
            except HoursNotValid as refusal:
                day.problem = str(WHAT_IS_WRONG_WITH_HOURS[refusal.why])
        return None if any(day.problem for day in self.days) else hours


@cache
def timezones() -> list[str]:
    """Those that stand for a place."""
    return sorted(name for name in zones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))


def _day(weekday: int, spans: list[list[str]]) -> Day:
    empty = [("", "")] * (SPANS_A_DAY - len(spans))
    return Day(weekday, str(WEEKDAYS[weekday - 1]), [*((begins, ends) for begins, ends in spans), *empty])


def _padded(written: str) -> str:
    """A time as people write it, as 08:00: 8, 8:00, 8.30, 0830."""
    found = _TIME.fullmatch(written.strip())
    return f"{int(found[1]):02}:{found[2] or '00'}" if found else written.strip()
