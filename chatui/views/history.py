"""Üzenetek: all messages of both directions through a filter, page by page; how many; filters kept under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import formats
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chatui.access import for_people_with_sms, open_to_auditors
from chatui.history_form import AskedFilter, filter_of, read_filter
from chatui.keeping import NAME, SHARED, address_of, back_to_panel, keeping, page_of
from server.accounts.models import Subscriber
from server.cursor import read_cursor, write_cursor
from server.history import rows, saved
from server.history.filter import NAMES
from server.history.models import SavedFilter
from server.history.searching import words_of_search

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest

    from server.accounts.models import User

PAGE = 50


@require_safe
@for_people_with_sms
def messages(request: HttpRequest) -> HttpResponse:
    """The page, the part of it that a filter changes, or the rows of a further page of it."""
    asked, cursor = read_filter(request), read_cursor(request.GET.get("before", ""))
    if request.htmx and cursor is not None:
        return render(request, "chatui/_message_rows.html", _page(request.user, asked, cursor), status=asked.status)
    if not request.htmx and _has_empty_fields(request):
        # Return was pressed in the field of the name: it stays where it is.
        return redirect(back_to_panel("messages", asked, request.GET))
    # Before the rows: what is written meanwhile is told again rather than never.
    position = Subscriber.objects.values_list("last_event", flat=True).get(pk=request.user.subscriber_id)
    context = _page(request.user, asked, cursor) | {
        "place": "messages",
        "position": position,
        "asked": asked,
        "is_first_page": cursor is None,
        "filter_action": reverse("messages"),
        "filter_target": "#found",
        **keeping(request, "messages"),
    }
    if not request.htmx:
        return render(request, "chatui/messages.html", context, status=asked.status)
    return _with_its_address(request, asked, render(request, "chatui/_filtered.html", context, status=asked.status))


@require_safe
@for_people_with_sms
def count(request: HttpRequest) -> HttpResponse:
    """How many a filter finds: asked for by a page that is there already."""
    asked = read_filter(request)
    number = rows.number_of(request.user, asked.wanted) if asked.is_valid else 0
    context = {"asked": asked, "wanted": asked.wanted, "number": number, "number_said": _said(number)}
    return render(request, "chatui/_count.html", context, status=asked.status)


@require_POST
@for_people_with_sms
@open_to_auditors
def keep(request: HttpRequest) -> HttpResponse:
    """Keep what stands in the panel under a name, and show what it finds; or the panel again, with what is wrong."""
    asked, page, name = filter_of(request.user, request.POST), page_of(request), request.POST.get(NAME, "")
    if not asked.is_valid:
        return HttpResponseRedirect(back_to_panel(page, asked, request.POST, None if name.strip() else saved.NameNotValid()))
    is_shared = bool(request.POST.get(SHARED)) and saved.may_share(request.user)
    keep_it = saved.share_filter if is_shared else saved.keep_own_filter
    try:
        kept, is_new = keep_it(name=name, wanted=asked.wanted, by=request.user, now=now())
    except saved.NotKept as refusal:
        return HttpResponseRedirect(back_to_panel(page, asked, request.POST, refusal))
    text = _("Kept under “%(name)s”.") if is_new else _("“%(name)s” means this filter from now on.")
    notices.success(request, text % {"name": kept.name})
    return HttpResponseRedirect(address_of(page, asked.query))


@require_http_methods(["GET", "HEAD", "POST"])
@for_people_with_sms
@open_to_auditors
def forget(request: HttpRequest, filter_id: int) -> HttpResponse:
    """Ask, then delete a filter that was kept; what it found stays where it is."""
    chosen = SavedFilter.objects.visible_to(request.user).filter(pk=filter_id).first()
    if chosen is None:
        raise Http404
    if not saved.may_forget(chosen, request.user):
        raise PermissionDenied
    if request.method != "POST":
        template = "chatui/_forget_filter.html" if request.htmx else "chatui/forget_filter.html"
        return render(request, template, {"saved": chosen, "place": page_of(request), "page": page_of(request)})
    saved.forget_filter(saved=chosen, by=request.user, now=now())
    notices.success(request, _("The filter “%(name)s” has been deleted.") % {"name": chosen.name})
    return redirect(page_of(request))


def _page(user: User, asked: AskedFilter, cursor: tuple[datetime, int] | None) -> dict[str, Any]:
    """Fifty messages that begin after a cursor, and the cursor of the next fifty; none of a filter that is not valid."""
    wanted = asked.wanted
    page = rows.page_of(user, wanted, after=cursor, size=PAGE + 1) if asked.is_valid else []
    has_more, page = len(page) > PAGE, page[:PAGE]
    before = write_cursor(page[-1].created_at, page[-1].pk) if has_more else ""
    return {"wanted": wanted, "words": words_of_search(wanted.text), "rows": page, "before": before}


def _said(number: int) -> str:
    written = formats.number_format(min(number, rows.COUNTED_UP_TO), force_grouping=True)
    return f"{written}+" if number > rows.COUNTED_UP_TO else written


def _has_empty_fields(request: HttpRequest) -> bool:
    """As a form without scripts sends them: such an address is nothing to copy."""
    return any(request.GET.get(name) == "" for name in [*NAMES.values(), NAME])


def _with_its_address(request: HttpRequest, asked: AskedFilter, response: HttpResponse) -> HttpResponse:
    """Let the browser's address say what is shown: one step back for each filter, and one for all letters of a search."""
    current = urlsplit(request.htmx.current_url or "")
    address = address_of("messages", asked.query)
    if address != f"{current.path}?{current.query}".rstrip("?"):
        is_typing_on = request.htmx.source == "input#search" and "q" in QueryDict(current.query)
        response["HX-Replace-Url" if is_typing_on else "HX-Push-Url"] = address
    return response
