"""The link of an invitation: whoever was invited chooses a password, and is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.shortcuts import render
from django.utils import translation
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from chatui import logging_in
from server.accounts.invitation_links import InvitationExpired, InvitationUsed, invited_by_link, inviter_of
from server.accounts.invitations import LONGEST_NAME, plain_name
from server.accounts.invitations import join as take_invitation

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from server.accounts.models import User

BACKEND = settings.AUTHENTICATION_BACKENDS[-1]


class JoinForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=LONGEST_NAME)
    password = forms.CharField(label=gettext_lazy("Password"), strip=False, max_length=4096, widget=forms.PasswordInput)
    again = forms.CharField(label=gettext_lazy("Password once more"), strip=False, max_length=4096, widget=forms.PasswordInput)

    def __init__(self, *args, person: User, **kwargs) -> None:
        super().__init__(*args, initial={"name": person.name}, **kwargs)
        self.person = person

    def clean_name(self) -> str:
        name = plain_name(self.cleaned_data["name"])
        if not name:
            raise forms.ValidationError(_("Please write the name."))
        return name

    def clean_password(self) -> str:
        validate_password(self.cleaned_data["password"], user=self.person)
        return self.cleaned_data["password"]

    def clean_again(self) -> str:
        if self.cleaned_data.get("password") not in {None, self.cleaned_data["again"]}:
            raise forms.ValidationError(_("The two passwords are not the same."))
        return self.cleaned_data["again"]


@sensitive_post_parameters("password", "again")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, uidb64: str, token: str) -> HttpResponse:
    try:
        person = invited_by_link(uidb64=uidb64, token=token, now=now())
        with translation.override(person.language):
            return _join(request, person, uidb64, token)
    except InvitationExpired as expired:
        return _ended(request, expired.person)
    except InvitationUsed:
        return render(request, "chatui/join_ended.html", status=404)


def _join(request: HttpRequest, person: User, uidb64: str, token: str) -> HttpResponse:
    form = JoinForm(request.POST if request.method == "POST" else None, person=person)
    if form.is_bound and form.is_valid():
        password_hash = make_password(form.cleaned_data["password"])
        joined = take_invitation(uidb64=uidb64, token=token, name=form.cleaned_data["name"], password_hash=password_hash, now=now())
        return logging_in.let_in(request, joined, backend=BACKEND, to="")
    context = {"form": form, "person": person, "inviter": _company_inviter(person)}
    return render(request, "chatui/join.html", context, status=422 if form.is_bound else 200)


def _ended(request: HttpRequest, person: User) -> HttpResponse:
    with translation.override(person.language):
        return render(request, "chatui/join_ended.html", {"person": person, "inviter": _company_inviter(person)}, status=410)


def _company_inviter(person: User) -> User | None:
    """Whom the person knows: the operator's staff invite only a company's first."""
    inviter = inviter_of(person)
    return inviter if inviter and inviter.subscriber_id == person.subscriber_id else None
