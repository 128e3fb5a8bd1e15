"""Canned texts: picked in the composer, written on the settings page."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from chatui.access import conversation_or_404, for_people_with_chat
from chatui.settings_page import settings_page
from server.messaging import canned
from server.messaging.models import CannedText

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest, HttpResponse

    from server.accounts.models import User

ME, COMPANY = "me", "company"
# A picker is for the texts one knows; nobody finds the 201st by scrolling.
PICKER_TEXTS = 200


class CannedTextForm(forms.Form):
    title = forms.CharField(max_length=canned.TITLE_MAX_CHARACTERS)
    body = forms.CharField(max_length=canned.BODY_MAX_CHARACTERS, widget=forms.Textarea(attrs={"rows": 3}))

    def explain(self, refusal: canned.CannedTextNotValid) -> None:
        match refusal:
            case canned.UnknownVariable(variable=variable):
                known = ", ".join(f"{{{name}}}" for name in canned.VARIABLES)
                text = _("“%(variable)s” can't be filled in. These can: %(known)s.")
                self.add_error("body", text % {"variable": f"{{{variable}}}", "known": known})
            case canned.TitleTaken():
                self.add_error("title", _("There is a canned text of this title already."))
            case _:
                self.add_error("body", _("Title and text are both needed."))


class NewCannedTextForm(CannedTextForm):
    whose = forms.ChoiceField(
        label=gettext_lazy("Who uses it"),
        choices=[(ME, gettext_lazy("only me")), (COMPANY, gettext_lazy("everybody in the company"))],
        required=False,
    )

    def __init__(self, *args, user: User, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if not canned.may_change_shared(user):
            del self.fields["whose"]


@require_safe
@for_people_with_chat
def picker(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """The texts this person can use, filled in for this conversation."""
    conversation = conversation_or_404(request.user, conversation_id)
    texts = _by_title(CannedText.objects.visible_to(request.user))[:PICKER_TEXTS]
    filled = canned.filled_for(conversation=conversation, by=request.user, texts=texts)
    return render(request, "chatui/_canned.html", {"texts": filled})


@require_POST
@for_people_with_chat
def add(request: HttpRequest) -> HttpResponse:
    form = NewCannedTextForm(request.POST, user=request.user, auto_id=False)
    is_shared = form.data.get("whose") == COMPANY and "whose" in form.fields
    text = canned.shared_text(request.user) if is_shared else canned.own_text(request.user)
    return _save(request, form, text, section(request.user, new=form))


@require_POST
@for_people_with_chat
def change(request: HttpRequest, text_id: int) -> HttpResponse:
    text = _changeable_or_404(request.user, text_id)
    form = CannedTextForm(request.POST, auto_id=False)
    return _save(request, form, text, section(request.user, changed={text_id: form}))


@require_POST
@for_people_with_chat
def delete(request: HttpRequest, text_id: int) -> HttpResponse:
    canned.delete_canned_text(text=_changeable_or_404(request.user, text_id), by=request.user)
    messages.success(request, _("The canned text has been deleted."))
    return _back()


def section(user: User, *, new: CannedTextForm | None = None, changed: dict[int, CannedTextForm] | None = None) -> dict:
    """What the settings page shows: the texts this person may change, each in its form, and an empty one."""
    texts = sorted(_by_title(_changeable_by(user)), key=lambda text: text.is_shared)
    forms_of = changed or {}
    entries = [{"text": text, "form": forms_of.get(text.pk) or _form_of(text)} for text in texts]
    return {"entries": entries, "new": new or NewCannedTextForm(user=user, auto_id=False)}


def _save(request: HttpRequest, form: CannedTextForm, text: CannedText, shown: dict) -> HttpResponse:
    if form.is_valid():
        title, body = form.cleaned_data["title"], form.cleaned_data["body"]
        try:
            canned.save_canned_text(text=text, title=title, body=body, by=request.user, now=now())
        except canned.CannedTextNotValid as refusal:
            form.explain(refusal)
        else:
            messages.success(request, _("The canned text has been saved."))
            return _back()
    return settings_page(request, canned=shown, status=422)


def _form_of(text: CannedText) -> CannedTextForm:
    return CannedTextForm(initial={"title": text.title, "body": text.body}, auto_id=False)


def _by_title(texts: Iterable[CannedText]) -> list[CannedText]:
    # Databases put Á behind Z, or not, as they were set up.
    return sorted(texts, key=lambda text: (unicodedata.normalize("NFKD", text.title.casefold()), text.pk))


def _changeable_by(user: User):
    texts = CannedText.objects.visible_to(user)
    return texts if canned.may_change_shared(user) else texts.filter(owner=user)


def _changeable_or_404(user: User, text_id: int) -> CannedText:
    text = _changeable_by(user).filter(pk=text_id).first()
    if text is None:
        raise Http404
    return text


def _back() -> HttpResponse:
    return HttpResponseRedirect(reverse("settings") + "#canned-texts")
