"""What is typed into the phone book: the short form of a thread's dialog, and the whole entry of its own page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import get_language_info, gettext_lazy
from django.utils.translation import gettext as _

from server import phone
from server.contacts import entries
from server.contacts.entries import Facts, Problem, Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from server.contacts.models import Contact

# What the customers of Hungarian companies speak.
LANGUAGES = ("hu", "en", "de", "sk", "ro", "uk", "sr", "hr", "sl", "cs", "pl", "fr", "it", "es", "nl", "ru", "tr", "zh-hans", "vi")


class NameForm(forms.Form):
    """Name, company and remark: all that is asked for beside a thread."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=entries.LONGEST_NAME)
    company = forms.CharField(label=gettext_lazy("Company"), max_length=entries.LONGEST_NAME, required=False)
    note = forms.CharField(
        label=gettext_lazy("Remark"), max_length=entries.LONGEST_NOTE, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["autocomplete"] = self.fields["company"].widget.attrs["autocomplete"] = "off"

    @property
    def facts(self) -> Facts:
        return Facts(**self.cleaned_data)

    def refuse(self, problems: Sequence[Problem]) -> None:
        """Put what the phone book has said beside the fields that it is about."""
        for problem in problems:
            self.refused(problem)

    def refused(self, problem: Problem) -> None:
        self.add_error(problem.field if problem.field in self.fields else None, said_of(problem))


class EntryForm(NameForm):
    """The whole entry; of what there may be several, there is a field for each and one more."""

    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    several = ("numbers", "emails", "tags")

    def __init__(self, data: Any = None, *, entry: Contact | None = None, number: str = "") -> None:
        super().__init__(data, initial=_initial(entry))
        self.entry = entry
        self.wrong: dict[str, list[Any]] = {}
        self.fields["language"].choices = [("", _("not known")), *sorted(_languages(entry), key=lambda each: each[1])]
        if data is not None and hasattr(data, "getlist"):
            self.values = {name: [text[:254] for text in data.getlist(name)][:60] for name in self.several}
        else:
            self.values = _values(entry, number)

    @property
    def facts(self) -> Facts:
        return Facts(**self.cleaned_data, **self.values)

    def refused(self, problem: Problem) -> None:
        if problem.field in self.several:
            self.wrong.setdefault(problem.field, []).append(said_of(problem, self.entry))
        else:
            super().refused(problem)

    def _rows(self, name: str) -> list[str]:
        return [*(text for text in self.values[name] if text.strip()), ""]

    @property
    def numbers(self) -> list[str]:
        return self._rows("numbers")

    @property
    def emails(self) -> list[str]:
        return self._rows("emails")

    @property
    def tags(self) -> list[str]:
        return self._rows("tags")


def _initial(entry: Contact | None) -> dict[str, str]:
    if entry is None:
        return {}
    return {"name": entry.name, "company": entry.company, "note": entry.note, "language": entry.language}


def _values(entry: Contact | None, number: str) -> dict[str, list[str]]:
    if entry is None:
        return {"numbers": [number] if number else [], "emails": [], "tags": []}
    numbers = [entry.number, *entry.others.order_by("pk").values_list("number", flat=True)]
    return {
        "numbers": [phone.display(number) for number in numbers],
        "emails": entry.emails,
        "tags": [tag.name for tag in entry.tags.order_by("name")],
    }


def _languages(entry: Contact | None) -> list[tuple[str, str]]:
    known = {code[:2]: str(get_language_info(code)["name_translated"]) for code in LANGUAGES}
    if entry is not None and entry.language:
        # One that came from a file.
        known.setdefault(entry.language, entry.language)
    return list(known.items())


def said_of(problem: Problem, entry: Contact | None = None) -> Any:
    """What is wrong with a field of an entry, in words that say what to do."""
    match problem:
        case Problem(field="name", reason=Reason.MISSING):
            return _("Give a name: it is what everybody sees in the list and above the thread.")
        case Problem(field="numbers", reason=Reason.MISSING):
            return _("Give at least one phone number.")
        case Problem(field="numbers", reason=Reason.NOT_VALID, value=value):
            return _("“%(value)s” is not a phone number. Write it like 36301234567, +36 30 123 4567 or 06 30 123 4567.") % {
                "value": value
            }
        case Problem(reason=Reason.OF_ANOTHER, owner=owner) if owner is not None:
            return _of_another(problem, owner, entry)
        case Problem(field="numbers", reason=Reason.TOO_MANY):
            return _("At most %(n)s numbers.") % {"n": entries.MOST_NUMBERS}
        case Problem(field="emails", reason=Reason.TOO_MANY):
            return _("At most %(n)s e-mail addresses.") % {"n": entries.MOST_EMAILS}
        case Problem(field="tags", reason=Reason.TOO_MANY):
            return _("At most %(n)s tags.") % {"n": entries.MOST_TAGS}
        case Problem(field="emails", value=value):
            return _("“%(value)s” is not an e-mail address.") % {"value": value}
        case Problem(field="tags", value=value):
            return _("“%(value)s” is too long for a tag: %(n)s characters at most.") % {"value": value, "n": entries.LONGEST_TAG}
        case _:
            return _("This is too long.")


def _of_another(problem: Problem, owner: Contact, entry: Contact | None) -> Any:
    text = _("%(number)s is already a number of %(name)s.") % {"number": phone.display(problem.value), "name": owner}
    address, offer = reverse("contact", args=[owner.pk]), _("Open that entry")
    if entry is not None:
        address, offer = f"{reverse('contact_merge', args=[entry.pk])}?with={owner.pk}", _("Merge the two…")
    return format_html('{} <a href="{}">{}</a>', text, address, offer)
