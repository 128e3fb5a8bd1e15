"""Filters kept under a name, in the panel of a page: those there are, and the one that could not be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from server.history import saved
from server.history.filter import FilterNotValid, HistoryFilter
from server.history.models import SavedFilter

if TYPE_CHECKING:
    from django.http import HttpRequest, QueryDict

    from chatui.history_form import AskedFilter
    from server.accounts.models import User

# What the panel sends besides the filter: the name to keep it under, for whom, and why that could not be.
NAME, SHARED, REFUSED = "keep_as", "shared", "refused"
_REFUSALS = {
    saved.NameNotValid: "name",
    saved.NothingToKeep: "nothing",
    saved.PickedByHand: "picked",
    saved.TooManyKept: "many",
}


def keeping(request: HttpRequest, page: str) -> dict[str, Any]:
    """What the panel of a page shows of it."""
    return {
        "page": page,
        "saved_filters": _saved_filters(request.user),
        "keep_as": request.GET.get(NAME, ""),
        "keep_problem": _problem(request.GET.get(REFUSED)),
    }


def page_of(request: HttpRequest) -> str:
    """The page whose panel asks."""
    return "figures" if request.GET.get("page") == "figures" else "messages"


def address_of(page: str, query: str) -> str:
    return f"{reverse(page)}?{query}" if query else reverse(page)


def back_to_panel(page: str, asked: AskedFilter, typed: QueryDict, refusal: saved.NotKept | None = None) -> str:
    """The panel with everything that was typed into it; what can't be read is marked there as ever."""
    more = {NAME: typed.get(NAME), SHARED: typed.get(SHARED), REFUSED: _REFUSALS[type(refusal)] if refusal else ""}
    return address_of(page, urlencode(asked.typed | {key: value for key, value in more.items() if value}))


def _problem(refused: str | None) -> str:
    match refused:
        case "name":
            return _("The filter needs a name, %(n)s characters at most.") % {"n": saved.NAME_MAX_CHARACTERS}
        case "nothing":
            return _("No condition is set, so there is nothing to keep.")
        case "picked":
            return _("Messages picked by hand are no filter to keep. Take that condition away first.")
        case "many":
            return _("%(n)s filters are kept already: delete one, or use its name for this one.") % {"n": saved.MOST_KEPT}
        case _:
            return ""


def _saved_filters(user: User) -> list[SavedFilter]:
    """One's own first, then the company's, each with its address."""
    kept = sorted(SavedFilter.objects.visible_to(user), key=lambda one: (one.is_shared, one.name.casefold()))
    for one in kept:
        one.query = _query_of(one)
        one.may_be_forgotten = saved.may_forget(one, user)
    return kept


def _query_of(kept: SavedFilter) -> str:
    try:
        return HistoryFilter.read(kept.values).query
    except FilterNotValid:
        # Written by an older version that knew other conditions: shown with what is wrong.
        return urlencode(kept.values)
