"""One's own page with all its forms; which of them was not right is the caller's to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.forms import PasswordChangeForm
from django.shortcuts import render

from chatui.own_form import OwnForm
from chatui.places import places_of
from server.accounts.second_step import has_second_step

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from server.accounts.models import User


def settings_page(
    request: HttpRequest,
    *,
    canned: dict | None,
    password: PasswordChangeForm | None = None,
    own: OwnForm | None = None,
    status: int = 200,
) -> HttpResponse:
    user = request.user
    context = {
        "place": "settings",
        "form": password or _password_form(user),
        "own": own or OwnForm.of(user),
        "has_second_step": has_second_step(user),
        "sessions": places_of(request),
        "zone": user.subscriber.timezone if user.subscriber else None,
        "canned": canned,
    }
    return render(request, "chatui/settings.html", context, status=status)


def _password_form(user: User) -> PasswordChangeForm:
    form = PasswordChangeForm(user)
    # Most people come here for something else.
    form.fields["old_password"].widget.attrs.pop("autofocus", None)
    return form
