"""The operator's own people: who gets in here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from operations.access import for_the_operator, staff_of
from server.accounts.second_step import who_have_second_step
from server.events import staff as verbs

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse


@require_safe
@for_the_operator
def staff(request: HttpRequest) -> HttpResponse:
    people = list(verbs.staff())
    with_step = who_have_second_step(people)
    rows = [{"user": one, "has_second_step": one.pk in with_step, "is_oneself": one.pk == request.user.pk} for one in people]
    return render(request, "operations/staff.html", {"place": "operator", "tab": "staff", "rows": rows})


@require_POST
@for_the_operator
def deactivate(request: HttpRequest, user_id: int) -> HttpResponse:
    return _do(
        request,
        user_id,
        verbs.deactivate_staff,
        done=_("%(name)s is deactivated, and has been logged out everywhere."),
        was_so=_("%(name)s is deactivated already."),
    )


@require_POST
@for_the_operator
def reactivate(request: HttpRequest, user_id: int) -> HttpResponse:
    return _do(
        request,
        user_id,
        verbs.reactivate_staff,
        done=_("%(name)s can log in again, with the password and second step of before."),
        was_so=_("%(name)s is active already."),
    )


@require_POST
@for_the_operator
def reset_step(request: HttpRequest, user_id: int) -> HttpResponse:
    return _do(
        request,
        user_id,
        verbs.reset_step_of_staff,
        done=_("%(name)s logs in by password alone now, and has been logged out everywhere."),
        was_so=_("%(name)s has no second step."),
    )


def _do(request: HttpRequest, user_id: int, verb: Callable[..., bool], *, done: str, was_so: str) -> HttpResponse:
    person = get_object_or_404(verbs.staff(), pk=user_id)
    words: dict[str, Any] = {"name": person}
    try:
        changed = verb(person=person, by=staff_of(request), now=now())
    except verbs.NotOneself:
        messages.error(request, _("Somebody else of the staff has to do this for you."))
    except verbs.NotAllowedAnyMore as refusal:
        raise PermissionDenied from refusal
    else:
        messages.success(request, (done if changed else was_so) % words)
    return redirect("operator:staff")
