"""The operator's staff only, and only with the second step of their log-in."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect, render
from django.urls import reverse

from server.accounts.models import Support, User

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase


def for_the_operator(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Whoever has no second step yet sets one up first."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        if not user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if isinstance(user, Support):
            return render(request, "chatui/not_while_acting.html", status=403)
        if not isinstance(user, User) or not user.is_operator:
            raise PermissionDenied
        if not user.is_verified():  # type: ignore[attr-defined]  # given by django_otp's middleware
            return redirect(f"{reverse('two_factor')}?{urlencode({'next': request.get_full_path()})}")
        return view(request, *args, **kwargs)

    return guarded


def staff_of(request: HttpRequest) -> User:
    """Who is asking; nobody else gets in here."""
    assert isinstance(request.user, User), "for_the_operator let somebody in"
    return request.user
